import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PolicyCatalogue } from '../../src/consents/policies/policy-catalogue.js';
import { PolicyConsentsService } from '../../src/consents/policies/policy-consents.service.js';
import { PolicyListService } from '../../src/consents/policies/policy-list.service.js';
import { WebhookOutbox } from '../../src/delivery/webhooks/webhook-outbox.js';
import { WebhookRecordsService } from '../../src/delivery/webhooks/webhook-records.service.js';
import { policyRoutes } from '../support/policies.js';
import { ReadCounter } from '../support/read-counter.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const subjects = 20_000;
/** Rows and index entries read for each subject: subject, record, and what leads to them. */
const readPerSubject = 8;
const pageLimit = 50;

let app: TestApp;
let counter: ReadCounter;
let service: PolicyConsentsService;
let policyId: string;
let otherId: string;
let webhooks: WebhookOutbox;
let bodies: WebhookRecordsService;

const clientIds = (count: number) =>
  app
    .sql<{ client_id: Buffer }>(
      `select sha256(n::text::bytea) as client_id from generate_series(1, $1::integer) n`,
      [count],
    )
    .then((rows) => rows.map((row) => row.client_id));

/** The first page by the policy, by the version, or by both. */
function listBy(filter: 'policyId' | 'version' | 'both') {
  const filters = {
    policyId: { policyId },
    version: { version: '1' },
    both: { policyId, version: '3' },
  }[filter];
  const page = { from: new Date(0), to: new Date(), limit: pageLimit };
  return app.nest.get(PolicyListService, { strict: false }).list(1, filters, page);
}

/** Lets as many changes wait for their webhooks. */
async function addChanges(count: number): Promise<void> {
  await app.sql(
    `insert into outbox (brand_id, player_id, kind, lane, seq, created_at, target_id)
     select 1, '~' || n, 3, 2, 1, coalesce(c.created_at, now()), $2 from generate_series(1, $1::integer) n
     left join policy_consents c on c.subject_id = sha256(n::text::bytea) and c.policy_id = $2`,
    [count, policyId],
  );
}

beforeAll(async () => {
  // One connection, so that what is planned on empty tables is what meets the full ones.
  app = await createTestApp({ environment: { DATABASE_POOL_SIZE: '1' } });
  service = app.nest.get(PolicyConsentsService, { strict: false });
  webhooks = app.nest.get(WebhookOutbox, { strict: false });
  bodies = app.nest.get(WebhookRecordsService, { strict: false });
  await app.sql(
    `insert into webhook_subscriptions (id, brand_id, url, secret, created_at)
     values ('00000000-0000-7000-8000-000000000001', 1, 'https://receiver.example', '', 'epoch')`,
  );
  const routes = policyRoutes(app);
  policyId = await routes.createPublished('1');
  otherId = await routes.createPublished('1');
  for (const id of [policyId, otherId]) for (const version of ['2', '3']) await routes.draft(id, version);
  for (const table of ['subjects', 'policy_consents']) {
    // A vacuum in between would have the statements planned anew.
    await app.sql(`alter table ${table} set (autovacuum_enabled = false)`);
    await app.sql(`vacuum (analyze) ${table}`);
  }
  const some = await clientIds(3);
  for (let time = 0; time < 12; time++) {
    const policy = await app.nest.get(PolicyCatalogue, { strict: false }).get(policyId);
    expect(await service.areGiven(policy, some)).toEqual([false, false, false]);
    await service.isGiven(policy, some[0] as Buffer, null);
    await service.find(policy, some[0] as Buffer, null);
    for (const filter of ['policyId', 'version', 'both'] as const) await listBy(filter);
    await addChanges(3);
    await webhooks.queue(1);
    const change = { brandId: 1, playerId: '~1', seq: '1', changedAt: new Date(), targetId: policyId };
    await expect(bodies.read(change)).rejects.toThrow();
  }
  await app.sql('delete from outbox');
  await app.sql(
    `insert into subjects (client_id, brand_id, player_id, namespace)
     select sha256(n::text::bytea), 1, '~' || n, 3 from generate_series(1, $1::integer) n`,
    [subjects],
  );
  await app.sql(
    `insert into policy_consents (id, brand_id, client_id, subject_id, policy_id, version, version_at, language, is_given, is_assumed,
       created_at, seq)
     select gen_random_uuid(), 1, sha256(n::text::bytea), sha256(n::text::bytea), p.id, '1', v.effective_at, 'en', n % 2 = 0, false,
       now() - make_interval(mins => n), 1
     from generate_series(1, $1::integer) n cross join unnest($2::uuid[]) as p (id)
     join policy_versions v on v.policy_id = p.id and v.version = '1'`,
    [subjects, [policyId, otherId]],
  );
  counter = await ReadCounter.start(app, '^(subjects$|policy_consents$|consent_events)');
});
afterAll(() => app?.close());

