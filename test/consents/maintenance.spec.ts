import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { type Logger, pino } from 'pino';
import { MaintenanceJob } from '../../src/consents/maintenance.job.js';
import { change, newPlayerId, printed } from '../support/consents.js';
import { findLedgerFaults } from '../support/ledger.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;
const lines: string[] = [];
const logger: Logger = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });

beforeAll(async () => {
  app = await createTestApp({ logger });
  await app.call('PATCH', '/api/brands/1', {
    body: { crm: { enabled: true, baseUrl: 'https://crm.example' } },
  });
});
afterAll(() => app?.close());

const job = (instance = app) => instance.nest.get(MaintenanceJob);
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('the end of an exclusion', () => {
  it('is written by the job: its event, the CRM’s message, and nobody’s note any more', async () => {
    const player = newPlayerId();
    await app.call('POST', `/userconsents/${player}`, { body: { consents: change('email', true) } });
    const until = new Date(Date.now() + 600).toISOString();
    const excluded = { active: true, note: 'a moment', until };
    await app.call('PUT', `/internal/players/${player}/blocks`, { body: { excluded } });
    expect(await job().endExclusions()).toBe(0);
    await pause(650);
    expect((await app.call('GET', `/userblocks/${player}`)).text).toContain(
      '"active":false,"type":"Excluded","note":""',
    );
    expect(await job().endExclusions()).toBe(1);
    expect(await job().endExclusions()).toBe(0);
    const events = await app.sql(
      `select seq, channel, kind, before, after, actor, source, occurred_at from consent_events
       where player_id = $1 order by seq desc limit 1`,
      [player],
    );
    expect(events).toEqual([
      {
        seq: '4',
        channel: 20,
        kind: 6,
        before: 1,
        after: 0,
        actor: 'system',
        source: 'expiry',
        occurred_at: new Date(until),
      },
    ]);
    const messages = await app.sql(
      'select kind, seq from outbox where player_id = $1 order by id desc limit 1',
      [player],
    );
    expect(messages).toEqual([{ kind: 2, seq: '4' }]);
    const state = await app.sql(
      `select excluded, excluded_until, excluded_note from marketing_states join player_blocks using (brand_id, player_id) where player_id = $1`,
      [player],
    );
    expect(state).toEqual([{ excluded: false, excluded_until: null, excluded_note: '' }]);
    expect((await app.call('GET', `/userconsents/${player}`)).text).toBe(printed());
  });

  it('is written once for each of very many, however many instances look', async () => {
    const other = await createTestApp({ database: app.database, logger });
    const count = 1_300;
    await app.sql(
      `select record_block_change(1, 'ends-' || n, gen_random_uuid(), 'test', 'test', true, clock_timestamp() + interval '50 milliseconds',
         'short', null, null, null, null) from generate_series(1, $1) as n`,
      [count],
    );
    await pause(100);
    const ended = await Promise.all([
      job().endExclusions(),
      job(other).endExclusions(),
      job().endExclusions(),
    ]);
    ended.push(await job().endExclusions());
    expect(ended.reduce((sum, each) => sum + each, 0)).toBe(count);
    const [row] = await app.sql(`
      select count(*) filter (where kind = 6)::integer as ends, count(distinct player_id)::integer as players,
        (select count(*)::integer from outbox where player_id like 'ends-%' and kind = 2) as messages
      from consent_events where player_id like 'ends-%'`);
    expect(row).toEqual({ ends: count, players: count, messages: 2 * count });
    expect(await findLedgerFaults(app)).toEqual([]);
    await other.close();
  });
});

