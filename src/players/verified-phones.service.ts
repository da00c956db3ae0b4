import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SessionsService } from '../auth/sessions.service.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Clock } from '../common/clock.js';
import { AppError } from '../common/errors.js';
import { sha256 } from '../common/secrets.js';
import { LoginChallenge } from '../database/entities/login-challenge.entity.js';
import { Player } from '../database/entities/player.entity.js';
import { PlayerCredentials } from '../database/entities/player-credentials.entity.js';
import type { CodeToken } from './code-tokens.service.js';
import { type FieldChange, PlayerChangesService } from './player-changes.service.js';
import { PlayerRequirementsService, type RequirementCode } from './player-requirements.service.js';

/** What becomes of a player who has shown the code from its phone. */
@Injectable()
export class VerifiedPhonesService {
  constructor(
    private readonly sessions: SessionsService,
    private readonly requirements: PlayerRequirementsService,
    private readonly changes: PlayerChangesService,
    private readonly clock: Clock,
  ) {}

  /** What the player of a log-in has to do before anything else. Not to be asked in a transaction. */
  async findCodes(brand: BrandSettings, { playerId, isLogin }: CodeToken): Promise<RequirementCode[]> {
    return isLogin ? this.requirements.findCodes(brand, playerId) : [];
  }

  /** Saves the number as the player's, and verified, with what was changed by it. */
  async save(manager: EntityManager, player: Player, number: string): Promise<void> {
    const isNew = player.phone !== number;
    const changes: FieldChange[] = [];
    if (isNew) changes.push({ field: 'phone', before: player.phone, after: number });
    if (!player.isMobileVerified)
      changes.push({ field: 'mobileVerificationStatus', before: '0', after: '1' });
    if (changes.length === 0) return;
    const key = { brandId: player.brandId, playerId: player.playerId };
    const now = this.clock.now();
    await manager.update(Player, key, {
      ...(isNew && { phone: number, pendingMobileNumber: null }),
      isMobileVerified: true,
      mobileVerificationChangedAt: now,
      mobileVerificationChangedBy: 'player',
      updatedAt: now,
    });
    await this.changes.record(manager, key, changes, { actor: 'player' }, now);
  }

  /** Opens the session that a log-in waited for, and uses the log-in up; unauthorized where the password is another since. */
  async openSession(
    manager: EntityManager,
    brand: BrandSettings,
    { token, playerId }: CodeToken,
  ): Promise<string> {
    const key = { brandId: brand.id, playerId };
    const challenge = { ...key, tokenHash: sha256(token) };
    const { passwordDigest } = await manager.findOneByOrFail(LoginChallenge, challenge);
    const { passwordHash } = await manager.findOneByOrFail(PlayerCredentials, key);
    const isSame = passwordHash !== null && sha256(passwordHash).equals(passwordDigest);
    await manager.delete(LoginChallenge, challenge);
    const session = isSame && (await this.sessions.openOwn(brand, playerId, passwordHash, manager));
    if (!session) throw new AppError('unauthorized');
    return session.token;
  }
}
