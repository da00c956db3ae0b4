import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { BrandSettings } from '../brands/brand-settings.js';
import { PlayerCredentials } from '../database/entities/player-credentials.entity.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { PasswordHasher } from './password-hasher.js';
import type { PasswordCode } from './password-rules.js';
import { PasswordsService } from './passwords.service.js';
import { type OpenLink, PlayerLinksService } from './player-links.service.js';
import { lockPlayer } from './player-lock.js';

/** What came of a reset. `void`: the link is used, old, or none; `broken`: the link stays, the password breaks these rules. */
export type PasswordReset =
  | { kind: 'done'; link: OpenLink; passwordHash: string }
  | { kind: 'void' }
  | { kind: 'broken'; link: OpenLink; codes: PasswordCode[] };

/** New passwords for those who hold the link that was mailed to them. */
@Injectable()
export class PasswordResetService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly hasher: PasswordHasher,
    private readonly links: PlayerLinksService,
    private readonly passwords: PasswordsService,
    private readonly signal: OutboxSignal,
  ) {}

  /** The link that a secret opens; null for one that is used, old, void, or none. Changes nothing. */
  find(brand: BrandSettings, secret: unknown): Promise<OpenLink | null> {
    return this.links.find(brand.id, secret, ['password_reset']);
  }

  /** Sets the password, and ends every session of the player. too_many_requests while too many passwords are hashed. */
  async reset(brand: BrandSettings, secret: unknown, password: string): Promise<PasswordReset> {
    const link = await this.find(brand, secret);
    if (!link) return { kind: 'void' };
    return this.hasher.admit(async () => {
      const id = { brandId: brand.id, playerId: link.playerId };
      const known = await this.dataSource.manager.findOneByOrFail(PlayerCredentials, id);
      const codes = this.passwords.brokenRules(brand, known, password);
      if (codes.length > 0) return { kind: 'broken', link, codes };
      const passwordHash = await this.hasher.hash(password);
      if (!(await this.replace(brand, link, passwordHash))) return { kind: 'void' };
      this.signal.raise(brand.id);
      return { kind: 'done', link, passwordHash };
    });
  }

  private replace(brand: BrandSettings, link: OpenLink, passwordHash: string): Promise<boolean> {
    const where = { brandId: brand.id, playerId: link.playerId };
    return this.dataSource.transaction(async (manager) => {
      const locked = await lockPlayer(manager, brand.id, link.playerId);
      if (!locked || locked.state.blocked) return false;
      if (!(await this.links.use(manager, brand.id, link))) return false;
      const now = await manager.findOneByOrFail(PlayerCredentials, where);
      await this.passwords.replace(manager, brand, now, link.language, { passwordHash });
      return true;
    });
  }
}