describe('housekeeping', () => {
  it('removes what has had its time, and nothing else', async () => {
    await app.sql(`
      insert into access_tokens (brand_id, client_id, token_hash, expires_at)
      values (1, 'demo', '\\x01', now() - interval '1 second'), (1, 'demo', '\\x02', now() + interval '1 minute')`);
    await app.sql(`
      insert into sessions (id, brand_id, player_id, token_hash, idle_ttl, expires_at)
      values (gen_random_uuid(), 1, '1001', '\\x01', 1, now() - interval '7 days 1 second'),
        (gen_random_uuid(), 1, '1001', '\\x02', 1, now() - interval '6 days')`);
    await app.sql(`
      insert into idempotency_keys (brand_id, client_id, route, key, request_hash, status, body, created_at)
      values (1, 'demo', 'x', 'old', '', 200, '', now() - interval '25 hours'), (1, 'demo', 'x', 'new', '', 200, '', now())`);
    await job().keepHouse();
    const left = await app.sql(`
      select encode(token_hash, 'hex') as what from access_tokens
      union all select 'session ' || encode(token_hash, 'hex') from sessions
      union all select key from idempotency_keys order by 1`);
    expect(left.map(({ what }) => what as string)).toEqual(['02', 'new', 'session 02']);
  });

  it('makes partitions ahead, by UTC months, whatever the time zone, once', async () => {
    const client = new Client({ connectionString: app.database.serviceUrl });
    await client.connect();
    await client.query(`set time zone 'Pacific/Auckland'`);
    const made = async (from: string, months: number) => {
      const { rows } = await client.query<{ made: number }>(
        'select ensure_event_partitions($1, $2) as made',
        [from, months],
      );
      return rows[0]?.made;
    };
    expect(await made('2031-12-31T23:30:00Z', 2)).toBe(4);
    expect(await made('2031-12-31T23:30:00Z', 2)).toBe(0);
    await client.end();
    const all = await Promise.all(
      Array.from({ length: 6 }, () => app.sql(`select ensure_event_partitions('2032-06-15Z', 3) as made`)),
    );
    expect(all.map(([row]) => row?.made as number).sort()).toEqual([0, 0, 0, 0, 0, 6]);
    const bounds = await app.sql<{ name: string; bound: string }>(`
      select relname as name, pg_get_expr(relpartbound, oid) as bound from pg_class
      where relname in ('consent_events_2031_12', 'event_evidence_2032_01') order by 1`);
    expect(bounds.map(({ bound }) => bound.replaceAll('+00', '').replaceAll(' 00:00:00', ''))).toEqual([
      "FOR VALUES FROM ('2031-12-01') TO ('2032-01-01')",
      "FOR VALUES FROM ('2032-01-01') TO ('2032-02-01')",
    ]);
  });

  it('lets a chain cross the edge of a month', async () => {
    const player = newPlayerId();
    await app.sql('select ensure_event_partitions($1, 2)', ['2031-12-15T00:00:00Z']);
    await app.call('POST', `/userconsents/${player}`, { body: { consents: change('email', true) } });
    await app.sql(
      `insert into consent_events (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel, actor, source)
       values (1, $1, 2, '2031-12-31T23:59:59.999999Z', now(), gen_random_uuid(), 1, 0, 3, 1, 'test', 'test'),
         (1, $1, 3, '2032-01-01T00:00:00Z', now(), gen_random_uuid(), 0, 1, 1, 1, 'test', 'test')`,
      [player],
    );
    const tables = await app.sql(
      `select tableoid::regclass::text as name from consent_events where player_id = $1 order by seq`,
      [player],
    );
    expect(tables.slice(1)).toEqual([{ name: 'consent_events_2031_12' }, { name: 'consent_events_2032_01' }]);
    const history = await app.call('GET', `/userconsents/${player}/history`);
    expect(history.as<{ events: { id: string }[] }>().events.map(({ id }) => id)).toEqual(
      [3, 2, 1].map((seq) => `${player}:${seq}`),
    );
    await app.sql('update marketing_states set seq = 3 where player_id = $1', [player]);
    expect(
      (await app.call('POST', `/userconsents/${player}`, { body: { consents: change('email', false) } }))
        .status,
    ).toBe(200);
    const [last] = await app.sql(
      'select seq from consent_events where player_id = $1 order by seq desc limit 1',
      [player],
    );
    expect(last).toEqual({ seq: '4' });
  });

  const insertStray = (player: string, recordedAt: string) =>
    app.sql(
      `insert into consent_events (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel, actor, source)
       values (1, $1, 1, $2, now(), gen_random_uuid(), 0, 1, 1, 1, 'test', 'test')`,
      [player, recordedAt],
    );
  const alarm = 'events lie in consent_events_default';

  it('raises an alarm when events lie in the partition for months that have none', async () => {
    await job().keepHouse();
    expect(lines.filter((line) => line.includes(alarm))).toEqual([]);
    await insertStray('stray', '2041-05-01T00:00:00Z');
    await job().keepHouse();
    const [line] = lines.filter((each) => each.includes(alarm));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ level: 50 });
  });

  it('raises it as well when those events keep their month from getting a partition', async () => {
    const nextMissing = new Date();
    nextMissing.setUTCMonth(nextMissing.getUTCMonth() + 3, 15);
    const name = `${nextMissing.getUTCFullYear()}_${String(nextMissing.getUTCMonth() + 1).padStart(2, '0')}`;
    await app.sql(`drop table if exists consent_events_${name}`);
    await insertStray('stray-soon', nextMissing.toISOString());
    lines.length = 0;
    await job()
      .keepHouse()
      .catch(() => undefined);
    expect(lines.filter((line) => line.includes(alarm))).toHaveLength(1);
  });
});
