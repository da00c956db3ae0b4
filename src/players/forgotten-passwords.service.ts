import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { BrandSettings } from '../brands/brand-settings.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { AttemptLimits, isDeadlock } from './attempt-limits.service.js';
import { identityKey } from './identity-key.js';
import { PlayerLinksService } from './player-links.service.js';

const windowSeconds = 3600;
const mostPerPlayer = 5;
const mostPerNetwork = 50;

const send = 'select send_password_reset($1, $2, $3, $4, $5, $6, $7, $8)';

/** Mails to players who have forgotten their password. */
@Injectable()
export class ForgottenPasswordsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly limits: AttemptLimits,
    private readonly links: PlayerLinksService,
    private readonly signal: OutboxSignal,
  ) {}

  /**
   * Sends a link to set a new password, if the address is a player's who is not blocked. Nothing tells whether it is: the same
   * statements in one commit, and limits that count addresses. too_many_requests beyond the limits of an hour.
   */
  async send(brand: BrandSettings, email: string, network: string): Promise<void> {
    const key = identityKey(email);
    const limits = [
      { of: ['forgot', 'address', key], most: mostPerPlayer },
      { of: ['forgot', 'network', network], most: mostPerNetwork },
    ];
    const { id, hash, createdAt, expiresAt, mail } = this.links.make(brand.id, 'password_reset');
    const write = () =>
      this.dataSource.transaction(async (manager) => {
        await this.limits.takeWithin(manager, brand.id, limits, windowSeconds);
        await manager.query(send, [brand.id, key, id, hash, createdAt, expiresAt, uuidv7(), mail]);
      });
    await write().catch((error: unknown) => {
      if (isDeadlock(error)) return write();
      throw error;
    });
    this.signal.raise(brand.id);
  }
}
