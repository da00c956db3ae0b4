import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import type { ShownStatement } from '../brands/statement.js';
import { Coalescer } from '../common/coalescer.js';
import { Database, type Statement } from '../database/database.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { applyChoices, type GridChoice, readGrid } from './marketing-grid.js';
import { CatalogueChanged, MarketingConsentsService } from './marketing-consents.service.js';
import type { MarketingStateRow } from './marketing-state.js';

/** A player's preferences as a form shows them. */
export interface PlayerGrid {
  brand: BrandSettings;
  /** Every box as it stands. */
  choices: GridChoice[];
  /** The consents as they are recorded; null when the brand does not know the player. */
  state: MarketingStateRow | null;
  /** The player's language, where it is known. */
  language: string | null;
}

/** What a player chose in the form, as one act. */
export interface GridAct {
  brandId: number;
  playerId: string;
  /** The boxes that are to be so from now on; every other stays as it is. */
  choices: readonly GridChoice[];
  /** What the form showed the player. */
  statement: ShownStatement;
  actor: string;
  source: string;
  /** What came with the request (requestFacts). */
  facts: Record<string, unknown>;
}

interface PlayerRow extends MarketingStateRow {
  /** Of the one asked for, from 1. */
  place: number;
  language: string | null;
}

const stateColumnList = `s.player_id, s.email, s.sms, s.telephone, s.post_mail, s.site_notification, s.push_notification,
        s.chat, s.blocked, s.excluded and coalesce(s.excluded_until > now(), true) as excluded`;
/** Parameters: brands and players, side by side. */
const findPlayers: Statement = {
  name: 'find_player_preferences',
  text: `
    select u.place::integer, f.*
    from unnest($1::integer[], $2::text[]) with ordinality as u (brand_id, player_id, place)
    cross join lateral (
      select ${stateColumnList}, (
        select p.language from players p where p.brand_id = s.brand_id and p.player_id = s.player_id) as language
      from marketing_states s
      where s.brand_id = u.brand_id and s.player_id = u.player_id collate "C" and s.is_player limit 1) f`,
};
const addPlayer = `
  insert into marketing_states as m (brand_id, player_id) values ($1, $2)
  on conflict (brand_id, player_id) do update set is_player = true where not m.is_player`;
const lockState = `
  select ${stateColumnList} from marketing_states s where s.brand_id = $1 and s.player_id = $2 for update`;
const recordAsk = `
  insert into marketing_asks (brand_id, player_id, asked_at, statement_version, language, source)
  values ($1, $2, clock_timestamp(), $3, $4, $5)
  on conflict (brand_id, player_id) do update set asked_at = excluded.asked_at,
    statement_version = excluded.statement_version, language = excluded.language, source = excluded.source`;
/**
 * Parameters: brand, player. To be asked is who never answered the form and has not opted out: who is in on a channel of the
 * grid, or never chose on any. Nobody is asked while excluded or blocked.
 */
const findToAsk: Statement = {
  name: 'find_player_to_ask',
  text: `
    select 1 from marketing_states s
    where s.brand_id = $1 and s.player_id = $2 and s.is_player and not s.blocked
      and not (s.excluded and coalesce(s.excluded_until > now(), true))
      and (s.email | s.sms | s.telephone <> 0 or coalesce(s.email_set_at, s.sms_set_at, s.telephone_set_at) is null)
      and not exists (select from marketing_asks a where a.brand_id = $1 and a.player_id = $2)`,
};

/** The form that asks product by product and channel by channel: what it shows, what is chosen in it, and who is to see it. */
@Injectable()
export class MarketingGridService {
  private readonly reads = new Coalescer<{ brandId: number; playerId: string }, PlayerRow | null>(
    (asked) => this.findAll(asked),
    { maxItems: 200, maxRuns: 4 },
  );

  constructor(
    private readonly dataSource: DataSource,
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
    private readonly consents: MarketingConsentsService,
    private readonly signal: OutboxSignal,
  ) {}

  /** The player's preferences; all off for one whom the brand does not know. not_found when there is no such brand. */
  async read(brandId: number, playerId: string): Promise<PlayerGrid> {
    const [brand, row] = await Promise.all([
      this.catalogue.get(brandId),
      this.reads.add({ brandId, playerId }),
    ]);
    return toGrid(brand, row, row?.language ?? null);
  }

  /**
   * Records what was chosen as one act, an event for each channel that changes, and that the player was asked. Answers the
   * preferences after it; durable when it resolves. An unknown player is created. Rejects with invalid_input for a box that the form
   * does not have, and for an opt-in of a player who is excluded or blocked.
   */
  async record(act: GridAct): Promise<PlayerGrid> {
    try {
      return await this.recordOnce(act);
    } catch (error) {
      if (!(error instanceof CatalogueChanged)) throw error;
      this.catalogue.forget(act.brandId);
      return this.recordOnce(act);
    }
  }

  /** Whether the player is to be asked for preferences at the next log-in. */
  async isToBeAsked(brandId: number, playerId: string): Promise<boolean> {
    const rows = await this.database.prepared(findToAsk, [brandId, playerId]);
    return rows.length > 0;
  }

  private async findAll(asked: { brandId: number; playerId: string }[]): Promise<(PlayerRow | null)[]> {
    const rows = await this.database.prepared<PlayerRow>(findPlayers, [
      asked.map(({ brandId }) => brandId),
      asked.map(({ playerId }) => playerId),
    ]);
    const found = new Array<PlayerRow | null>(asked.length).fill(null);
    for (const row of rows) found[row.place - 1] = row;
    return found;
  }

  private async recordOnce(act: GridAct): Promise<PlayerGrid> {
    // Before a transaction holds a connection: many at once would all wait for one more.
    const brand = await this.catalogue.get(act.brandId);
    const state = await this.dataSource.transaction((manager) => this.recordWithin(manager, brand, act));
    this.signal.raise(act.brandId, 'consents');
    return toGrid(brand, state, null);
  }

  private async recordWithin(
    manager: EntityManager,
    brand: BrandSettings,
    act: GridAct,
  ): Promise<MarketingStateRow> {
    const player = [act.brandId, act.playerId];
    // In the order that every writer keeps: the brand's lock, then the player's row.
    await manager.query('select pg_advisory_xact_lock_shared(2001, $1)', [act.brandId]);
    await manager.query(addPlayer, player);
    const [state] = await manager.query<[MarketingStateRow]>(lockState, player);
    const changes = applyChoices(brand, state, act.choices);
    const { version, language, text } = act.statement;
    const evidence = JSON.stringify({ ...act.facts, statement: { version, language, text } });
    const { brandId, playerId, actor, source } = act;
    const after =
      changes.length === 0
        ? state
        : await this.consents.record({ brandId, playerId, changes, actor, source, evidence }, manager);
    await manager.query(recordAsk, [...player, version, language, source]);
    return after;
  }
}

function toGrid(brand: BrandSettings, state: MarketingStateRow | null, language: string | null): PlayerGrid {
  return { brand, choices: readGrid(brand, state), state, language };
}
