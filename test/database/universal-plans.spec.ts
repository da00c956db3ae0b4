import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { SubjectsService } from '../../src/consents/subjects.service.js';
import { UniversalConsentsService } from '../../src/consents/universal/universal-consents.service.js';
import { TimelineService } from '../../src/consents/timeline.service.js';
import { UniversalListService } from '../../src/consents/universal/universal-list.service.js';
import { WebhookOutbox } from '../../src/delivery/webhooks/webhook-outbox.js';
import { WebhookRecordsService } from '../../src/delivery/webhooks/webhook-records.service.js';
import { ReadCounter } from '../support/read-counter.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

/** Subjects with a record each, half of them players; one more has as many records alone. */
const backlog = 20_000;
const atOnce = 32;
/** Rows and index entries read for each row that a statement is about, where its plan is right; some are read several times. */
const readPerRow = 60;
const players = Array.from({ length: backlog / 2 }, (_, index) => `player-${index}`);
const others = Array.from({ length: backlog / 2 }, (_, index) => `other-${index}@example.com`);
const collector = 'collector@example.com';
const references = Array.from({ length: backlog }, (_, index) => `reference-${index}`);
/** What one record has and no other, by the filters of the list. */
const rare = {
  ...{ customUserId: 'rare@example.com', reference: 'rare', consentType: 'rare', levels: ['None'] },
  ...{ ip: '192.0.2.99', userAgent: 'rare', city: 'rare', state: 'rare', country: 'XX' },
};
/** What fills and empties; partitions begin with the names of their tables. */
const tables = '^(subjects|universal_consents|marketing_states|outbox|consent_events|event_evidence)';

let app: TestApp;
let counter: ReadCounter;
let consents: UniversalConsentsService;
let subjects: SubjectsService;
let timeline: TimelineService;
let lists: UniversalListService;
let webhooks: WebhookOutbox;
let records: WebhookRecordsService;
let firstUses = 0;
/** Records of the last subjects of each sort, as webhooks ask for them. */
let changes: { playerId: string; seq: string; changedAt: Date; targetId: string }[] = [];

const fingerprint = {
  ...{ ip: '192.0.2.1', proxifiedIp: '192.0.2.0/24', userAgent: 'plans', origin: null },
  ...{ city: null, state: null, country: 'GB' },
};
const base = { brandId: 1, actor: 'client:demo', source: 'universalconsent', fingerprint };
const clientIdOf = (id: string) => subjects.derive(1, id, true).clientId;
const record = (customUserId: string | null, reference = 'callback') =>
  consents.record({
    ...{ ...base, customUserId, isOperator: true, reference, consentType: 'Call' },
    ...{ level: 'All', uri: null, metadata: null },
  });
const changeIt = (id: string, reference = 'callback') =>
  consents.change({ ...base, clientId: clientIdOf(id), reference, metadata: JSON.stringify(uuidv7()) });
const some = (ids: readonly string[]) => ids.slice(-atOnce);
async function all<Item>(items: readonly Item[], act: (item: Item) => Promise<unknown>): Promise<number> {
  await Promise.all(items.map(act));
  return items.length;
}
const list = (filters: object) =>
  lists.list(1, { filters, from: new Date(0), to: new Date(Date.now() + 60_000), limit: 10 });
/** The record of which everything is rare, as the list's filters see it. */
const recordRare = () =>
  consents.record({
    ...{
      ...base,
      customUserId: rare.customUserId,
      isOperator: true,
      reference: rare.reference,
      level: 'None',
    },
    ...{ consentType: rare.consentType, uri: null, metadata: null },
    fingerprint: { ...fingerprint, ...rare },
  });
const newNames = () => Array.from({ length: atOnce }, () => `first-${firstUses++}`);

/** What is asked of these tables where speed counts; answers how many rows each was about. */
const acts: [what: string, act: () => Promise<number>][] = [
  ['the first consents of players', () => all(newNames(), (name) => record(name))],
  ['the first consents of others', () => all(newNames(), (name) => record(`${name}@example.com`))],
  ['consents of nobody', () => all(newNames(), () => record(null))],
  ['further consents of players', () => all(some(players), (id) => record(id))],
  ['further consents of others', () => all(some(others), (id) => record(id))],
  ['changes of players’ consents', () => all(some(players), (id) => changeIt(id))],
  ['changes of others’ consents', () => all(some(others), (id) => changeIt(id))],
  ['consents of one who has many', () => all(some(references), (reference) => record(collector, reference))],
  ['their changes', () => all(some(references), (reference) => changeIt(collector, reference))],
  ['a change of what is not there', () => all(some(players), (id) => changeIt(id, 'nothing'))],
  ['checks', () => all(some(players), (id) => consents.findLevel(clientIdOf(id), 'callback'))],
  [
    'checks of one who has many',
    () => all(some(references), (name) => consents.findLevel(clientIdOf(collector), name)),
  ],
  ['reads', () => all(some(others), (id) => consents.find(clientIdOf(id), 'callback'))],
  ['the newest of one who has many', () => all([collector], (id) => consents.find(clientIdOf(id)))],
  ['a page of the timeline', async () => (await timeline.list(1, clientIdOf(collector), 100)).events.length],
  ...Object.entries(rare).map(([name, value]): [string, () => Promise<number>] => [
    `the list by ${name}`,
    async () => (await list({ [name]: value })).records.length,
  ]),
  ['the making of webhooks', async () => Number(await webhooks.queue(1)) * 1000],
  ['what webhooks carry', () => all(changes, (change) => records.read({ brandId: 1, ...change }))],
];

