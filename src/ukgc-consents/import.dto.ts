import { Transform } from 'class-transformer';
import { IsBoolean, IsIn } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';
import type { ImportResult } from '../consents/import/import-tally.js';
import type { ImportFormat } from '../consents/import/row-reader.js';

const booleans: Record<string, boolean> = { true: true, false: false, '1': true, '0': false, '': true };

@IgnoreUnknownKeys()
export class ImportQuery {
  /** How the body is written. */
  @IsIn(['csv', 'ndjson'])
  format: ImportFormat;

  /** Only say what would happen. */
  @IfGiven()
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' ? (booleans[value] ?? value) : value,
  )
  @IsBoolean()
  dryRun?: boolean;
}

export class ImportRejectDto {
  line: number;
  reason: string;
}

export class ImportResultDto {
  /** Rows in the file. */
  rows: number;

  /** Rows that changed something. */
  applied: number;

  /** Rows that said what was already so. */
  unchanged: number;

  /** Rows older than what was recorded. */
  stale: number;

  /** Rows that are not valid, or that the brand's rules refuse. */
  rejected: number;

  /** The first hundred. */
  rejects: ImportRejectDto[];
}

/** What became of an import's rows. */
export function toImportResultDto(result: ImportResult): ImportResultDto {
  const { rows, applied, unchanged, stale, rejected, rejects } = result;
  return { rows, applied, unchanged, stale, rejected, rejects };
}
