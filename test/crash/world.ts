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
const subscriptions = [
  { name: 'everything', criteria: {} },
  { name: 'marketing', criteria: { consentType: 'marketing' } },
  { name: 'one player', criteria: { customUserId: onePlayer } },
  { name: 'one type', criteria: { consentType: 'cookies' } },
  { name: 'a type and a reference', criteria: { consentType: 'cookies', reference: 'newsletter' } },
  { name: 'what nobody does', criteria: { consentType: 'marketing', reference: 'newsletter' } },
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
      PUBLIC_RATE_LIMIT: '1000000',
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
    for (const subscription of subscriptions) {
      const receiver = new FlakyReceiver(seed, subscription.name, webhookSubject);
      await receiver.start();
      world.subscribers.push({ ...subscription, arrivals: receiver.arrivals, receiver });
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
      const service = app.nest.get(SubscriptionsService, { strict: false });
      for (const { criteria, receiver } of this.subscribers)
        await service.create(1, `${receiver.url}/webhooks`, criteria);
    } finally {
      await app.close();
    }
  }
}
