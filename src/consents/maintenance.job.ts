import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '../database/database.js';

const expiryEveryMs = 20_000;
const housekeepingEveryMs = 3_600_000;
const batchSize = 500;
const monthsAhead = 4;
const deletedAtOnce = 5000;
/**
 * As the indexes have it that are for this alone. Were they on the column itself, a look-up by key that also says
 * `expires_at > now()` would be planned over them when all was expired, and then read all that is live.
 */
const expired = (ago = '0') => `expires_at at time zone 'UTC' < now() at time zone 'UTC' - interval '${ago}'`;
/** What has had its time, in all brands. */
const outdated = [
  `access_tokens where ${expired()}`,
  `attempt_counts where ${expired()}`,
  `login_challenges where ${expired()}`,
  `player_codes where ${expired('1 day')}`,
  `player_links where ${expired('1 day')}`,
  `sessions where ${expired('7 days')}`,
  `game_sessions where ${expired('7 days')}`,
  // Nobody sends them again after so long; completed wagerings are shown to players.
  `player_events where recorded_at < now() - interval '90 days' and type <> 5`,
  `idempotency_keys where created_at < now() - interval '24 hours'`,
  // Left by a crash while their subscription was removed.
  'outbox where kind = 4 and (brand_id, subscription_id) not in (select brand_id, id from webhook_subscriptions)',
  `outbox where delivered_at < now() - interval '30 days'`,
  `outbox where parked_at < now() - interval '90 days'`,
];

/** Ends exclusions within a minute of their time, makes the ledger's next partitions, and drops what has had its time. */
@Injectable()
export class MaintenanceJob implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Maintenance');
  private readonly timers: NodeJS.Timeout[] = [];
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): void {
    this.every(expiryEveryMs, () => this.endExclusions());
    this.every(housekeepingEveryMs, () => this.keepHouse());
    this.run(() => this.keepHouse());
  }

  async onApplicationShutdown(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.running;
  }

  /** Writes the end of every exclusion whose time is over; answers how many. Any number of instances may do so at once. */
  async endExclusions(): Promise<number> {
    let ended = 0;
    for (;;) {
      const { rows } = await this.database.pool.query<{ ended: number }>(
        'select end_expired_exclusions(null, null, $1) as ended',
        [batchSize],
      );
      const count = rows[0]?.ended ?? 0;
      ended += count;
      if (count < batchSize) return ended;
    }
  }

  /** Makes partitions for the months to come, and removes expired tokens, sessions and idempotency keys. */
  async keepHouse(): Promise<void> {
    const { pool } = this.database;
    const { rows } = await pool.query<{ stray: boolean }>(
      'select exists(select from consent_events_default) as stray',
    );
    if (rows[0]?.stray)
      this.logger.error('events lie in consent_events_default: their month had no partition');
    await pool.query('select ensure_event_partitions(now(), $1)', [monthsAhead]);
    for (const rule of outdated) await this.deleteInBatches(rule);
  }

  private async deleteInBatches(rule: string): Promise<void> {
    const [table] = rule.split(' ', 1);
    let deleted: number | null;
    do {
      const statement = `delete from ${table} where ctid = any (array(select ctid from ${rule} limit ${deletedAtOnce}))`;
      deleted = (await this.database.pool.query(statement)).rowCount;
    } while (deleted === deletedAtOnce);
  }

  private every(milliseconds: number, work: () => Promise<unknown>): void {
    this.timers.push(setInterval(() => this.run(work), milliseconds).unref());
  }

  private run(work: () => Promise<unknown>): void {
    this.running = this.running.then(work).then(
      () => undefined,
      // The next turn tries again; readiness says meanwhile that the database is away.
      (error: unknown) => this.logger.warn({ msg: 'put off', sqlState: (error as { code?: unknown }).code }),
    );
  }
}
