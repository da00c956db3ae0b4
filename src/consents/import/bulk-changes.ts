import { Injectable } from '@nestjs/common';
import type { Client } from 'pg';
import { BrandCatalogue } from '../../brands/brand-catalogue.js';
import { AppError } from '../../common/errors.js';
import { Database } from '../../database/database.js';
import type { BulkOptions, Tally } from './import-tally.js';
import { RangeApplier } from './range-applier.js';
import type { StagedRow } from './row-checker.js';
import { StagingTable } from './staging-table.js';

const workers = 3;

/** Rows with the line of the file that each came from. */
export type StagedBatch = { line: number; row: StagedRow }[];

/**
 * Changes by the file: the rows go into a table beside, and from there, ordered by player, through record_marketing_changes like every
 * other change.
 */
@Injectable()
export class BulkChanges {
  constructor(
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /** Stages the rows and applies them. Rejects with conflict while other changes by the file of the brand are under way. */
  async apply(options: BulkOptions, tally: Tally, rows: () => AsyncIterable<StagedBatch>): Promise<void> {
    await this.database.withConnection(async (client) => {
      const { rows: found } = await client.query<{ locked: boolean }>(
        'select pg_try_advisory_lock(2006, $1) as locked',
        [options.brandId],
      );
      if (!found[0]?.locked) throw new AppError('conflict', 'another import of this brand is under way');
      const table = new StagingTable(client);
      await table.create();
      try {
        const staged = await table.fill(rows());
        await this.applyAll(client, table, staged, options, tally);
      } finally {
        // A connection that died cannot drop it; the next import does.
        await table.drop().catch(() => undefined);
      }
    });
  }

  private async applyAll(
    client: Client,
    table: StagingTable,
    staged: number,
    options: BulkOptions,
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
