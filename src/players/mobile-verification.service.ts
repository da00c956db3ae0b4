import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { BrandSettings } from '../brands/brand-settings.js';
import { sha256 } from '../common/secrets.js';
import { LoginChallenge } from '../database/entities/login-challenge.entity.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { isDeadlock } from './attempt-limits.service.js';
import { type CodeToken, CodeTokensService } from './code-tokens.service.js';
import { codeMinutes, MobileCodesService } from './mobile-codes.service.js';
import type { RequirementCode } from './player-requirements.service.js';
import { VerifiedPhonesService } from './verified-phones.service.js';

/** What came of asking for a code. */
export type SentCode = { kind: 'sent' | 'wrong_number' } | { kind: 'wait'; seconds: number };

/** What came of showing one. */
export type ShownCode =
  | { kind: 'wrong' | 'over' }
  /** `sessionToken` is of a log-in's new session, `codes` what its player has to do before anything else. */
  | { kind: 'right'; mobileNumber: string; sessionToken?: string; codes: RequirementCode[] };

/** A log-in waits at least as long as the code that went out for it. */
const asLongAsItsCode = {
  expiresAt: () => `greatest(expires_at, now() + make_interval(mins => ${codeMinutes}))`,
};

/** New numbers and log-ins that wait for the code from a player's phone. */
@Injectable()
export class MobileVerificationService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly tokens: CodeTokensService,
    private readonly codes: MobileCodesService,
    private readonly verified: VerifiedPhonesService,
    private readonly signal: OutboxSignal,
  ) {}

  /**
   * Sends a code, again or for the first time, to the number of the token if that is the number meant. unauthorized for a token
   * that is over, too_many_requests beyond the limits.
   */
  async send(
    brand: BrandSettings,
    held: CodeToken,
    mobileNumber: string,
    network: string,
  ): Promise<SentCode> {
    const send = () =>
      this.dataSource.transaction((manager) => this.sendWithin(manager, brand, held, mobileNumber, network));
    const sent = await send().catch((error: unknown) => {
      if (isDeadlock(error)) return send();
      throw error;
    });
    if (sent.kind === 'sent') this.signal.raise(brand.id, 'anything');
    return sent;
  }

  /**
   * Takes a code: the right one saves its number as the player's, or opens a session for the log-in; once, also when it comes many
   * times at once. unauthorized for a token that is over, too_many_requests beyond the limit of tries.
   */
  async validate(brand: BrandSettings, held: CodeToken, code: string, network: string): Promise<ShownCode> {
    const taken = await this.codes.takeTry(brand.id, network);
    const codes = await this.verified.findCodes(brand, held);
    const shown = await this.dataSource.transaction((manager) =>
      this.validateWithin(manager, brand, held, code),
    );
    if (shown.kind !== 'right') return shown;
    await this.codes.giveBackTry(taken);
    return { ...shown, codes };
  }

  private async sendWithin(
    manager: EntityManager,
    brand: BrandSettings,
    held: CodeToken,
    mobileNumber: string,
    network: string,
  ): Promise<SentCode> {
    const { player, number } = await this.tokens.lock(manager, brand.id, held);
    const key = { brandId: brand.id, playerId: held.playerId };
    // Written as it may be: the digits are what is dialled.
    if (number === null || digits(number) !== digits(mobileNumber)) {
      await this.codes.count(manager, key, network);
      return { kind: 'wrong_number' };
    }
    const seconds = await this.codes.secondsToWait(manager, key);
    if (seconds > 0) return { kind: 'wait', seconds };
    const { token, isLogin } = held;
    await this.codes.send(manager, brand, player, { number, token, isLogin, network });
    if (isLogin) await manager.update(LoginChallenge, { ...key, tokenHash: sha256(token) }, asLongAsItsCode);
    return { kind: 'sent' };
  }

  private async validateWithin(
    manager: EntityManager,
    brand: BrandSettings,
    held: CodeToken,
    shown: string,
  ): Promise<ShownCode> {
    const { player, number, code } = await this.tokens.lock(manager, brand.id, held);
    // A log-in whose code was not yet asked for, or whose player has another number since.
    if (!code || code.number !== number) return { kind: 'over' };
    const checked = await this.codes.check(manager, code, shown);
    if (checked !== 'right') return { kind: checked };
    await this.verified.save(manager, player, code.number);
    const sessionToken = held.isLogin ? await this.verified.openSession(manager, brand, held) : undefined;
    return { kind: 'right', mobileNumber: code.number, sessionToken, codes: [] };
  }
}

function digits(number: string): string {
  return number.replaceAll(/\D/g, '');
}
