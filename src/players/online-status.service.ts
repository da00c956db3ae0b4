import { Injectable } from '@nestjs/common';
import { SessionsService } from '../auth/sessions.service.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Clock } from '../common/clock.js';
import { Coalescer } from '../common/coalescer.js';
import { AppError } from '../common/errors.js';
import { sha256 } from '../common/secrets.js';
import { Database } from '../database/database.js';
import { findByGame, findBySession, type OnlinePlayerRow, restartPeriod } from './online-player.js';
import { PlayerRequirementsService } from './player-requirements.service.js';
import { latestStart } from './reality-check.js';

/** What there is to tell a player who is online. */
export interface OnlinePlayer {
  player: OnlinePlayerRow;
  /** Whether the player has played for a period of its own choice, and is to be told so before anything else. */
  isCheckDue: boolean;
  now: Date;
}

interface SessionKey {
  brandId: number;
  playerId: string;
  sessionId: string;
}

interface GameKey {
  brandId: number;
  idHash: Buffer;
}

const limits = { maxItems: 200, maxRuns: 4 };

/** The figures of players who are online, and when they are told how long they have played. */
@Injectable()
export class OnlineStatusService {
  private readonly bySession = new Coalescer<SessionKey, OnlinePlayerRow | null>(async (keys) => {
    const rows = await this.database.prepared<OnlinePlayerRow>(findBySession, [
      keys.map(({ brandId }) => brandId),
      keys.map(({ playerId }) => playerId),
      keys.map(({ sessionId }) => sessionId),
    ]);
    return inOrder(keys, rows);
  }, limits);

  private readonly byGame = new Coalescer<GameKey, OnlinePlayerRow | null>(async (keys) => {
    const rows = await this.database.prepared<OnlinePlayerRow>(findByGame, [
      keys.map(({ brandId }) => brandId),
      keys.map(({ idHash }) => idHash),
    ]);
    return inOrder(keys, rows);
  }, limits);

  constructor(
    private readonly database: Database,
    private readonly requirements: PlayerRequirementsService,
    private readonly clock: Clock,
  ) {}

  /**
   * The player of a session. Rejects with unauthorized for one that is not there, and with the code of what the player has to do
   * first. A check that is due is so for one caller alone: the period begins again with it, if the answer is shown.
   */
  async read(
    brand: BrandSettings,
    playerId: string,
    sessionId: string,
    isShown = true,
  ): Promise<OnlinePlayer> {
    return this.tell(brand, await this.bySession.add({ brandId: brand.id, playerId, sessionId }), isShown);
  }

  /** The same of the player of a game session, whose id is enough; where a session comes with it, it must be of that player. */
  async readInGame(
    brand: BrandSettings,
    gameSessionId: string,
    caller: string | null,
    isShown = true,
  ): Promise<OnlinePlayer> {
    if (!SessionsService.isToken(gameSessionId)) throw new AppError('unauthorized');
    const idHash = sha256(gameSessionId.toLowerCase());
    const player = await this.byGame.add({ brandId: brand.id, idHash });
    return this.tell(brand, caller === null || caller === player?.player_id ? player : null, isShown);
  }

  private async tell(
    brand: BrandSettings,
    player: OnlinePlayerRow | null,
    isShown: boolean,
  ): Promise<OnlinePlayer> {
    if (!player) throw new AppError('unauthorized');
    const [code] = await this.requirements.findCodes(brand, player.player_id, player);
    if (code) throw new AppError('unauthorized', undefined, [], { answer: { result: code } });
    const now = this.clock.now();
    return { player, isCheckDue: await this.isDue(player, now, isShown), now };
  }

  private async isDue(player: OnlinePlayerRow, now: Date, isShown: boolean): Promise<boolean> {
    const { brand_id: brandId, player_id: playerId, login_at: loginAt, checked_at: checkedAt } = player;
    const since = latestStart(player.reality_check, now);
    if (since === null || loginAt > since || (checkedAt !== null && checkedAt > since)) return false;
    if (!isShown) return true;
    const begun = await this.database.prepared(restartPeriod, [brandId, playerId, now, since]);
    return begun.length === 1;
  }
}

/** The row of each key, or null. */
function inOrder(keys: readonly unknown[], rows: readonly OnlinePlayerRow[]): (OnlinePlayerRow | null)[] {
  const found = new Array<OnlinePlayerRow | null>(keys.length).fill(null);
  for (const row of rows) found[row.place - 1] = row;
  return found;
}
