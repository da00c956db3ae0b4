import { request } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { ConsentImportService } from '../../src/consents/import/consent-import.service.js';
import { newPlayerId } from '../support/consents.js';
import { crmError, errorText } from '../support/errors.js';
import { createTestApp, demoKey, type TestApp } from '../support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
  await app.call('PATCH', '/api/brands/1', {
    body: { crm: { enabled: true, baseUrl: 'http://127.0.0.1:9' } },
  });
});
afterAll(() => app?.close());

const header = 'player_id,channel,opted_in,products,occurred_at,source\n';

interface Result {
  rows: number;
  applied: number;
  unchanged: number;
  stale: number;
  rejected: number;
  rejects: { line: number; reason: string }[];
}

async function send(body: string, query = 'format=csv', token = demoKey): Promise<Result> {
  const headers = { 'content-type': 'text/csv' };
  const answer = await app.call('POST', `/userconsents/import?${query}`, { body, headers, token });
  expect(answer.status).toBe(200);
  return answer.as<Result>();
}

async function consentsOf(player: string): Promise<unknown> {
  return (await app.call('GET', `/userconsents/${player}`)).as<{
    consents: { type: string; opted_in: boolean }[];
  }>().consents;
}

async function waitFor(question: string): Promise<void> {
  for (let tries = 0; (await app.sql(question)).length === 0; tries++) {
    if (tries > 500) throw new Error(`never true: ${question}`);
    await delay(10);
  }
}

const email = (value: object) => expect.arrayContaining([{ type: 'email', ...value }]) as unknown;

