import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { Client } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { BrandCatalogue } from '../../brands/brand-catalogue.js';
import type { BrandSettings } from '../../brands/brand-settings.js';
import { AppError } from '../../common/errors.js';
import { Database } from '../../database/database.js';
import { channelName } from '../channels.js';
import { Outcome } from '../marketing-statements.js';
import { RowChecker, type StagedRow } from './row-checker.js';
import { type ImportFormat, type RawRow, readRows, type RowValues } from './row-reader.js';
import { type PlayerRange, StagingTable } from './staging-table.js';

const workers = 2;
const shownRejects = 100;
const maxAttempts = 5;
// Above every player id in the order of collation "C".
const lastPossibleId = '~';

/** A row that was not taken, and why. */
export interface Reject {
  line: number;
  reason: string;
  /** The row's values where it could be read, else its text. */
  row: RowValues | string;
}

export interface ImportOptions {
  brandId: number;
  actor: string;
  format: ImportFormat;
  dryRun: boolean;
  /** Called with every row that is not taken. */
  onReject?: (reject: Reject) => void;
  /** Called now and then; `total` is known once the whole file was read. */
  onProgress?: (phase: 'reading' | 'applying', rows: number, total: number | null) => void;
}

export interface ImportResult {
  rows: number;
  applied: number;
  unchanged: number;
  stale: number;
  rejected: number;
  /** The first hundred. */
  rejects: { line: number; reason: string }[];
}

/**
 * Imports a file of consents of any size: the rows go into a table beside, and from there, ordered by player, through
 * record_marketing_changes like every other change. Nothing is applied before the whole file was read. May be repeated:
 * a row that is older than what is recorded is stale, one that changes nothing is unchanged.
 */
@Injectable()
export class ConsentImportService {
  constructor(
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /** Runs one import. Rejects with conflict while another of the brand is under way, invalid_input when it is no such file. */
  async run(input: Readable, options: ImportOptions): Promise<ImportResult> {
    return this.database.withConnection(async (client) => {
      const { rows } = await client.query<{ locked: boolean }>(
        'select pg_try_advisory_lock(2006, $1) as locked',
        [options.brandId],
      );
      if (!rows[0]?.locked) throw new AppError('conflict', 'another import of this brand is under way');
      const table = new StagingTable(client);
      await table.create();
      try {
        const tally = new Tally(options);
        const staged = await table.fill(this.check(input, options, tally));
        await this.applyAll(client, table, staged, options, tally);
        return tally.result;
      } finally {
        // A connection that died cannot drop it; the next import does.
        await table.drop().catch(() => undefined);
      }
    });
  }

  private async *check(
    input: Readable,
    options: ImportOptions,
    tally: Tally,
  ): AsyncGenerator<{ line: number; row: StagedRow }[]> {
    this.catalogue.forget(options.brandId);
    const checker = new RowChecker(await this.catalogue.get(options.brandId));
    for await (const batch of readRows(input, options.format)) {
      const good: { line: number; row: StagedRow }[] = [];
      for (const raw of batch) {
        const row = raw.values ? checker.check(raw.values) : raw.problem;
        if (typeof row === 'string') tally.reject(rejectOf(raw, row));
        else good.push({ line: raw.line, row });
      }
      tally.result.rows += batch.length;
      options.onProgress?.('reading', tally.result.rows, null);
      yield good;
    }
  }

  private async applyAll(
    client: Client,
    table: StagingTable,
    staged: number,
    options: ImportOptions,
    tally: Tally,
  ): Promise<void> {
    const ranges = await table.split();
    const actId = uuidv7();
    let done = 0;
    const work = async (connection: Client): Promise<void> => {
      for (let range = ranges.shift(); range; range = ranges.shift()) {
        done += await this.apply(connection, table, range, actId, options, tally);
        options.onProgress?.('applying', done, staged);
      }
    };
    const others = Array.from({ length: workers - 1 }, () => this.database.withConnection(work));
    await Promise.all([work(client), ...others]);
  }

  private async apply(
    client: Client,
    table: StagingTable,
    { after, upTo }: PlayerRange,
    actId: string,
    options: ImportOptions,
    tally: Tally,
  ): Promise<number> {
    const values = [
      after ?? '',
      upTo ?? lastPossibleId,
      options.brandId,
      options.dryRun,
      actId,
      options.actor,
    ];
    const { rows } = await retryLostRaces(() =>
      client.query<OutcomeRow>({ name: `apply_${table.name}`, text: applyStatement(table), values }),
    );
    for (const { outcome, rows: count, lines } of rows) {
      tally.count(outcome, count);
      if (lines) await this.rejectLines(client, table, lines, outcome, options, tally);
    }
    return rows.reduce((sum, row) => sum + row.rows, 0);
  }

  private async rejectLines(
    client: Client,
    table: StagingTable,
    lines: number[],
    outcome: number,
    options: ImportOptions,
    tally: Tally,
  ): Promise<void> {
    const { rows } = await client.query<StagedLine>(
      `select * from ${table.name} where line = any ($1) order by line`,
      [lines],
    );
    const brand = await this.catalogue.get(options.brandId);
    const state = outcome === Outcome.excluded ? 'self-excluded' : 'blocked';
    for (const row of rows) {
      tally.reject({
        line: row.line,
        reason: `the player is ${state} and cannot be opted in`,
        row: toValues(row, brand),
      });
    }
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
    group by r.outcome`;
}

/** Makes a call again that lost a race for a new player, or was chosen to end a deadlock; nothing of it had happened. */
async function retryLostRaces<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (attempt === maxAttempts || (code !== '40001' && code !== '40P01')) throw error;
    }
  }
}

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
  occurred_at: Date;
  source: string;
}

/** What became of the rows so far. */
class Tally {
  readonly result: ImportResult = { rows: 0, applied: 0, unchanged: 0, stale: 0, rejected: 0, rejects: [] };

  constructor(private readonly options: ImportOptions) {}

  count(outcome: number, rows: number): void {
    if (outcome === Outcome.applied) this.result.applied += rows;
    else if (outcome === Outcome.unchanged) this.result.unchanged += rows;
    else if (outcome === Outcome.stale) this.result.stale += rows;
  }

  reject(reject: Reject): void {
    this.result.rejected++;
    if (this.result.rejects.length < shownRejects) {
      this.result.rejects.push({ line: reject.line, reason: reject.reason });
    }
    this.options.onReject?.(reject);
  }
}

function rejectOf(raw: RawRow, reason: string): Reject {
  return { line: raw.line, reason, row: raw.values ?? raw.raw };
}

function toValues(row: StagedLine, brand: BrandSettings): RowValues {
  return {
    player_id: row.player_id,
    channel: channelName(row.channel),
    opted_in: row.target !== 0,
    products: brand.productNames(row.target).join('|'),
    occurred_at: row.occurred_at.toISOString(),
    source: row.source,
  };
}
