import { Injectable } from '@nestjs/common';
import { Client } from 'pg';
import { Config } from '../config/config.js';
import { Database } from './database.js';

/** Milliseconds that a replica may be behind. */
const greatestLagMs = 30_000;
const connectLimitMs = 5000;

/** A connection whose every statement sees the database as it was at one instant. Whoever opened it ends it. */
export interface Snapshot {
  client: Client;
  /** Everything that was committed before is seen; on a replica, its last replayed commit. */
  at: Date;
  onReplica: boolean;
}

/**
 * Opens snapshots for reads that take long, on connections beside the pool: on the replica where there is one that keeps up, so
 * that such a read holds back no vacuum and warms no cache of the primary.
 */
@Injectable()
export class Snapshots {
  constructor(
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  /** Rejects with the driver's error. `limitMs`: after so long PostgreSQL ends whatever statement is under way. */
  async open(name: string, limitMs: number): Promise<Snapshot> {
    return (await this.openOnReplica(name, limitMs)) ?? (await this.openOnPrimary(name, limitMs));
  }

  private async openOnPrimary(name: string, limitMs: number): Promise<Snapshot> {
    const client = this.database.newClient(name);
    return whileOpening(client, async () => {
      await begin(client, limitMs);
      // The transaction's first statement takes the snapshot, after this instant.
      const { rows } = await client.query<{ at: Date }>('select statement_timestamp() as at');
      return { client, at: (rows[0] as { at: Date }).at, onReplica: false };
    });
  }

  /** Null when there is none, or none that can be used. */
  private async openOnReplica(name: string, limitMs: number): Promise<Snapshot | null> {
    const { DATABASE_REPLICA_URL: url } = this.config;
    if (url === undefined) return null;
    const client = new Client({
      connectionString: url,
      application_name: name,
      keepAlive: true,
      connectionTimeoutMillis: connectLimitMs,
    });
    try {
      return await whileOpening(client, async () => {
        const at = await this.replayedAt(client);
        await begin(client, limitMs);
        await client.query('select 1');
        return { client, at, onReplica: true };
      });
    } catch {
      return null;
    }
  }

  /** Up to when the replica has replayed everything; rejects when that is too long ago. */
  private async replayedAt(client: Client): Promise<Date> {
    const [primary] = await this.database.prepared<{ lsn: string }>(
      { name: 'read_current_lsn', text: 'select pg_current_wal_lsn()::text as lsn' },
      [],
    );
    const { rows } = await client.query<{ at: Date; lag: number; has_all: boolean }>(
      `select pg_last_xact_replay_timestamp() as at, pg_last_wal_replay_lsn() >= $1::pg_lsn as has_all,
         extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 * 1000 as lag
       where pg_is_in_recovery() and pg_last_xact_replay_timestamp() is not null`,
      [primary?.lsn],
    );
    const [replica] = rows;
    // Where nothing was written for an hour, the last commit is an hour old and nothing is missing.
    if (!replica || !(replica.has_all || replica.lag <= greatestLagMs))
      throw new Error('the replica cannot be used');
    return replica.at;
  }
}

/** Ends the client when it cannot be made ready. */
async function whileOpening(client: Client, work: () => Promise<Snapshot>): Promise<Snapshot> {
  // A connection that dies fails the statement under way, which is where it is dealt with.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work();
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
}

async function begin(client: Client, limitMs: number): Promise<void> {
  await limitSession(client, limitMs);
  await client.query('begin isolation level repeatable read read only');
}

/**
 * Makes a connection one for long work beside everybody else's: PostgreSQL ends a statement after `limitMs`, and at once when
 * nobody listens any more, even while it has nothing to send.
 */
export async function limitSession(client: Client, limitMs: number): Promise<void> {
  // Not every platform can look whether its client is still there.
  await client.query('set client_connection_check_interval = 1000').catch(() => undefined);
  await client.query(
    `set statement_timeout = ${Math.round(limitMs)}; set jit = off; set max_parallel_workers_per_gather = 0`,
  );
}