describe('POST /userconsents/import', () => {
  it('applies rows, creates unknown players, and answers what became of each', async () => {
    const [first, second] = [newPlayerId(), newPlayerId()];
    const result = await send(
      `${header}${first},email,true,casino|sportsbook,2026-01-31T12:00:00Z,migration\n` +
        `${first},sms,false,,2026-01-31T12:00:00Z,migration\n` +
        `${second},siteNotifiction,true,,2026-01-31T12:00:00+01:00,\n`,
    );
    expect(result).toEqual({ rows: 3, applied: 2, unchanged: 1, stale: 0, rejected: 0, rejects: [] });
    expect(await consentsOf(first)).toEqual(email({ opted_in: true, products: ['casino', 'sports'] }));
    expect(await consentsOf(second)).toEqual(
      expect.arrayContaining([{ type: 'siteNotification', opted_in: true }]),
    );
  });

  it('keeps one event per change with the source and time of the row, and one outbox row per player', async () => {
    const player = newPlayerId();
    await send(
      `${header}${player},email,true,casino,2026-01-01T00:00:00Z,shop\n${player},email,true,sports,2026-02-01T00:00:00Z,shop\n` +
        `${player},sms,true,,2026-02-01T00:00:00Z,\n`,
    );
    const events = await app.sql(
      `select seq::integer, channel, before, after, source, actor, occurred_at from consent_events where player_id = $1 order by seq`,
      [player],
    );
    const event = { source: 'shop', actor: 'client:demo' };
    expect(events).toEqual([
      { ...event, seq: 1, channel: 1, before: 0, after: 3, occurred_at: new Date('2026-01-01T00:00:00Z') },
      { ...event, seq: 2, channel: 1, before: 3, after: 5, occurred_at: new Date('2026-02-01T00:00:00Z') },
      {
        ...event,
        seq: 3,
        channel: 2,
        before: 0,
        after: 1,
        source: 'import',
        occurred_at: new Date('2026-02-01T00:00:00Z'),
      },
    ]);
    expect(await app.sql('select kind, seq::integer from outbox where player_id = $1', [player])).toEqual([
      { kind: 1, seq: 3 },
    ]);
  });

  it('lets the newest row win whatever the order in the file', async () => {
    const player = newPlayerId();
    const result = await send(
      `${header}${player},email,true,casino,2026-03-01T00:00:00Z,a\n${player},email,false,,2026-02-01T00:00:00Z,a\n` +
        `${player},email,true,casino,2026-04-01T00:00:00Z,a\n${player},email,false,,2026-03-15T00:00:00Z,a\n`,
    );
    expect(result).toMatchObject({ rows: 4, applied: 1, unchanged: 1, stale: 2 });
    expect(await consentsOf(player)).toEqual(email({ opted_in: true, products: ['casino'] }));
  });

  it('may be repeated without effect', async () => {
    const player = newPlayerId();
    const file = `${header}${player},email,true,casino,2026-03-01T00:00:00Z,a\n${player},sms,true,,2026-03-01T00:00:00Z,a\n`;
    expect(await send(file)).toMatchObject({ applied: 2 });
    const rows = await app.countRows();
    const [state] = await app.sql('select xmin::text, * from marketing_states where player_id = $1', [
      player,
    ]);
    expect(await send(file)).toMatchObject({ applied: 0, unchanged: 2 });
    expect(await app.countRows()).toEqual(rows);
    const [after] = await app.sql('select * from marketing_states where player_id = $1', [player]);
    expect(after).toEqual(
      Object.fromEntries(Object.entries(state ?? {}).filter(([name]) => name !== 'xmin')),
    );
  });

  it('does not go behind a newer choice of the player', async () => {
    const player = newPlayerId();
    await app.call('POST', `/userconsents/${player}`, {
      body: { consents: [{ type: 'email', opted_in: false }] },
    });
    expect(await send(`${header}${player},email,true,,2026-01-01T00:00:00Z,old\n`)).toMatchObject({
      stale: 1,
    });
    expect(await consentsOf(player)).toEqual(email({ opted_in: false }));
  });

  it('rejects what is not valid, by line and reason, and applies the rest', async () => {
    const player = newPlayerId();
    const ok = `${player},email,true,casino,2026-01-31T12:00:00Z,m`;
    const bad = [
      [`${player},fax,true,,2026-01-31T12:00:00Z,m`, 'unknown channel "fax"'],
      [`${player},sms,yes,,2026-01-31T12:00:00Z,m`, 'opted_in must be true or false, not "yes"'],
      [`${player},sms,true,poker,2026-01-31T12:00:00Z,m`, 'unknown product "poker"'],
      [
        `${player},sms,true,,2026-02-30T12:00:00Z,m`,
        'occurred_at must be an RFC 3339 instant of the calendar, not "2026-02-30T12:00:00Z"',
      ],
      [
        `${player},sms,true,,yesterday,m`,
        'occurred_at must be an RFC 3339 instant of the calendar, not "yesterday"',
      ],
      [`${player},sms,true,,2126-01-31T12:00:00Z,m`, 'occurred_at lies in the future'],
      [`,sms,true,,2026-01-31T12:00:00Z,m`, 'player_id must be 1 to 64 letters, digits, _ or -'],
      [`a b,sms,true,,2026-01-31T12:00:00Z,m`, 'player_id must be 1 to 64 letters, digits, _ or -'],
      [`${player},sms,true`, '3 columns instead of 6'],
      [`${player},sms,true,,2026-01-31T12:00:00Z,"a\tb"`, 'source must be a text of at most 100 characters'],
    ] as const;
    const result = await send(`${header}${bad.map(([line]) => line).join('\n')}\n${ok}\n`);
    expect(result).toEqual({
      rows: bad.length + 1,
      applied: 1,
      unchanged: 0,
      stale: 0,
      rejected: bad.length,
      rejects: bad.map(([, reason], index) => ({ line: index + 2, reason })),
    });
    expect(await consentsOf(player)).toEqual(email({ opted_in: true, products: ['casino'] }));
  });

  it('refuses what the brand’s rules refuse: products where they are required, opt-ins of excluded players', async () => {
    const player = newPlayerId();
    await app.call('PATCH', '/api/brands/1', { body: { productsRequiredOn: ['email'] } });
    const result = await send(
      `${header}${player},email,true,,2026-01-31T12:00:00Z,m\n1005,sms,true,casino,${new Date().toISOString()},m\n1005,sms,false,,${new Date().toISOString()},m\n`,
    );
    await app.call('PATCH', '/api/brands/1', { body: { productsRequiredOn: [] } });
    expect(result.rejects).toEqual([
      { line: 2, reason: 'products are required on email' },
      { line: 3, reason: 'the player is self-excluded and cannot be opted in' },
    ]);
    expect(result).toMatchObject({ rejected: 2, applied: 0, unchanged: 1 });
  });

  it('says the same in a dry run and changes nothing', async () => {
    const player = newPlayerId();
    const file = `${header}${player},email,true,casino,2026-03-01T00:00:00Z,a\n${player},email,false,,2026-02-01T00:00:00Z,a\n1005,email,true,,2026-11-20T00:00:00Z,a\nx,y\n`;
    const rows = await app.countRows();
    const dry = await send(file, 'format=csv&dryRun=true');
    expect(await app.countRows()).toEqual(rows);
    expect(dry).toMatchObject({ applied: 1, stale: 1, rejected: 2 });
    expect(await send(file)).toEqual(dry);
  });

  it('takes NDJSON with the same keys', async () => {
    const player = newPlayerId();
    const lines = [
      {
        player_id: player,
        channel: 'email',
        opted_in: true,
        products: ['casino'],
        occurred_at: '2026-01-01T00:00:00Z',
      },
      {
        player_id: player,
        channel: 'sms',
        opted_in: true,
        products: [],
        occurred_at: '2026-01-01T00:00:00Z',
        source: 'x',
      },
      { player_id: 77_000_001, channel: 'email', opted_in: 'maybe', occurred_at: '2026-01-01T00:00:00Z' },
    ];
    const file = `${lines.map((line) => JSON.stringify(line)).join('\n')}\nnot json\n[]`;
    expect(await send(file, 'format=ndjson')).toEqual({
      rows: 5,
      applied: 1,
      unchanged: 1,
      stale: 0,
      rejected: 3,
      rejects: [
        { line: 3, reason: 'opted_in must be true or false, not "maybe"' },
        { line: 4, reason: 'not a JSON object' },
        { line: 5, reason: 'not a JSON object' },
      ],
    });
  });

  it('refuses a file that is none, and a format it does not know', async () => {
    const call = (body: string, query: string) =>
      app.call('POST', `/userconsents/import?${query}`, { body, headers: { 'content-type': 'text/csv' } });
    expect((await call('', 'format=csv')).text).toBe(crmError(400, errorText.importEmpty));
    expect((await call('a,b\n1,2\n', 'format=csv')).text).toBe(crmError(400, errorText.importColumns));
    expect((await call(header, 'format=xml')).text).toBe(crmError(400, errorText.importFormat));
    expect((await call(header, 'format=csv&dryRun=perhaps')).status).toBe(400);
  });

  it('takes a body far over the limit of other routes, in ranges, without mixing up players', async () => {
    const players = Array.from({ length: 30_000 }, (_, index) => `bulk-${index}`);
    const rows = players.map(
      (player, index) => `${player},${index % 2 ? 'email' : 'sms'},true,casino,2026-01-01T00:00:00Z,bulk`,
    );
    const result = await send(`${header}${rows.join('\n')}\n`);
    expect(result).toMatchObject({ rows: 30_000, applied: 30_000, rejected: 0 });
    const [counts] = await app.sql(
      `select count(*)::integer as players, count(*) filter (where email = 3)::integer as email,
         count(*) filter (where sms = 3)::integer as sms, count(*) filter (where seq = 1)::integer as once
       from marketing_states where player_id like 'bulk-%'`,
    );
    expect(counts).toEqual({ players: 30_000, email: 15_000, sms: 15_000, once: 30_000 });
    expect(await app.sql('select 1 from pg_tables where schemaname = $1', ['staging'])).toEqual([]);
  });

  it('tells how far it is, and ends with everything', async () => {
    const rows = Array.from(
      { length: 70_000 },
      (_, index) => `far${index},email,true,,2026-01-01T00:00:00Z,test\n`,
    );
    const told: { phase: string; rows: number; total: number | null }[] = [];
    await app.nest
      .get(ConsentImportService, { strict: false })
      .run(Readable.from([header, ...rows].map((row) => Buffer.from(row))), {
        brandId: 1,
        actor: 'test',
        format: 'csv',
        dryRun: true,
        onProgress: (phase, done, total) => told.push({ phase, rows: done, total }),
      });
    expect(told.at(-1)).toEqual({ phase: 'applying', rows: 70_000, total: 70_000 });
    const applied = told.filter(({ phase }) => phase === 'applying').map(({ rows: done }) => done);
    expect(applied.length).toBeGreaterThan(2);
    expect(applied).toEqual([...applied].sort((one, other) => one - other));
  });

  it('lets the later of two rows of one instant count, and a repeat changes nothing', async () => {
    const player = newPlayerId();
    const file = `${header}${player},email,true,,2026-03-01T00:00:00Z,a\n${player},email,true,casino,2026-03-01T00:00:00Z,a\n`;
    expect(await send(file)).toMatchObject({ applied: 1, stale: 1 });
    expect(await consentsOf(player)).toEqual(email({ opted_in: true, products: ['casino'] }));
    const rows = await app.countRows();
    expect(await send(file)).toMatchObject({ applied: 0, unchanged: 1, stale: 1 });
    expect(await app.countRows()).toEqual(rows);
  });

  it('rejects instants that PostgreSQL could not take, and ends at a quotation mark that stays open', async () => {
    const player = newPlayerId();
    const rows = ['0000-01-01T00:00:00Z', '2026-01-01T00:00:00+20:00'].map(
      (at) => `${player},email,true,,${at},a`,
    );
    expect(await send(`${header}${rows.join('\n')}\n`)).toMatchObject({ rows: 2, rejected: 2 });
    const good = `${player},email,true,,2026-01-01T00:00:00Z,a\n`;
    const body = `${header}${player},"email,true,,2026-01-01T00:00:00Z,a\n${good.repeat(20_000)}`;
    const answer = await app.call('POST', '/userconsents/import?format=csv', {
      body,
      headers: { 'content-type': 'text/csv' },
    });
    expect([answer.status, answer.text]).toEqual([
      400,
      expect.stringMatching(
        /^{"error":"line \d+ does not end: is a quotation mark left open\?","code":400}$/,
      ) as unknown,
    ]);
    expect((await app.call('GET', `/userconsents/${player}`)).status).toBe(404);
  });

  it('counts the same in a dry run after an exclusion that has just ended', async () => {
    const player = newPlayerId();
    const until = new Date(Date.now() + 400);
    await app.call('PUT', `/internal/players/${player}/blocks`, {
      body: { excluded: { active: true, until: until.toISOString() } },
    });
    await delay(450);
    const file = `${header}${player},email,true,,${new Date(until.getTime() - 100).toISOString()},a\n`;
    const dry = await send(file, 'format=csv&dryRun=true');
    expect(dry).toMatchObject({ stale: 1 });
    expect(await send(file)).toEqual(dry);
  });

  it('loses no race for a new player: neither a row nor the chain nor an exclusion', async () => {
    const [a, b, z] = [newPlayerId(), newPlayerId(), `zz-${newPlayerId()}`];
    await app.call('PUT', `/internal/players/${z}`, { body: {} });
    const [blocker, other] = [new Client(app.database.superuserUrl), new Client(app.database.superuserUrl)];
    await blocker.connect();
    await other.connect();
    try {
      await blocker.query('begin');
      await blocker.query('select 1 from marketing_states where brand_id = 1 and player_id = $1 for update', [
        z,
      ]);
      const soon = new Date(Date.now() + 60_000).toISOString();
      const imported = send(
        `${header}${a},email,true,,${soon},a\n${b},email,true,,2026-01-01T00:00:00Z,a\n${z},email,true,,2026-01-01T00:00:00Z,a\n`,
      );
      await waitFor(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%record_marketing_changes%'`,
      );
      await app.call('PUT', `/internal/players/${a}/blocks`, { body: { excluded: { active: true } } });
      await app.call('PUT', `/internal/players/${b}`, { body: {} });
      await other.query('begin');
      await other.query(
        `select * from record_marketing_changes(1, true, false, array[gen_random_uuid()], array['test'], array[null::bytea],
           array[null::text], array[1], array[$1], array[2::smallint], array[1], array[null::timestamptz], array['test'])`,
        [b],
      );
      await blocker.query('commit');
      await delay(200);
      await other.query('commit');
      expect(await imported).toMatchObject({ rows: 3, applied: 2, rejected: 1 });
    } finally {
      await blocker.end();
      await other.end();
    }
    const events = await app.sql(
      `select seq::integer, channel, before, after from consent_events where player_id = any ($1) order by player_id = $2, seq`,
      [[a, b], b],
    );
    expect(events).toEqual([
      { seq: 1, channel: 20, before: 0, after: 1 },
      { seq: 1, channel: 2, before: 0, after: 1 },
      { seq: 2, channel: 1, before: 0, after: 1 },
    ]);
  });

  it('goes on when the brand’s rules change under it: what they refuse now is rejected', async () => {
    const [first, second] = [newPlayerId(), newPlayerId()];
    const { hostname, port } = new URL(app.url);
    const upload = request({
      hostname,
      port,
      method: 'POST',
      path: '/userconsents/import?format=csv',
      headers: { 'x-auth-token': demoKey, 'content-type': 'text/csv' },
    });
    const answer = new Promise<string>((resolve, reject) => {
      upload.on('error', reject).on('response', (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => resolve(text));
      });
    });
    // More than the parser's chunk, so that the first row is judged before the rules change.
    upload.write(
      `${header}${first},telephone,true,,2026-01-01T00:00:00Z,a\n${`${second},sms,false,,2026-01-01T00:00:00Z,a\n`.repeat(4000)}`,
    );
    await waitFor(
      `select 1 from pg_stat_activity where datname = current_database() and query like 'copy staging.%' and state = 'active'`,
    );
    await delay(200);
    await app.call('PATCH', '/api/brands/1', { body: { productsRequiredOn: ['telephone'] } });
    upload.end(`${second},telephone,true,casino,2026-01-01T00:00:00Z,a\n`);
    const result = JSON.parse(await answer) as Result;
    await app.call('PATCH', '/api/brands/1', { body: { productsRequiredOn: [] } });
    expect(result).toMatchObject({
      rows: 4002,
      applied: 1,
      rejected: 1,
      rejects: [{ line: 2, reason: 'the rules of the brand changed meanwhile and refuse this row' }],
    });
  });

  it('runs once at a time for a brand, leaves nothing behind when the caller goes, and applies nothing of half a file', async () => {
    const player = newPlayerId();
    const rows = await app.countRows();
    const { hostname, port } = new URL(app.url);
    const half = request({
      hostname,
      port,
      method: 'POST',
      path: '/userconsents/import?format=csv',
      headers: { 'x-auth-token': demoKey, 'content-type': 'text/csv' },
    });
    half.on('error', () => undefined);
    half.write(`${header}${player},email,true,casino,2026-01-01T00:00:00Z,half\n`);
    const staged = () =>
      app.sql(
        `select 1 from pg_stat_activity
         where datname = current_database() and query like 'copy staging.%' and state = 'active'`,
      );
    for (let tries = 0; tries < 100 && (await staged()).length === 0; tries++) await delay(20);
    expect(await staged()).toHaveLength(1);
    const second = await app.call('POST', '/userconsents/import?format=csv', {
      body: header,
      headers: { 'content-type': 'text/csv' },
    });
    expect([second.status, second.text]).toEqual([409, crmError(409, errorText.importUnderWay)]);
    half.destroy();
    for (let tries = 0; tries < 100 && (await staged()).length > 0; tries++) await delay(20);
    expect(await staged()).toEqual([]);
    expect(await app.sql('select 1 from pg_tables where schemaname = $1', ['staging'])).toEqual([]);
    expect(await app.countRows()).toEqual(rows);
  });
});
