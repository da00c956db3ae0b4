import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { DataSource } from 'typeorm';
import { Database } from '../database/database.js';
import { missingMigrations } from '../database/schema.js';

const checkTimeoutMs = 2000;

export interface Readiness {
  ready: boolean;
  checks: Record<string, string>;
}

/** Whether the service can do its work, and the figures behind /metrics. */
@Injectable()
export class HealthService {
  readonly registry = new Registry();
  /** Requests that have begun and not ended. */
  requestsUnderWay = 0;
  private stopping = false;
  private migrated = false;

  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
  ) {
    collectDefaultMetrics({ register: this.registry });
    const { pool } = database;
    const poolGauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.registry],
        collect() {
          this.set(read());
        },
      });
    poolGauge('database_connections', 'Connections of this instance to PostgreSQL', () => pool.totalCount);
    poolGauge('database_connections_idle', 'Of these, idle', () => pool.idleCount);
    poolGauge('database_queue_length', 'Statements waiting for a connection', () => pool.waitingCount);
    new Gauge({
      name: 'outbox_oldest_age_seconds',
      help: 'Age of the oldest message that has not left yet',
      registers: [this.registry],
      collect: async function () {
        this.set(await readOutboxAge(database).catch(() => Number.NaN));
      },
    });
  }

  /** From now on not ready: the service is stopping. */
  stop(): void {
    this.stopping = true;
  }

  get isStopping(): boolean {
    return this.stopping;
  }

  /** Asks the database and looks at the migrations; answers within two seconds even when the database does not. */
  async readiness(): Promise<Readiness> {
    if (this.stopping) return { ready: false, checks: { service: 'stopping' } };
    try {
      const age = await withTimeout(this.check());
      return {
        ready: true,
        checks: { database: 'ok', migrations: 'ok', outbox_oldest_seconds: String(age) },
      };
    } catch (error) {
      const schema = error instanceof SchemaTooOld;
      return {
        ready: false,
        checks: schema
          ? { database: 'ok', migrations: 'the schema is older than this release' }
          : { database: 'unreachable' },
      };
    }
  }

  private async check(): Promise<number> {
    if (!this.migrated) {
      if ((await missingMigrations(this.dataSource)).length > 0) throw new SchemaTooOld();
      this.migrated = true;
    }
    return readOutboxAge(this.database);
  }
}

class SchemaTooOld extends Error {}

async function readOutboxAge(database: Database): Promise<number> {
  const [row] = await database.prepared<{ age: number }>(
    {
      name: 'read_outbox_age',
      text: `select coalesce(extract(epoch from now() - (select created_at from outbox order by id limit 1)), 0)::integer as age`,
    },
    [],
  );
  return Math.max(0, row?.age ?? 0);
}

async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('timeout')), checkTimeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
