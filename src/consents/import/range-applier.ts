import type { Client } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { BrandCatalogue } from '../../brands/brand-catalogue.js';
import type { BrandSettings } from '../../brands/brand-settings.js';
import { channelName } from '../channels.js';
import { Outcome } from '../marketing-statements.js';
import type { BulkOptions, Tally } from './import-tally.js';
import type { RowValues } from './row-reader.js';
import type { PlayerRange, StagingTable } from './staging-table.js';

const maxAttempts = 5;
// Above every player id in the order of collation "C".
const lastPossibleId = '~';

interface OutcomeRow {
  outcome: number;
  rows: number;
  lines: number[] | null;
}

interface StagedLine {
  line: number;
  player_id: string;
  channel: number;
  target: number;
  occurred_at: Date | null;
  source: string;
}

/** Brings staged rows into the ledger, a range of players at a time; everything of one import is one act. */
export class RangeApplier {
  private readonly actId = uuidv7();

  constructor(
    private readonly table: StagingTable,
    private readonly options: BulkOptions,
    private readonly tally: Tally,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /** Applies one range on the given connection; answers how many rows it had. */
  async apply(client: Client, { after, upTo }: PlayerRange): Promise<number> {
    const { brandId, dryRun, actor } = this.options;
    const bounds = [after ?? '', upTo ?? lastPossibleId];
    const statement = {
      name: `apply_${this.table.name}`,
      text: applyStatement(this.table),
      values: [...bounds, brandId, dryRun, this.actId, actor],
    };
    let forbidden = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        const { rows } = await client.query<OutcomeRow>(statement);
        for (const { outcome, rows: count, lines } of rows) {
          this.tally.count(outcome, count);
          if (lines) await this.rejectLines(client, lines, outcome);
        }
        return rows.reduce((sum, row) => sum + row.rows, forbidden);
      } catch (error) {
        // The call did nothing, since others were first: with a player, or with a change of the brand's rules.
        const { code } = error as { code?: unknown };
        if (attempt === maxAttempts) throw error;
        if (code === 'PC001') forbidden += await this.rejectForbidden(client, bounds);
        // With every player there, all of them are locked, and nobody can be first any more.
        else if (code === '40001' && !dryRun) await this.table.createPlayers(client, brandId, bounds);
        else if (code !== '40001' && code !== '40P01') throw error;
      }
    }
  }

  private async rejectLines(client: Client, lines: number[], outcome: number): Promise<void> {
    const brand = await this.catalogue.get(this.options.brandId);
    const state = outcome === Outcome.excluded ? 'self-excluded' : 'blocked';
    const { rows } = await client.query<StagedLine>(
      `select * from ${this.table.name} where line = any ($1) order by line`,
      [lines],
    );
    for (const row of rows) this.reject(row, `the player is ${state} and cannot be opted in`, brand);
  }

  private async rejectForbidden(client: Client, bounds: string[]): Promise<number> {
    this.catalogue.forget(this.options.brandId);
    const brand = await this.catalogue.get(this.options.brandId);
    const { rows } = await client.query<StagedLine>(
      `delete from ${this.table.name} t using brands b
       where b.id = $1 and t.player_id > $2 and t.player_id <= $3
         and (t.target & ~(b.products_mask | 1) <> 0
           or t.target = 1 and b.products_required_on & (1 << t.channel) <> 0)
       returning t.*`,
      [this.options.brandId, ...bounds],
    );
    for (const row of rows)
      this.reject(row, 'the rules of the brand changed meanwhile and refuse this row', brand);
    return rows.length;
  }

  private reject(row: StagedLine, reason: string, brand: BrandSettings): void {
    this.tally.reject({ line: row.line, reason, row: toValues(row, brand) });
  }
}

/** Parameters: range of players (exclusive, inclusive), brand, dry run, act, actor. */
function applyStatement(table: StagingTable): string {
  return `
    with batch as (
      select * from ${table.name} where player_id > $1 and player_id <= $2 order by player_id, line
    ), arrays as (
      select count(*)::integer as n, array_agg(line) as lines, array_agg(player_id) as players,
        array_agg(channel) as channels, array_agg(target) as targets, array_agg(occurred_at) as times,
        array_agg(source) as sources
      from batch
    )
    select r.outcome, sum(r.items)::integer as rows,
      array_agg(a.lines[r.item]) filter (where r.item is not null) as lines
    from arrays a, record_marketing_changes($3, false, $4, array[$5::uuid], array[$6::text], array[null::bytea],
      array[null::text], array_fill(1, array[a.n]), a.players, a.channels, a.targets, a.times, a.sources) r
    where r.outcome is not null
    group by r.outcome`;
}

function toValues(row: StagedLine, brand: BrandSettings): RowValues {
  return {
    player_id: row.player_id,
    channel: channelName(row.channel),
    opted_in: row.target !== 0,
    products: brand.productNames(row.target).join('|'),
    occurred_at: row.occurred_at?.toISOString() ?? '',
    source: row.source,
  };
}
