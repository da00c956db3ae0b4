import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { BrandSettings } from '../brands/brand-settings.js';
import { PlayerCredentials } from '../database/entities/player-credentials.entity.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { AttemptLimits } from './attempt-limits.service.js';
import { PasswordHasher } from './password-hasher.js';
import type { PasswordCode } from './password-rules.js';
import { PasswordsService } from './passwords.service.js';
import { lockPlayer } from './player-lock.js';

const windowSeconds = 900;
/** Wrong old passwords of a player: whoever has found a session must not find the password by it. */
const mostWrong = 10;

/** A player's change of its password, in a session. */
export interface PasswordChange {
  playerId: string;
  sessionId: string;
  oldPassword: string;
  newPassword: string;
}

/** What came of a change: `broken` are the rules that the new password breaks. */
export type PasswordChanged =
  | { kind: 'done' }
  | { kind: 'wrong' }
  | { kind: 'broken'; codes: PasswordCode[] };

/** Changes of a password by whoever knows it. */
@Injectable()
export class PasswordChangeService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly hasher: PasswordHasher,
    private readonly limits: AttemptLimits,
    private readonly passwords: PasswordsService,
    private readonly signal: OutboxSignal,
  ) {}

  /** Sets it, and ends the player's other sessions. too_many_requests beyond ten wrong old ones in a quarter of an hour. */
  change(brand: BrandSettings, change: PasswordChange): Promise<PasswordChanged> {
    return this.hasher.admit(async () => {
      const { playerId, oldPassword, newPassword } = change;
      const known = await this.dataSource.manager.findOneBy(PlayerCredentials, {
        brandId: brand.id,
        playerId,
      });
      const limit = { of: ['change-password', 'player', playerId], most: mostWrong };
      const taken = await this.limits.take(brand.id, [limit], windowSeconds);
      const isRight = await this.hasher.verify(known?.passwordHash ?? null, oldPassword);
      if (!known || !isRight) return { kind: 'wrong' };
      await this.limits.giveBack(taken);
      const codes = this.passwords.brokenRules(brand, known, newPassword);
      if (codes.length > 0) return { kind: 'broken', codes };
      const passwordHash = await this.hasher.hash(newPassword);
      const isDone = await this.replace(brand, change, known, passwordHash);
      if (isDone) this.signal.raise(brand.id);
      return { kind: isDone ? 'done' : 'wrong' };
    });
  }

  /** False where the password has become another since it was found to be right. */
  private replace(
    brand: BrandSettings,
    { playerId, sessionId }: PasswordChange,
    known: PlayerCredentials,
    passwordHash: string,
  ): Promise<boolean> {
    return this.dataSource.transaction(async (manager) => {
      const locked = await lockPlayer(manager, brand.id, playerId);
      const where = { brandId: brand.id, playerId };
      const now = await manager.findOne(PlayerCredentials, { where, lock: { mode: 'pessimistic_write' } });
      if (!locked || now?.passwordHash !== known.passwordHash) return false;
      const language = locked.player?.language ?? null;
      await this.passwords.replace(manager, brand, now, language, { passwordHash, keptSession: sessionId });
      return true;
    });
  }
}
