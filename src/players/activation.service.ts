import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { BrandSettings } from '../brands/brand-settings.js';
import { PlayerCredentials } from '../database/entities/player-credentials.entity.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { AttemptLimits } from './attempt-limits.service.js';
import { type LinkToSend, PlayerLinksService } from './player-links.service.js';
import { lockPlayer } from './player-lock.js';

const windowSeconds = 3600;
const mostPerPlayer = 5;
const mostPerNetwork = 50;

/** The mail by which a player shows an e-mail address to be its own. Registration sends the first. */
@Injectable()
export class ActivationService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly limits: AttemptLimits,
    private readonly links: PlayerLinksService,
    private readonly signal: OutboxSignal,
  ) {}

  /** Sends the first, in the transaction that makes the player; `announce` follows its commit. */
  begin(
    manager: EntityManager,
    brand: BrandSettings,
    player: Pick<LinkToSend, 'playerId' | 'address' | 'language'>,
  ): Promise<void> {
    return this.links.send(manager, brand, { ...player, purpose: 'activation' });
  }

  /** Says that the outbox has what a registration wrote to it. */
  announce(brandId: number): void {
    this.signal.raise(brandId);
  }

  /** Sends it once more, where the address is not verified yet. too_many_requests beyond the limits of an hour. */
  async resend(brand: BrandSettings, playerId: string, network: string): Promise<void> {
    const limits = [
      { of: ['activation', 'player', playerId], most: mostPerPlayer },
      { of: ['activation', 'network', network], most: mostPerNetwork },
    ];
    await this.limits.take(brand.id, limits, windowSeconds);
    await this.dataSource.transaction(async (manager) => {
      const locked = await lockPlayer(manager, brand.id, playerId);
      const credentials = await manager.findOneBy(PlayerCredentials, { brandId: brand.id, playerId });
      if (!locked || !credentials?.email || credentials.emailVerifiedAt) return;
      await this.links.send(manager, brand, {
        playerId,
        purpose: 'activation',
        address: credentials.email,
        language: locked.player?.language ?? null,
      });
    });
    this.signal.raise(brand.id);
  }
}
