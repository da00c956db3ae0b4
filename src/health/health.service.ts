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
  private readonly indicators: (() => Promise<Record<string, string>>)[] = [];

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
  }

  /** Adds what readiness tells besides; what it reads must answer in milliseconds. It does not decide over readiness. */
  addIndicator(read: () => Promise<Record<string, string>>): void {
    this.indicators.push(read);
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
      const more = await withTimeout(this.check());
      return { ready: true, checks: { database: 'ok', migrations: 'ok', ...more } };
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

  private async check(): Promise<Record<string, string>> {
    if (!this.migrated) {
      if ((await missingMigrations(this.dataSource)).length > 0) throw new SchemaTooOld();
      this.migrated = true;
    }
    await this.database.prepared({ name: 'ping', text: 'select 1' }, []);
    const found = await Promise.all(this.indicators.map((read) => read()));
    return Object.assign({}, ...found) as Record<string, string>;
  }
}

class SchemaTooOld extends Error {}

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
