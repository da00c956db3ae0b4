import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CrmOutbox, readJob } from '../../src/delivery/crm/crm-outbox.js';
import { DeliveriesService } from '../../src/delivery/deliveries.service.js';
import { Lane } from '../../src/delivery/outbox-kinds.js';
import { type WebhookJob, WebhookOutbox } from '../../src/delivery/webhooks/webhook-outbox.js';
import { ReadCounter } from '../support/read-counter.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

/** Rows of each kind that the outbox is filled with. */
const backlog = 3000;
const atOnce = 32;
const lanes = Object.keys(Lane).length;
/** Rows and index entries read for each row that a statement is about, where its plan is right; some are read twice. */
const readPerRow = 20;
const subscription = '00000000-0000-7000-8000-000000000001';

let app: TestApp;
let counter: ReadCounter;
let crm: CrmOutbox;
let webhooks: WebhookOutbox;
let deliveries: DeliveriesService;

const everything = { from: null, onlyFresh: false };
const limits = { perSubscription: 4, perBrand: 128, all: 256 };
const succeeded = {
  ...{ status: 200, error: null, answer: null, durationMs: 1 },
  ...{ delivered: true, parked: false, delayMs: 0, disable: null },
};
const claimWebhooks = () => webhooks.claim(new Map(), new Map(), limits);
const list = (status: 'pending' | 'parked' | 'delivered') => deliveries.list(1, { status, limit: atOnce });

/** Everything that workers and operators ask of the outbox; answers how many rows each was about. */
const acts: [what: string, act: () => Promise<number>][] = [
  ['a claim of CRM events', async () => (await claim()).length],
  ['their removal', async () => removeAll(claimed)],
  ['a claim of an import’s', async () => (await crm.claim(1, 1, atOnce, everything)).jobs.length],
  ['a claim after others', async () => (await claim(new Date(0))).length],
  ['an event put off', async () => putOffAll(claimed.slice(0, 3))],
  ['events given back', async () => crm.release(claimed.slice(3)).then(() => claimed.length)],
  ['events brought forward', async () => crm.bringForward(1).then(() => 3)],
  ['the making of webhooks', async () => Number(await webhooks.queue(1)) * 1000],
  ['a claim of webhooks', async () => (webhookJobs = await claimWebhooks()).length],
  ['a webhook that arrived', async () => finishAll(webhookJobs)],
  // It looks at as many of each lane.
  ['the list of what waits', async () => (await list('pending')).deliveries.length * lanes],
  ['the list of what arrived', async () => (await list('delivered')).deliveries.length],
];
let claimed: string[] = [];
let webhookJobs: WebhookJob[] = [];

async function claim(from: Date | null = null): Promise<string[]> {
  const { jobs } = await crm.claim(1, 0, atOnce, { from, onlyFresh: false });
  claimed = jobs.map((packed) => readJob(packed).id);
  return claimed;
}

async function removeAll(ids: string[]): Promise<number> {
  for (const id of ids) await crm.remove(id);
  await crm.settle();
  return ids.length;
}

async function putOffAll(ids: string[]): Promise<number> {
  for (const id of ids) await crm.putOff(id, { status: 503, error: null }, 1000);
  return ids.length;
}

async function finishAll(jobs: WebhookJob[]): Promise<number> {
  for (const job of jobs) await webhooks.finish(job, succeeded);
  return jobs.length;
}

/** As the outbox is after a quiet night. */
async function emptyOutbox(): Promise<void> {
  await app.sql('delete from outbox');
  await app.sql('vacuum (analyze) outbox');
  await app.sql('vacuum (analyze) delivery_attempts');
}

async function fillOutbox(): Promise<void> {
  const at = "clock_timestamp() - interval '1 minute'";
  for (const [kind, lane] of [
    [1, 0],
    [1, 1],
    [3, 2],
  ]) {
    await app.sql(
      `insert into outbox (brand_id, player_id, kind, lane, seq, created_at, next_attempt_at)
       select 1, 'waits-' || n, $1, $2, 1, ${at}, ${at} from generate_series(1, $3::integer) n`,
      [kind, lane, backlog],
    );
  }
}

beforeAll(async () => {
  // One connection, so that what is planned on an empty table is what meets the full one.
  app = await createTestApp({ environment: { DATABASE_POOL_SIZE: '1' } });
  crm = app.nest.get(CrmOutbox, { strict: false });
  webhooks = app.nest.get(WebhookOutbox, { strict: false });
  deliveries = app.nest.get(DeliveriesService, { strict: false });
  await app.call('PATCH', '/api/brands/1', {
    body: { crm: { enabled: true, baseUrl: 'https://crm.example' } },
  });
  await app.sql(
    `insert into webhook_subscriptions (id, brand_id, url, secret, created_at)
     values ($1, 1, 'https://receiver.example', '', now() - interval '1 day')`,
    [subscription],
  );
  // A vacuum in between would have the statements planned anew.
  await app.sql('alter table outbox set (autovacuum_enabled = false)');
  await app.sql('alter table delivery_attempts set (autovacuum_enabled = false)');
  for (let time = 0; time < 8; time += 1) {
    await emptyOutbox();
    for (const [, act] of acts) await act();
  }
  await emptyOutbox();
  // Once more on the empty table: its vacuum has had everything planned anew.
  for (let time = 0; time < 8; time += 1) for (const [, act] of acts) await act();
  await app.sql('delete from outbox');
  await fillOutbox();
  counter = await ReadCounter.start(app, '^(outbox|delivery_attempts)$');
});
afterAll(() => app?.close());

describe('on an outbox that has filled since its statements were planned', () => {
  it.each(acts)('%s reads no more than it is about', async (_what, act) => {
    let rows = 0;
    const reads = await counter.during(async () => {
      rows = await act();
    });
    expect(rows).toBeGreaterThan(0);
    expect(reads).toBeGreaterThan(0);
    expect(reads).toBeLessThan(readPerRow * rows + 100);
  });
});
