import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { AppError } from '../common/errors.js';
import { CatalogueChanged } from '../consents/marketing-consents.service.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { isDeadlock } from './attempt-limits.service.js';
import { type DetailsAct, DetailsWriter } from './details-writer.js';
import { MobileCodesService, type NumberToVerify } from './mobile-codes.service.js';
import { type LockedPlayer, lockPlayer } from './player-lock.js';

/** Players' changes of their own details. */
@Injectable()
export class DetailsChangesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalogue: BrandCatalogue,
    private readonly writer: DetailsWriter,
    private readonly codes: MobileCodesService,
    private readonly signal: OutboxSignal,
  ) {}

  /**
   * Saves a change, all of it or nothing; null once it is saved. Where a new number must be verified first, nothing is saved
   * but that it waits for the code, which goes out. Rejects with invalid_input, with not_found for a player without details,
   * and with too_many_requests where too many codes went out.
   * @param network where the request comes from; see callerNetwork
   */
  async change(brandId: number, act: DetailsAct, network: string): Promise<NumberToVerify | null> {
    try {
      return await this.changeOnce(brandId, act, network);
    } catch (error) {
      if (!(error instanceof CatalogueChanged) && !isDeadlock(error)) throw error;
      this.catalogue.forget(brandId);
      return this.changeOnce(brandId, act, network);
    }
  }

  private async changeOnce(
    brandId: number,
    given: DetailsAct,
    network: string,
  ): Promise<NumberToVerify | null> {
    // Before a transaction holds a connection: many at once would all wait for one more, which none of them gives back.
    const brand = await this.catalogue.get(brandId);
    const act = { ...given, details: this.writer.check(brand, given.details) };
    const toVerify = await this.dataSource.transaction(async (manager) => {
      const locked = await lockPlayer(manager, brandId, act.playerId);
      if (!locked?.player?.hasDetails) throw new AppError('not_found');
      const { player } = locked;
      const plan = this.writer.plan(brand, locked, act);
      // What is known of a player stays known: only the operator clears it.
      if (plan.changes.some(({ after }) => after === null)) throw new AppError('invalid_input');
      const phone = plan.changes.find(({ field }) => field === 'phone')?.after;
      if (phone && needsVerification(brand, locked))
        return this.codes.begin(manager, brand, player, phone, network);
      await this.writer.save(manager, brand, player, plan, act);
      return null;
    });
    this.signal.raise(brandId, toVerify ? 'anything' : 'consents');
    return toVerify;
  }
}

/** Whoever logs in with codes gets them by the number: another one must be the player's, too. */
function needsVerification(brand: BrandSettings, { player, is2faRequired }: LockedPlayer): boolean {
  return brand.facts.mobileVerificationRequired || player?.isMobileVerificationOn === true || is2faRequired;
}
