import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Clock } from '../common/clock.js';
import type { PlayerCredentials } from '../database/entities/player-credentials.entity.js';
import { MessagesService } from '../delivery/messages.service.js';
import { CredentialsService } from './credentials.service.js';
import { brokenPasswordRules, type PasswordCode } from './password-rules.js';

/** A password that a player gives itself. */
export interface NewPassword {
  passwordHash: string;
  /** The session that stays; default none. */
  keptSession?: string;
}

/** Passwords that players give themselves. */
@Injectable()
export class PasswordsService {
  constructor(
    private readonly credentials: CredentialsService,
    private readonly messages: MessagesService,
    private readonly clock: Clock,
  ) {}

  /** Every rule that a new password of the player breaks. */
  brokenRules(
    brand: BrandSettings,
    { username, email }: PlayerCredentials,
    password: string,
  ): PasswordCode[] {
    return brokenPasswordRules(password, brand.facts.passwordMaxLength, [username, email]);
  }

  /**
   * Sets it in the caller's transaction, whose end the caller signals (OutboxSignal): sessions and links end, and the player is told by
   * mail. The player must be locked.
   */
  async replace(
    manager: EntityManager,
    brand: BrandSettings,
    { playerId, email }: PlayerCredentials,
    language: string | null,
    { passwordHash, keptSession }: NewPassword,
  ): Promise<void> {
    const id = { brandId: brand.id, playerId };
    const columns = { passwordHash, passwordChangedAt: this.clock.now(), isPasswordTemporary: false };
    await this.credentials.put(manager, id, { columns, keptSession }, { actor: 'player' });
    if (email === null) return;
    await this.messages.queueMail(manager, {
      ...id,
      to: email,
      template: 'password-changed',
      language: language ?? brand.facts.defaultLanguage,
      variables: {},
    });
  }
}
