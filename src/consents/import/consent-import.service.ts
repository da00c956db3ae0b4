import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { Client } from 'pg';
import { BrandCatalogue } from '../../brands/brand-catalogue.js';
import { AppError } from '../../common/errors.js';
import { Database } from '../../database/database.js';
import { type ImportOptions, type ImportResult, type Reject, Tally } from './import-tally.js';
import { RangeApplier } from './range-applier.js';
import { RowChecker, type StagedRow } from './row-checker.js';
import { type RawRow, readRows } from './row-reader.js';
import { StagingTable } from './staging-table.js';

const workers = 3;

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
    const ranges = await table.split(staged);
    const applier = new RangeApplier(table, options, tally, this.catalogue);
    let done = 0;
    const work = async (connection: Client): Promise<void> => {
      for (let range = ranges.shift(); range; range = ranges.shift()) {
        const rows = await applier.apply(connection, range);
        done += rows;
        options.onProgress?.('applying', done, staged);
      }
    };
    const others = Array.from({ length: workers - 1 }, () => this.database.withConnection(work));
    await Promise.all([work(client), ...others]);
  }
}

function rejectOf(raw: RawRow, reason: string): Reject {
  return { line: raw.line, reason, row: raw.values ?? raw.raw };
}
