import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { SessionsService } from '../auth/sessions.service.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Clock } from '../common/clock.js';
import { AppError } from '../common/errors.js';
import { Player } from '../database/entities/player.entity.js';
import { PlayerCredentials } from '../database/entities/player-credentials.entity.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { type DetailField, type DetailsInput, isAdult, parseBirthdate } from './details-rules.js';
import { DetailsWriter } from './details-writer.js';
import { lockPlayer } from './player-lock.js';
import type { FieldCode } from './registration-rules.js';

/** What the second step of registration asks for: every detail. */
export type RegistrationDetails = Record<DetailField, string>;

/** The words that errors of the form have for the fields. */
const words: Record<DetailField, string> = {
  firstName: 'first_name',
  lastName: 'last_name',
  birthdate: 'birth_date',
  gender: 'gender',
  language: 'language',
  country: 'country',
  city: 'city',
  address: 'address',
  zipPostalCode: 'zip_code',
  phone: 'mobile_number',
};

/** The second step of registration: who the player is. */
@Injectable()
export class RegistrationDetailsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly sessions: SessionsService,
    private readonly writer: DetailsWriter,
    private readonly signal: OutboxSignal,
    private readonly clock: Clock,
  ) {}

  /** The player whose live session in the brand a token is; null for any other. */
  async findPlayer(brand: BrandSettings, token: unknown): Promise<string | null> {
    if (typeof token !== 'string' || !SessionsService.isToken(token)) return null;
    const player = await this.sessions.verify(token);
    return player?.brandId === brand.id ? player.playerId : null;
  }

  /** Saves the details, or answers the rules that they break. A player whose details are there already changes them elsewhere. */
  async complete(
    brand: BrandSettings,
    playerId: string,
    given: RegistrationDetails,
    evidence: string,
  ): Promise<FieldCode[]> {
    const broken = this.brokenRules(brand, given);
    if (broken.length > 0) return broken;
    const id = { brandId: brand.id, playerId };
    const done = await this.dataSource.transaction(async (manager) => {
      const locked = await lockPlayer(manager, brand.id, playerId);
      if (!locked || locked.player?.hasDetails) return false;
      // Of a player who was let in by the operator there may be consents alone.
      if (!locked.player) await manager.insert(Player, { ...id });
      const by = { actor: 'player' };
      await this.writer.put(manager, brand, {
        playerId,
        details: given,
        optOuts: {},
        by,
        source: 'gateway',
        evidence,
      });
      await manager.update(PlayerCredentials, id, { registeredAt: this.clock.now() });
      return true;
    });
    if (done) this.signal.raise(brand.id, 'consents');
    return done ? [] : [{ field: 'auth_token', errorCode: 'already_registered' }];
  }

  private brokenRules(brand: BrandSettings, details: DetailsInput): FieldCode[] {
    try {
      this.writer.check(brand, details);
      return [];
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return error.fields.map(({ field }) => ({
        field,
        errorCode: this.codeOf(field as DetailField, details[field as DetailField] ?? ''),
      }));
    }
  }

  private codeOf(field: DetailField, value: string): string {
    if (value.trim() === '') return `${words[field]}_required`;
    const birthOn = field === 'birthdate' ? parseBirthdate(value) : null;
    return birthOn !== null && !isAdult(birthOn, this.clock.now()) ? 'under_age' : `invalid_${words[field]}`;
  }
}
