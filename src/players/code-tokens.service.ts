import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { Clock } from '../common/clock.js';
import { AppError } from '../common/errors.js';
import { sha256 } from '../common/secrets.js';
import { Database } from '../database/database.js';
import { LoginChallenge } from '../database/entities/login-challenge.entity.js';
import type { Player } from '../database/entities/player.entity.js';
import { PlayerCode } from '../database/entities/player-code.entity.js';
import { lockPlayer } from './player-lock.js';

/** After its last code went out. */
const lifeMinutes = 60;

/** A token that a log-in or the change of a number gave out, and whose it is. */
export interface CodeToken {
  token: string;
  playerId: string;
  /** Whether its code opens a session, or else shows a new number to be the player's. */
  isLogin: boolean;
}

/** What a token stands for, as it stays until the transaction ends. */
export interface LockedToken {
  player: Player;
  /** Where its codes go; null for a log-in whose player has none. */
  number: string | null;
  /** Its newest; null before the first. */
  code: PlayerCode | null;
}

interface TokenRow {
  player_id: string;
  is_login: boolean;
}

/** Parameters: brand, SHA-256 of the token, since when codes of a new number count. */
const findToken = {
  name: 'find_code_token',
  text: `
    select player_id, true as is_login from login_challenges
    where brand_id = $1 and token_hash = $2 and expires_at > now()
    union all
    select player_id, false from player_codes
    where brand_id = $1 and token_hash = $2 and ended_at is null and not is_login and created_at > $3
    limit 1`,
};

/** Tokens that wait for the code from a player's phone. */
@Injectable()
export class CodeTokensService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** The token, if a log-in or the change of a number in the brand waits for its code; null otherwise. */
  async find(brandId: number, token: string): Promise<CodeToken | null> {
    const since = new Date(this.clock.now().getTime() - lifeMinutes * 60_000);
    const [row] = await this.database.prepared<TokenRow>(findToken, [brandId, sha256(token), since]);
    return row ? { token, playerId: row.player_id, isLogin: row.is_login } : null;
  }

  /** Holds the player and what the token stands for; unauthorized for one that has been used or replaced since it was found. */
  async lock(
    manager: EntityManager,
    brandId: number,
    { token, playerId, isLogin }: CodeToken,
  ): Promise<LockedToken> {
    const player = (await lockPlayer(manager, brandId, playerId))?.player;
    const where = { brandId, playerId, tokenHash: sha256(token) };
    const code = await manager.findOne(PlayerCode, {
      where: { ...where, isLogin, endedAt: IsNull() },
      order: { id: 'DESC' },
    });
    const isLive = isLogin
      ? await manager.existsBy(LoginChallenge, where)
      : code !== null && player?.pendingMobileNumber === code.number;
    if (!player || !isLive) throw new AppError('unauthorized');
    return { player, number: isLogin ? player.phone : player.pendingMobileNumber, code };
  }
}
