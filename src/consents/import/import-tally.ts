import { Outcome } from '../marketing-statements.js';
import type { ImportFormat, RowValues } from './row-reader.js';

const shownRejects = 100;

/** A row that was not taken, and why. */
export interface Reject {
  line: number;
  reason: string;
  /** The row's values where it could be read, else its text. */
  row: RowValues | string;
}

/** What every change by the file has. */
export interface BulkOptions {
  brandId: number;
  actor: string;
  dryRun: boolean;
  /** Called with every row that is not taken. */
  onReject?: (reject: Reject) => void;
  /** Called now and then; `total` is known once the whole file was read. */
  onProgress?: (phase: 'reading' | 'applying', rows: number, total: number | null) => void;
}

export interface ImportOptions extends BulkOptions {
  format: ImportFormat;
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

/** What became of the rows so far. */
export class Tally {
  readonly result: ImportResult = { rows: 0, applied: 0, unchanged: 0, stale: 0, rejected: 0, rejects: [] };

  constructor(private readonly options: BulkOptions) {}

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
