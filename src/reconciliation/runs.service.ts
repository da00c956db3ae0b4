import { Injectable, Logger } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { isDatabaseAway } from '../common/errors.js';
import { Database } from '../database/database.js';

/** Which route a run is of. */
export const runKinds = ['list', 'products', 'compare'] as const;
export type RunKind = (typeof runKinds)[number];
/** How a run ended. `refused`: the caller's own list cannot be read. `lost` stands nowhere: it is what a run comes to whose process died. */
export const runOutcomes = [
  'complete',
  'refused',
  'timeout',
  'unavailable',
  'stopping',
  'internal',
  'hung up',
] as const;
export type RunOutcome = (typeof runOutcomes)[number];

/** A run as it is listed. */
export interface Run {
  id: string;
  client: string;
  kind: RunKind;
  field: string;
  snapshotAt: Date;
  onReplica: boolean;
  startedAt: Date;
  finishedAt: Date | null;
  /** Null while it runs, and where it did not come to its end. */
  users: number | null;
  bytes: number | null;
  outcome: RunOutcome | 'running' | 'lost';
}

export interface RunStart {
  brandId: number;
  client: string;
  kind: RunKind;
  field: string;
  snapshotAt: Date;
  onReplica: boolean;
  /** Milliseconds that it may take. */
  limitMs: number;
}

export interface RunEnd {
  outcome: RunOutcome;
  users: number | null;
  bytes: number;
}

interface RunRow {
  id: string;
  client_id: string;
  kind: RunKind;
  field: string;
  snapshot_at: Date;
  on_replica: boolean;
  started_at: Date;
  finished_at: Date | null;
  users: string | null;
  bytes: string | null;
  outcome: Run['outcome'];
}

const start = {
  name: 'start_reconciliation_run',
  text: `
    insert into reconciliation_runs (id, brand_id, client_id, kind, field, snapshot_at, on_replica, started_at, ends_by)
    values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), clock_timestamp() + make_interval(secs => $8))`,
};
const finish = {
  name: 'finish_reconciliation_run',
  text: `
    update reconciliation_runs set finished_at = clock_timestamp(), outcome = $3, users = $4, bytes = $5
    where brand_id = $1 and id = $2`,
};
/** A run that is over its limit by a minute and has not been ended will never be: its process is gone. */
const list = {
  name: 'list_reconciliation_runs',
  text: `
    select id, client_id, kind, field, snapshot_at, on_replica, started_at, finished_at, users, bytes,
      coalesce(outcome, case when ends_by + interval '1 minute' > clock_timestamp() then 'running' else 'lost' end) as outcome
    from reconciliation_runs
    where brand_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
};

/** Keeps who asked for what, when, and what came of it. */
@Injectable()
export class RunsService {
  private readonly logger = new Logger('Reconciliation');

  constructor(private readonly database: Database) {}

  /** Writes down that a run has begun; answers its id. */
  async start(run: RunStart): Promise<string> {
    const id = uuidv7();
    const { brandId, client, kind, field, snapshotAt, onReplica, limitMs } = run;
    await this.database.prepared(start, [
      ...[id, brandId, client, kind, field],
      ...[snapshotAt, onReplica, limitMs / 1000],
    ]);
    return id;
  }

  /** Writes down what came of it. Never rejects: a run that nobody could end is listed as lost. */
  async finish(brandId: number, id: string, { outcome, users, bytes }: RunEnd): Promise<void> {
    try {
      await this.database.prepared(finish, [brandId, id, outcome, users, bytes]);
    } catch {
      this.logger.warn({ msg: 'the end of a run could not be written down', run: id, outcome });
    }
  }

  /** A page of the brand's runs, the newest first; `next` is the cursor of the page after. */
  async list(brandId: number, limit: number, cursor?: string): Promise<{ runs: Run[]; next: string | null }> {
    const rows = await this.database.prepared<RunRow>(list, [brandId, cursor ?? null, limit + 1]);
    const page = rows.slice(0, limit);
    return {
      runs: page.map((row) => ({
        id: row.id,
        client: row.client_id,
        kind: row.kind,
        field: row.field,
        snapshotAt: row.snapshot_at,
        onReplica: row.on_replica,
        startedAt: row.started_at,
        finishedAt: row.finished_at,
        users: row.users === null ? null : Number(row.users),
        bytes: row.bytes === null ? null : Number(row.bytes),
        outcome: row.outcome,
      })),
      next: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
    };
  }
}

const cancelled = '57014';

/** The outcome that a failure comes to; nothing of the driver's own words. */
export function outcomeOf(error: unknown): RunOutcome {
  if ((error as { code?: unknown } | undefined)?.code === cancelled) return 'timeout';
  return isDatabaseAway(error) ? 'unavailable' : 'internal';
}
