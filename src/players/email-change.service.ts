import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, Not } from 'typeorm';
import type { BrandSettings } from '../brands/brand-settings.js';
import { AppError } from '../common/errors.js';
import { PlayerCredentials } from '../database/entities/player-credentials.entity.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { AttemptLimits } from './attempt-limits.service.js';
import { brokenEmailRules, type EmailCode } from './email-rules.js';
import { identityKey } from './identity-key.js';
import { PlayerLinksService } from './player-links.service.js';
import { lockPlayer } from './player-lock.js';

const windowSeconds = 3600;
/** Changes that an hour takes: each is a mail to an address that somebody has typed. */
const mostPerPlayer = 20;

/** What a player wants its e-mail address to be. */
export interface EmailChange {
  email: string;
  comment: string;
}

/** Players' changes of their e-mail address: the new one waits until whoever reads mail there confirms it. */
@Injectable()
export class EmailChangeService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly limits: AttemptLimits,
    private readonly links: PlayerLinksService,
    private readonly signal: OutboxSignal,
  ) {}

  /**
   * Sends a link that confirms to the new address, and one that cancels to the old; those of an earlier change are void. Answers
   * the rules that the address breaks; then nothing was sent. not_found for a player without an address.
   */
  async begin(brand: BrandSettings, playerId: string, change: EmailChange): Promise<EmailCode[]> {
    const limit = { of: ['email-change', 'player', playerId], most: mostPerPlayer };
    const taken = await this.limits.take(brand.id, [limit], windowSeconds);
    let isSent = false;
    try {
      const broken = await this.dataSource.transaction((manager) =>
        this.send(manager, brand, playerId, change),
      );
      isSent = broken.length === 0;
      if (isSent) this.signal.raise(brand.id);
      return broken;
    } finally {
      if (!isSent) await this.limits.giveBack(taken);
    }
  }

  private async send(
    manager: EntityManager,
    brand: BrandSettings,
    playerId: string,
    { email, comment }: EmailChange,
  ): Promise<EmailCode[]> {
    const locked = await lockPlayer(manager, brand.id, playerId);
    const known = await manager.findOneBy(PlayerCredentials, { brandId: brand.id, playerId });
    if (!locked || !known?.email) throw new AppError('not_found');
    const address = email.trim();
    const broken = brokenEmailRules(address, known.username ?? '', brand.facts.fraudEmailDomains);
    if (await isTaken(manager, brand.id, playerId, address)) broken.push('email_already_exists');
    if (broken.length > 0) return broken;
    const language = locked.player?.language ?? null;
    await this.links.send(manager, brand, { playerId, purpose: 'email_change', address, language, comment });
    await this.links.send(manager, brand, {
      playerId,
      purpose: 'email_cancel',
      address,
      to: known.email,
      language,
    });
    return [];
  }
}

/** Whether another player of the brand has the address now; that it has not when it is confirmed, the unique key sees to. */
function isTaken(
  manager: EntityManager,
  brandId: number,
  playerId: string,
  address: string,
): Promise<boolean> {
  return manager.existsBy(PlayerCredentials, {
    brandId,
    emailKey: identityKey(address),
    playerId: Not(playerId),
  });
}
