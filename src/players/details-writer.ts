import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Clock } from '../common/clock.js';
import { AppError } from '../common/errors.js';
import { MarketingConsentsService } from '../consents/marketing-consents.service.js';
import { Player } from '../database/entities/player.entity.js';
import {
  checkDetails,
  type DetailField,
  detailFields,
  type DetailsInput,
  detailNames,
} from './details-rules.js';
import { type OptOutChange, type OptOuts, planOptOuts } from './opt-outs.js';
import { type ChangedBy, type FieldChange, PlayerChangesService } from './player-changes.service.js';
import { lockPlayer, type LockedPlayer } from './player-lock.js';

/** What a caller wants changed of a player: all of it happens, or none. */
export interface DetailsAct {
  playerId: string;
  details: DetailsInput;
  optOuts: OptOuts;
  by: ChangedBy;
  /** The door. */
  source: string;
  /** JSON text of what came with the request. */
  evidence: string;
}

/** What operators say of a player beside the details; absent ones stay, null clears. */
export type PlayerFacts = Partial<Pick<Player, (typeof factNames)[number]>>;
const factNames = ['origin', 'currency', 'bTag', 'testAccount'] as const;

/** What comes of an act for the player as it is. */
export interface DetailsPlan {
  changes: FieldChange[];
  optOuts: OptOutChange[];
}

/** Writes what is known of players as people, and with it the consents that they call opt-outs. */
@Injectable()
export class DetailsWriter {
  constructor(
    private readonly consents: MarketingConsentsService,
    private readonly changes: PlayerChangesService,
    private readonly clock: Clock,
  ) {}

  /** The details as they are kept; invalid_input names every field that breaks its rule. */
  check(brand: BrandSettings, details: DetailsInput): DetailsInput {
    const { libraryPhoneCheck } = brand.facts;
    return checkDetails(details, { now: this.clock.now(), libraryPhoneCheck });
  }

  /** What is to change; invalid_input for an opt-out that cannot be. The details must have been checked. */
  plan(brand: BrandSettings, { state, player }: LockedPlayer, { details, optOuts }: DetailsAct): DetailsPlan {
    return { changes: differences(player, details), optOuts: planOptOuts(brand, state, optOuts) };
  }

  /**
   * An operator's change, in the caller's transaction, whose end the caller signals (OutboxSignal): null clears, a number
   * counts at once, and a player without details gets them. The player must be there. Rejects with invalid_input, and with
   * CatalogueChanged.
   */
  async put(
    manager: EntityManager,
    brand: BrandSettings,
    given: DetailsAct,
    facts: PlayerFacts = {},
  ): Promise<void> {
    const act = { ...given, details: this.check(brand, given.details) };
    const id = { brandId: brand.id, playerId: act.playerId };
    const locked = await lockPlayer(manager, brand.id, act.playerId);
    if (!locked?.player) throw new AppError('user_not_found');
    const now = this.clock.now();
    await manager.update(Player, id, { ...facts, updatedAt: now });
    await this.changes.record(manager, id, factChanges(locked.player, facts), act.by, now);
    const plan = this.plan(brand, locked, act);
    await this.save(manager, brand, locked.player, plan, act);
    // Every player may have a language; whoever has more is known as a person.
    const isPerson = plan.changes.some(({ field, after }) => field !== 'language' && after !== null);
    if (!isPerson || locked.player.hasDetails) return;
    await manager.update(Player, id, { hasDetails: true });
  }

  /** Writes what was planned for a player who has been locked since. */
  async save(
    manager: EntityManager,
    brand: BrandSettings,
    player: Player,
    { changes, optOuts }: DetailsPlan,
    act: DetailsAct,
  ): Promise<void> {
    const id = { brandId: brand.id, playerId: act.playerId };
    const now = this.clock.now();
    const mobile = changes.some(({ field }) => field === 'phone') ? unverify(player, now) : null;
    if (changes.length > 0)
      await manager.update(Player, id, { ...toColumns(changes), ...mobile?.columns, updatedAt: now });
    const seen = optOuts.filter(({ wasOut, isOut }) => wasOut !== isOut).map(toFieldChange);
    await this.changes.record(manager, id, [...changes, ...(mobile?.changes ?? []), ...seen], act.by, now);
    if (optOuts.length === 0) return;
    const { source, evidence } = act;
    const targets = optOuts.map(({ channel, target }) => ({ channel, target }));
    await this.consents.record({ ...id, changes: targets, actor: act.by.actor, source, evidence }, manager);
  }
}

/** What of the details is not yet as it is to be. */
function differences(player: Player | null, details: DetailsInput): FieldChange[] {
  return detailNames.flatMap((field) => {
    const [before, after] = [player?.[detailFields[field]] ?? null, details[field]];
    return after === undefined || after === before ? [] : [{ field, before, after }];
  });
}

function factChanges(player: Player, facts: PlayerFacts): FieldChange[] {
  const print = (value: string | boolean | null) => (value === null ? null : String(value));
  return factNames.flatMap((field) => {
    const [before, after] = [player[field], facts[field]];
    return after === undefined || after === before
      ? []
      : [{ field, before: print(before), after: print(after) }];
  });
}

function toColumns(changes: FieldChange[]): Partial<Player> {
  return Object.fromEntries(changes.map(({ field, after }) => [detailFields[field as DetailField], after]));
}

/** A new number has yet to be verified, and none waits beside it. */
function unverify(player: Player, now: Date): { columns: Partial<Player>; changes: FieldChange[] } {
  if (!player.isMobileVerified) return { columns: { pendingMobileNumber: null }, changes: [] };
  return {
    columns: {
      pendingMobileNumber: null,
      isMobileVerified: false,
      mobileVerificationChangedAt: now,
      mobileVerificationChangedBy: 'system',
    },
    changes: [{ field: 'mobileVerificationStatus', before: '1', after: '0' }],
  };
}

function toFieldChange({ name, wasOut, isOut }: OptOutChange): FieldChange {
  return { field: `optOut.${name}`, before: String(wasOut), after: String(isOut) };
}