async function empty(): Promise<void> {
  for (const table of ['outbox', 'universal_consents', 'policy_consents', 'subjects', 'marketing_states']) {
    await app.sql(`delete from ${table}`);
    await app.sql(`vacuum (analyze) ${table}`);
  }
}

/** Subjects with their records, each of one event, and each waiting to become webhooks. */
async function fill(ids: string[], referencesOfOne: string[] = []): Promise<void> {
  const own = ids.map((id) => subjects.derive(1, id, true));
  await app.sql(
    `insert into subjects (client_id, brand_id, player_id, namespace, custom_user_id, seq)
     select c, 1, p, 1, u, 1 from unnest($1::bytea[], $2::text[], $3::text[]) as t (c, p, u)`,
    [own.map(({ clientId }) => clientId), own.map(({ playerId }) => playerId), ids],
  );
  await app.sql(
    `with made as (
       insert into universal_consents (brand_id, id, client_id, reference, consent_type, level, created_at, updated_at, seq, ip)
       select 1, gen_random_uuid(), s.client_id, r.name, 'Call', 3, t.at, t.at, r.seq, '192.0.2.1'
       from subjects s cross join unnest($2::text[]) with ordinality as r (name, seq)
       cross join (select clock_timestamp() - interval '1 minute' as at) t
       where s.brand_id = 1 and s.custom_user_id = any ($1) returning *
     ), events as (
       insert into consent_events (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel,
         target_id, actor, source)
       select 1, s.player_id, m.seq, m.created_at, m.created_at, m.id, 0, 3, 1, 30, m.id, 'client:demo', 'universalconsent'
       from made m join subjects s using (client_id) returning *
     ), evidence as (
       insert into event_evidence (brand_id, player_id, act_id, recorded_at, salt, evidence)
       select 1, player_id, act_id, recorded_at, '', '{"consent_type":"Call"}' from events
     )
     insert into outbox (brand_id, player_id, kind, lane, seq, created_at, next_attempt_at, target_id)
     select 1, player_id, 3, 2, seq, recorded_at, recorded_at, target_id from events`,
    [ids, referencesOfOne.length > 0 ? referencesOfOne : ['callback']],
  );
}

async function warmUp(): Promise<void> {
  for (let time = 0; time < 8; time += 1) {
    await recordRare();
    for (const [, act] of acts) await act();
  }
}

beforeAll(async () => {
  // One connection, so that what is planned on an empty table is what meets the full one.
  app = await createTestApp({ environment: { DATABASE_POOL_SIZE: '1' } });
  consents = app.nest.get(UniversalConsentsService, { strict: false });
  subjects = app.nest.get(SubjectsService, { strict: false });
  timeline = app.nest.get(TimelineService, { strict: false });
  lists = app.nest.get(UniversalListService, { strict: false });
  webhooks = app.nest.get(WebhookOutbox, { strict: false });
  records = app.nest.get(WebhookRecordsService, { strict: false });
  await app.sql(
    `insert into webhook_subscriptions (id, brand_id, url, secret, consent_type, created_at)
     values (gen_random_uuid(), 1, 'https://receiver.example', '', 'Call', now() - interval '1 day')`,
  );
  // A vacuum in between would have the statements planned anew.
  for (const { name } of await app.sql<{ name: string }>(
    `select relname as name from pg_class where relkind = 'r' and relname ~ $1`,
    [tables],
  ))
    await app.sql(`alter table ${name} set (autovacuum_enabled = false)`);
  await app.sql('truncate marketing_states cascade');
  await empty();
  await warmUp();
  await empty();
  // Once more on the empty tables: their vacuum has had everything planned anew.
  await warmUp();
  for (const table of ['outbox', 'universal_consents', 'policy_consents', 'subjects', 'marketing_states'])
    await app.sql(`delete from ${table}`);
  await fill(players);
  await app.sql(
    `insert into marketing_states (brand_id, player_id, seq, is_player)
     select 1, custom_user_id, 1, false from subjects where custom_user_id = player_id`,
  );
  await fill(others);
  await fill([collector], references);
  changes = await app.sql(
    `select s.player_id as "playerId", u.seq, u.created_at as "changedAt", u.id as "targetId"
     from universal_consents u join subjects s using (client_id) where s.custom_user_id = any ($1)`,
    [some(others)],
  );
  await recordRare();
  counter = await ReadCounter.start(app, tables);
}, 120_000);
afterAll(() => app?.close());

describe('on subjects and records that have filled since its statements were planned', () => {
  it.each(acts)('%s read no more than they are about', async (_what, act) => {
    let rows = 0;
    const reads = await counter.during(async () => {
      rows = await act();
    });
    expect(rows).toBeGreaterThan(0);
    expect(reads).toBeGreaterThan(0);
    expect(reads).toBeLessThan(readPerRow * rows + 100);
  });
});