it('who accepted is one look-up a subject, on tables that have filled since it was planned', async () => {
  const policy = await app.nest.get(PolicyCatalogue, { strict: false }).get(policyId);
  const asked = await clientIds(500);
  let answers: boolean[] = [];
  const reads = await counter.during(async () => {
    answers = await service.areGiven(policy, asked);
  });
  expect(answers).toEqual(asked.map((_id, index) => index % 2 === 1));
  expect(reads).toBeGreaterThan(asked.length);
  expect(reads).toBeLessThan(readPerSubject * asked.length);
});

it('so are one subject’s answer and record', async () => {
  const policy = await app.nest.get(PolicyCatalogue, { strict: false }).get(policyId);
  const [, second] = await clientIds(2);
  expect(
    await counter.during(async () => {
      expect(await service.isGiven(policy, second as Buffer, null)).toMatchObject({ is_given: true });
    }),
  ).toBeLessThan(20);
  expect(
    await counter.during(async () => {
      expect(await service.find(policy, second as Buffer, '1')).toMatchObject({ isGiven: true });
    }),
  ).toBeLessThan(20);
});

it('recording one more reads what is the subject’s', async () => {
  const routes = policyRoutes(app);
  const [first] = await clientIds(1);
  const post = () => routes.post({ PolicyId: policyId, ClientId: (first as Buffer).toString('hex') });
  expect(
    await counter.during(async () => {
      expect((await post()).status).toBe(201);
    }),
  ).toBeLessThan(60);
});

describe('a page of the list', () => {
  // Newest of all is another policy's version 3, then this policy's 2; what has both is the oldest.
  beforeAll(() =>
    app.sql(
      `insert into policy_consents (id, brand_id, client_id, subject_id, policy_id, version, version_at, language, is_given, is_assumed,
         created_at, seq)
       select gen_random_uuid(), 1, sha256('20000'), sha256('20000'), k.policy_id, k.version, now(), 'en', true, false,
         now() - k.age - make_interval(secs => n * 0.005), 2
       from (values ($2::uuid, '3', interval '0', $3::integer), ($1, '2', '30 seconds', $3), ($1, '3', '1 year', $4)) as k (policy_id, version, age, rows)
       cross join generate_series(1, k.rows) n`,
      [policyId, otherId, 2000, pageLimit + 10],
    ),
  );

  it.each(['policyId', 'version', 'both'] as const)(
    'by %s reads little more than it shows',
    async (filter) => {
      const reads = await counter.during(async () => {
        const { records } = await listBy(filter);
        expect(records).toHaveLength(pageLimit);
      });
      expect(reads).toBeLessThan(10 * pageLimit);
    },
  );
});

it('so is the making of a webhook, and of its body', async () => {
  await app.sql(
    `insert into consent_events (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel, target_id,
       actor, source)
     select 1, s.player_id, 1, c.created_at, c.created_at, c.id, 0, 1, 10, 31, c.policy_id, 'test', 'test'
     from policy_consents c join subjects s using (client_id) where c.policy_id = $1 and c.seq = 1 and s.seq = 0`,
    [policyId],
  );
  await addChanges(20);
  expect(await counter.during(() => webhooks.queue(1))).toBeLessThan(20 * 20);
  const [queued] = await app.sql<{ changed_at: Date }>(
    `select created_at as changed_at from outbox where lane = 3 and player_id = '~7'`,
  );
  const changedAt = queued?.changed_at ?? new Date();
  expect(
    await counter.during(async () => {
      const body = await bodies.read({ brandId: 1, playerId: '~7', seq: '1', changedAt, targetId: policyId });
      expect(body).toMatchObject({ type: 'policy_consent.updated', data: { PolicyId: policyId } });
    }),
  ).toBeLessThan(30);
});
