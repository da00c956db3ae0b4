import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull, MoreThan } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Clock } from '../common/clock.js';
import { DerivedCodes } from '../common/derived-codes.js';
import { KeyedHash, sha256 } from '../common/secrets.js';
import { Config } from '../config/config.js';
import { Player } from '../database/entities/player.entity.js';
import { PlayerCode } from '../database/entities/player-code.entity.js';
import { MessagesService } from '../delivery/messages.service.js';
import { type AttemptLimit, AttemptLimits, type TakenAttempts } from './attempt-limits.service.js';
import { dialled } from './details-rules.js';

/** How long a code is good. */
export const codeMinutes = 10;
/** Between two codes that are asked for. */
const intervalSeconds = 60;
const mostTries = 5;
const windowSeconds = 3600;
/** Codes in a window to a number, for a player, and from a network. */
const mostPerNumber = 5;
const mostPerPlayer = 5;
const mostPerNetwork = 50;

/** Wrong codes from a network. */
const mostTriesPerNetwork = 100;
const tryWindowSeconds = 900;

/** A number that waits for its code, and the token that goes with the code. */
export interface NumberToVerify {
  mobileNumber: string;
  token: string;
}

/** A code that is to go out, and what it is for. */
export interface CodeToSend {
  number: string;
  /** Goes with every code for the same: the caller shows both. */
  token: string;
  /** Whether it opens a session, or else shows a new number to be the player's. */
  isLogin: boolean;
  /** Where the request comes from; see callerNetwork. */
  network: string;
}

/** What a code that was shown comes to. A wrong one counts; after five the right one is too late. */
export type CheckedCode = 'right' | 'wrong' | 'over';

/** Codes that show a number to be the player's. */
@Injectable()
export class MobileCodesService {
  private readonly codes: DerivedCodes;
  private readonly hash: KeyedHash;

  constructor(
    private readonly messages: MessagesService,
    private readonly limits: AttemptLimits,
    private readonly clock: Clock,
    config: Config,
  ) {
    this.codes = new DerivedCodes(config.SECRET_KEYS, 'mobile-code');
    this.hash = new KeyedHash(config.SECRET_KEYS, 'mobile-code-hash');
  }

  /**
   * Sends a code to a new number in the caller's transaction, whose end the caller signals (OutboxSignal). The number is pending
   * from then on. The player must be locked. too_many_requests beyond the limits.
   */
  async begin(
    manager: EntityManager,
    brand: BrandSettings,
    player: Player,
    number: string,
    network: string,
  ): Promise<NumberToVerify> {
    const token = randomUUID();
    await this.send(manager, brand, player, { number, token, isLogin: false, network });
    const key = { brandId: brand.id, playerId: player.playerId };
    await manager.update(Player, key, { pendingMobileNumber: number });
    return { mobileNumber: number, token };
  }

  /**
   * Sends a code in the caller's transaction, whose end the caller signals (OutboxSignal). Earlier codes are void: of the log-in,
   * or of any new number. The player must be locked. too_many_requests beyond the limits.
   */
  async send(manager: EntityManager, brand: BrandSettings, player: Player, code: CodeToSend): Promise<void> {
    const { number, token, isLogin, network } = code;
    const key = { brandId: brand.id, playerId: player.playerId };
    await this.count(manager, key, network, number);
    const now = this.clock.now();
    const tokenHash = sha256(token);
    const earlier = { ...key, endedAt: IsNull(), ...(isLogin ? { tokenHash } : { isLogin }) };
    await manager.update(PlayerCode, earlier, { endedAt: now });
    const id = uuidv7();
    const origin = this.codes.originOf(id);
    const codeHash = this.digest(id, this.codes.code(origin));
    const expiresAt = new Date(now.getTime() + codeMinutes * 60_000);
    await manager.insert(PlayerCode, {
      ...key,
      id,
      number,
      isLogin,
      tokenHash,
      codeHash,
      createdAt: now,
      expiresAt,
    });
    await this.messages.queueSms(manager, {
      ...key,
      to: dialled(number),
      message: 'mobile_code',
      language: player.language ?? brand.facts.defaultLanguage,
      variables: { minutes: String(codeMinutes) },
      code: origin,
    });
  }

  /** Counts a request for a code, whether one goes out or not: for the number, if there is one. too_many_requests beyond the limits. */
  async count(
    manager: EntityManager,
    { brandId, playerId }: { brandId: number; playerId: string },
    network: string,
    number?: string,
  ): Promise<void> {
    const limits: AttemptLimit[] = [
      { of: ['code', 'player', playerId], most: mostPerPlayer },
      { of: ['code', 'network', network], most: mostPerNetwork },
    ];
    if (number !== undefined) limits.push({ of: ['code', 'number', dialled(number)], most: mostPerNumber });
    await this.limits.takeWithin(manager, brandId, limits, windowSeconds);
  }

  /** Seconds until the player may ask for another code; 0 when it may now. */
  async secondsToWait(manager: EntityManager, key: { brandId: number; playerId: string }): Promise<number> {
    const now = this.clock.now().getTime();
    const [last] = await manager.find(PlayerCode, {
      where: { ...key, createdAt: MoreThan(new Date(now - intervalSeconds * 1000)) },
      select: { createdAt: true },
      order: { id: 'DESC' },
      take: 1,
    });
    return last ? Math.ceil((last.createdAt.getTime() - now) / 1000) + intervalSeconds : 0;
  }

  /** Checks a code in the caller's transaction, which must end well for a wrong one to count: the right one is used up by it. */
  async check(manager: EntityManager, code: PlayerCode, shown: string): Promise<CheckedCode> {
    const { brandId, playerId, id, tries, expiresAt, codeHash } = code;
    const now = this.clock.now();
    if (tries >= mostTries || expiresAt <= now) return 'over';
    const isRight = this.digest(id, shown).equals(codeHash);
    const change = isRight ? { endedAt: now } : { tries: tries + 1 };
    await manager.update(PlayerCode, { brandId, playerId, id }, change);
    return isRight ? 'right' : 'wrong';
  }

  /** Counts a try, before it is made; too_many_requests beyond the limit of the network. */
  takeTry(brandId: number, network: string): Promise<TakenAttempts> {
    const limits = [{ of: ['code-try', 'network', network], most: mostTriesPerNetwork }];
    return this.limits.take(brandId, limits, tryWindowSeconds);
  }

  /** Takes a try back: the code was right. */
  giveBackTry(taken: TakenAttempts): Promise<void> {
    return this.limits.giveBack(taken);
  }

  private digest(id: string, code: string): Buffer {
    return this.hash.digest(`${id} ${code}`);
  }
}
