import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { BrandCatalogue } from '../../brands/brand-catalogue.js';
import { BulkChanges, type StagedBatch } from './bulk-changes.js';
import { type ImportOptions, type ImportResult, type Reject, Tally } from './import-tally.js';
import { RowChecker } from './row-checker.js';
import { type RawRow, readRows } from './row-reader.js';

/**
 * Imports a file of consents of any size. Nothing is applied before the whole file was read. May be repeated: a row that is older
 * than what is recorded is stale, one that changes nothing is unchanged.
 */
@Injectable()
export class ConsentImportService {
  constructor(
    private readonly changes: BulkChanges,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /** Runs one import. Rejects with conflict while another of the brand is under way, invalid_input when it is no such file. */
  async run(input: Readable, options: ImportOptions): Promise<ImportResult> {
    const tally = new Tally(options);
    await this.changes.apply(options, tally, () => this.check(input, options, tally));
    return tally.result;
  }

  private async *check(input: Readable, options: ImportOptions, tally: Tally): AsyncGenerator<StagedBatch> {
    this.catalogue.forget(options.brandId);
    const checker = new RowChecker(await this.catalogue.get(options.brandId));
    for await (const batch of readRows(input, options.format)) {
      const good: StagedBatch = [];
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
}

function rejectOf(raw: RawRow, reason: string): Reject {
  return { line: raw.line, reason, row: raw.values ?? raw.raw };
}
