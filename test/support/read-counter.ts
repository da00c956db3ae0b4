import { MaintenanceJob } from '../../src/consents/maintenance.job.js';
import { Database } from '../../src/database/database.js';
import { eventually } from './crm-server.js';
import type { TestApp } from './test-app.js';

/** Counts the rows and index entries that an application with one connection reads of some tables, as PostgreSQL counts them. */
export class ReadCounter {
  private constructor(
    private readonly app: TestApp,
    private readonly tables: string,
  ) {}

  /** Has housekeeping done and over: it would read in between, and remove what is old. */
  static async quiet(app: TestApp): Promise<void> {
    await app.nest.get(MaintenanceJob, { strict: false }).onApplicationShutdown();
  }

  /**
   * Waits until all that was read before is counted.
   * @param tables a regular expression; partitions begin with the names of their tables
   */
  static async start(app: TestApp, tables: string): Promise<ReadCounter> {
    await ReadCounter.quiet(app);
    const counter = new ReadCounter(app, tables);
    let counted = -1;
    await eventually(async () => {
      const before = counted;
      counted = await counter.count();
      return counted === before;
    });
    return counter;
  }

  async during(act: () => Promise<unknown>): Promise<number> {
    const before = await this.count();
    await act();
    return (await this.count()) - before;
  }

  private async count(): Promise<number> {
    // A connection says what it has read when it likes, unless it is told to.
    await this.app.nest.get(Database).pool.query('select pg_stat_force_next_flush()');
    await this.app.sql('select pg_stat_force_next_flush()');
    const [row] = await this.app.sql<{ reads: number }>(
      `select (select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables where relname ~ $1)::integer
         + (select sum(idx_tup_read) from pg_stat_user_indexes where relname ~ $1)::integer as reads`,
      [this.tables],
    );
    return row?.reads ?? 0;
  }
}
