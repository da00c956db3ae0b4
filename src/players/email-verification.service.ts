import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Clock } from '../common/clock.js';
import { AppError } from '../common/errors.js';
import { CredentialsService, type PreparedCredentials } from './credentials.service.js';
import { identityKey } from './identity-key.js';
import { endLinks, type OpenLink, PlayerLinksService } from './player-links.service.js';
import { lockPlayer } from './player-lock.js';

/** The links that settle an e-mail address, by what they do. */
export type EmailLinkAct = 'verify' | 'cancel';

const purposes = {
  verify: ['activation', 'email_change'],
  cancel: ['email_cancel'],
} as const;

/** What links settle of e-mail addresses. */
@Injectable()
export class EmailVerificationService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly links: PlayerLinksService,
    private readonly credentials: CredentialsService,
    private readonly clock: Clock,
  ) {}

  /** What a link would do; null for one that is used, old, void, or none. Changes nothing. */
  find(brand: BrandSettings, act: EmailLinkAct, secret: unknown): Promise<OpenLink | null> {
    return this.links.find(brand.id, secret, purposes[act]);
  }

  /** Does what a link is for; null for one that is used, old, void or none, and where somebody else has the address by now. */
  async act(brand: BrandSettings, act: EmailLinkAct, secret: unknown): Promise<OpenLink | null> {
    const link = await this.find(brand, act, secret);
    if (!link) return null;
    const isDone = await this.settle(brand, link).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'conflict') return false;
      throw error;
    });
    return isDone ? link : null;
  }

  private settle(brand: BrandSettings, link: OpenLink): Promise<boolean> {
    const id = { brandId: brand.id, playerId: link.playerId };
    return this.dataSource.transaction(async (manager) => {
      const locked = await lockPlayer(manager, brand.id, link.playerId);
      // Whoever was blocked because somebody else has the account can still keep its address.
      if (!locked || (locked.state.blocked && link.purpose !== 'email_cancel')) return false;
      if (!(await this.links.use(manager, brand.id, link))) return false;
      await endLinks(manager, id, this.clock.now(), ['email_change', 'email_cancel']);
      if (link.purpose === 'email_cancel') return true;
      const by = { actor: 'player', ...(link.comment !== null && { comment: link.comment }) };
      await this.credentials.put(manager, id, toCredentials(link), by);
      return true;
    });
  }
}

function toCredentials({ purpose, address }: OpenLink): PreparedCredentials {
  const columns = purpose === 'email_change' ? { email: address, emailKey: identityKey(address) } : {};
  return { columns, emailVerified: true };
}
