import { ApiProperty } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { IsBoolean, IsInt, IsString, IsUUID, Max, MaxLength, Min } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';
import { productFields, standardFields } from './fields.js';
import { type Run, type RunKind, runKinds, runOutcomes } from './runs.service.js';

@IgnoreUnknownKeys()
export class ReconciliationDto {
  /** `blocked`, `excluded`, or `consent_` and a channel: of all players, those for whom it is true. */
  @ApiProperty({ examples: [...standardFields], example: 'consent_email' })
  @IsString()
  field: string;
}

@IgnoreUnknownKeys()
export class ProductsReconciliationDto {
  /** A channel. */
  @ApiProperty({ examples: [...productFields], example: 'email' })
  @IsString()
  field: string;
}

/** A run that could not begin: the database is away. */
export class FailedRunDto {
  /** @example unavailable */
  error: string;
}

export class UsersDto {
  /** The instant at which everything here was true. */
  timestamp: string;

  /** The players' ids. */
  users: string[];

  /** Only where the run broke: `timeout`, `unavailable`, `stopping` or `internal`. Then players are missing. */
  error?: string;
}

export class UserProductsDto {
  /** The instant at which everything here was true. */
  timestamp: string;

  /** The products of each player who has any on the channel. */
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'array', items: { type: 'string' } },
    example: { '1001': ['casino', 'sports'] },
  })
  users: Record<string, string[]>;

  /** Only where the run broke: `timeout`, `unavailable`, `stopping` or `internal`. Then players are missing. */
  error?: string;
}

const booleans: Record<string, boolean> = { true: true, false: false, '1': true, '0': false, '': true };

@IgnoreUnknownKeys()
export class ComparisonQuery {
  /** A field of one of the other two routes. */
  @ApiProperty({ examples: [...standardFields, ...productFields], example: 'consent_email' })
  @IsString()
  field: string;

  /** Have the CRM told of everybody who differs. */
  @IfGiven()
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' ? (booleans[value] ?? value) : value,
  )
  @IsBoolean()
  repair?: boolean;
}

export class ComparisonCountsDto {
  /** Users in the body. */
  received: number;

  missing_there: number;

  extra_there: number;

  different_products: number;

  /** CRM events. */
  queued: number;
}

export class ComparisonDto {
  /** The instant of our side. */
  timestamp: string;

  counts: ComparisonCountsDto;

  /** Ids for whom the field is true here, and who are not in the body. */
  missing_there: string[];

  /** Ids in the body for whom the field is not true here. */
  extra_there: string[];

  /** Of a channel's field: who has other products in the body, with those that are right. */
  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'array', items: { type: 'string' } },
    example: { '1001': ['casino', 'sports'] },
  })
  different_products?: Record<string, string[]>;

  /** Only where the answer broke. Then players are missing; the counts are right, and so is what was queued. */
  error?: string;
}

@IgnoreUnknownKeys()
export class RunsQuery {
  /** Runs on a page. */
  @ApiProperty({ type: 'integer', default: 100, required: false })
  @IfGiven()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1000)
  limit?: number;

  /** The `next` of the page before. */
  @IfGiven()
  @IsUUID(7)
  @MaxLength(36)
  cursor?: string;
}

export class RunDto {
  id: string;

  /** Who asked: a service client. */
  client: string;

  @ApiProperty({ enum: runKinds })
  kind: RunKind;

  field: string;

  snapshot_at: string;

  /** Whether a replica was read. */
  on_replica: boolean;

  started_at: string;

  /** Null while it runs. */
  finished_at: string | null;

  /** Null while it runs. */
  duration_ms: number | null;

  /** Players in the answer, or in the body of a comparison; null where it did not come to that. */
  users: number | null;

  /** Of the answer, before compression. */
  bytes: number | null;

  /** `hung up`: the caller did not wait for the end. `lost`: the process died. */
  @ApiProperty({ enum: [...runOutcomes, 'running', 'lost'] })
  outcome: Run['outcome'];
}

export class RunsDto {
  runs: RunDto[];

  /** The cursor of the next page; null on the last one. */
  next: string | null;
}

/** A run as it is printed. */
export function toRunDto(run: Run): RunDto {
  return {
    id: run.id,
    client: run.client,
    kind: run.kind,
    field: run.field,
    snapshot_at: run.snapshotAt.toISOString(),
    on_replica: run.onReplica,
    started_at: run.startedAt.toISOString(),
    finished_at: run.finishedAt?.toISOString() ?? null,
    duration_ms: run.finishedAt ? run.finishedAt.getTime() - run.startedAt.getTime() : null,
    users: run.users,
    bytes: run.bytes,
    outcome: run.outcome,
  };
}
