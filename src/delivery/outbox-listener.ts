import { randomUUID } from 'node:crypto';
import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Client } from 'pg';
import { settleWithin } from '../common/deadline.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { OutboxSignal } from '../database/outbox-signal.js';

const channel = 'player_consent_outbox';
const notifyEveryMs = 20;
const reconnectAfterMs = 2000;
/** A connection that is half open never says that it has ended. */
const endLimitMs = 1000;
/** A payload is 8 kB at most; brands beyond that wait for the poll. */
const brandsAtOnce = 500;
/** Without waiting for the disk: what is told here, a crash may forget. */
const notify = `select pg_notify($1, $2) where set_config('synchronous_commit', 'off', true) = 'off'`;

/**
 * Tells other instances that there is something in the outbox, and hears it of them: on a connection of its own and at most
 * once in 20 ms, since a NOTIFY in the change's transaction would make commits queue up.
 */
@Injectable()
export class OutboxListener implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly instance = randomUUID();
  private readonly pending = new Set<number>();
  private client: Client | null = null;
  private timer: NodeJS.Timeout | null = null;
  private reconnect?: NodeJS.Timeout;
  private isStopped = false;
  private isHearing = false;
  private stopListening: () => void = () => undefined;

  constructor(
    private readonly database: Database,
    private readonly signal: OutboxSignal,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.runsDeliveries) return;
    this.stopListening = this.signal.listen((brandId) => {
      if (!this.isHearing) this.tell(brandId);
    });
    void this.connect();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    this.stopListening();
    clearTimeout(this.reconnect);
    if (this.timer) clearTimeout(this.timer);
    if (this.client) await settleWithin(this.client.end(), endLimitMs);
  }

  private async connect(): Promise<void> {
    const client = this.database.newClient('player-consent listener');
    client.on('error', () => undefined);
    client.on('end', () => this.connectLater(client));
    client.on('notification', ({ payload = '' }) => this.hear(payload));
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
      if (this.isStopped) await client.end();
      else this.client = client;
    } catch {
      void client.end().catch(() => undefined);
      this.connectLater(client);
    }
  }

  private connectLater(client: Client): void {
    if (this.client === client) this.client = null;
    if (this.isStopped) return;
    clearTimeout(this.reconnect);
    // Meanwhile the poll of every worker does its work.
    this.reconnect = setTimeout(() => void this.connect(), reconnectAfterMs);
  }

  private tell(brandId: number): void {
    this.pending.add(brandId);
    this.timer ??= setTimeout(() => void this.notify(), notifyEveryMs);
  }

  /** One at a time: what comes meanwhile goes with the next. */
  private async notify(): Promise<void> {
    const payload = `${this.instance} ${[...this.pending].slice(0, brandsAtOnce).join(',')}`;
    this.pending.clear();
    await this.client?.query(notify, [channel, payload]).catch(() => undefined);
    this.timer =
      this.pending.size === 0 || this.isStopped ? null : setTimeout(() => void this.notify(), notifyEveryMs);
  }

  private hear(payload: string): void {
    const [instance, brands = ''] = payload.split(' ');
    if (instance === this.instance) return;
    this.isHearing = true;
    for (const brand of brands.split(',')) this.signal.raise(Number(brand));
    this.isHearing = false;
  }
}
