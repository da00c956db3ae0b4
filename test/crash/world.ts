import { Pool } from 'pg';
import { SubscriptionsService } from '../../src/delivery/webhooks/subscriptions.service.js';
import { createTestApp } from '../support/test-app.js';
import type { TestDatabase } from '../support/test-database.js';
import type { CrmBody, Subscriber, WebhookBody } from './checks.js';
import type { DurableCluster } from './durable-cluster.js';
import { FlakyReceiver } from './flaky-receiver.js';
import { Journal } from './journal.js';
import { Supervisor } from './supervisor.js';
import { Writer } from './writer.js';

const writerCount = 36;
/** The first player of the first writer, who comes again and again. */
const onePlayer = 'writer0-0';
const criteria = [
  { name: 'everything', onlyPlayer: null, criteria: {} },
  { name: 'marketing', onlyPlayer: null, criteria: { consentType: 'marketing' } },
  { name: 'one player', onlyPlayer: onePlayer, criteria: { customUserId: onePlayer } },
  { name: 'another type', onlyPlayer: '', criteria: { consentType: 'cookies' } },
];
const webhookSubject = ({ data }: WebhookBody) => `${data.CustomUserId}:${data.Sequence}`;

/** The service, its database, its clients and everybody that it tells. */
export class World {
  readonly journal = new Journal();
  readonly crm: FlakyReceiver<CrmBody>;
  readonly subscribers: (Subscriber & { receiver: FlakyReceiver<WebhookBody> })[] = [];
  readonly service: Supervisor;
  readonly writers: Writer[];
  readonly pool: Pool;

  private constructor(
    readonly cluster: DurableCluster,
    private readonly database: TestDatabase,
    seed: number,
    environment: Record<string, string>,
  ) {
    this.crm = new FlakyReceiver(seed, 'CRM', ({ user_id }) => user_id);
    this.service = new Supervisor({
      DATABASE_URL: database.serviceUrl,
      DATABASE_MIGRATION_URL: database.ownerUrl,
      ...environment,
    });
    this.writers = Array.from(
      { length: writerCount },
      (_, index) => new Writer(seed, `writer${index}`, this.journal, this.service),
    );
    this.pool = new Pool({ connectionString: database.superuserUrl, max: 2 });
    this.pool.on('error', () => undefined);
  }

  /** Everything but the service itself is up. */
  static async create(
    cluster: DurableCluster,
    name: string,
    seed: number,
    environment: Record<string, string> = {},
  ): Promise<World> {
    const world = new World(cluster, await cluster.createDatabase(name), seed, environment);
    await world.crm.start();
    for (const { name: subscriber, onlyPlayer } of criteria) {
      const receiver = new FlakyReceiver(seed, subscriber, webhookSubject);
      await receiver.start();
      const { arrivals } = receiver;
      world.subscribers.push({ name: subscriber, onlyPlayer, arrivals, receiver });
    }
    await world.introduceReceivers();
    return world;
  }

  get receivers(): Pick<FlakyReceiver<unknown>, 'deliveriesUnderWay' | 'calm' | 'stop'>[] {
    return [this.crm, ...this.subscribers.map(({ receiver }) => receiver)];
  }

  /** Deliveries whose request has arrived and not been answered. */
  get deliveriesUnderWay(): number {
    return this.receivers.reduce((sum, receiver) => sum + receiver.deliveriesUnderWay, 0);
  }

  async end(): Promise<void> {
    for (const writer of this.writers) writer.stop();
    await this.service.kill();
    await Promise.all(this.receivers.map((receiver) => receiver.stop()));
    await this.pool.end();
    await this.database.drop();
  }

  private async introduceReceivers(): Promise<void> {
    const app = await createTestApp({ database: this.database });
    try {
      const crm = { enabled: true, baseUrl: this.crm.url };
      const { status } = await app.call('PATCH', '/api/brands/1', { body: { crm } });
      if (status !== 200) throw new Error(`the CRM was refused: ${status}`);
      const subscriptions = app.nest.get(SubscriptionsService, { strict: false });
      for (const [index, { receiver }] of this.subscribers.entries())
        await subscriptions.create(1, `${receiver.url}/webhooks`, criteria[index]?.criteria ?? {});
    } finally {
      await app.close();
    }
  }
}
