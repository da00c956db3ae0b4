import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DurableCluster } from '../crash/durable-cluster.js';
import { crmError, errorText, runError } from '../support/errors.js';
import { SlowCaller } from '../support/slow-caller.js';
import { createTestApp, demoKey, otherBrandKey, type TestApp } from '../support/test-app.js';

/** More than all buffers on the way can hold: 19 MB. */
const players = 300_000;
const idLength = 60;
const someBytes = 1_000_000;
const limitMs = 1500;

interface Document {
  timestamp: string;
  users: string[] | Record<string, string[]>;
  error?: string;
}

let app: TestApp;
/** On the same database, with a short time limit. */
let hasty: TestApp;
const callers: SlowCaller[] = [];

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function call(
  { field = 'consent_email', path = '/reconciliation', token = demoKey, headers = {} } = {},
  from: TestApp = app,
): Promise<SlowCaller> {
  const body = JSON.stringify({ field });
  const caller = await SlowCaller.call(from.url, path, { token, body, headers });
  callers.push(caller);
  return caller;
}

function fill(to: TestApp): Promise<unknown> {
  return to.sql(
    `insert into marketing_states (brand_id, player_id, email)
     select 1, lpad(n::text, $1, 'x'), 3 from generate_series(1, $2::integer) n`,
    [idLength, players],
  );
}

/** Parses what a caller got: legal JSON whose every player is whole. */
function read(text: string): Document & { count: number } {
  const document = JSON.parse(text) as Document;
  const ids = Array.isArray(document.users) ? document.users : Object.keys(document.users);
  expect(ids.filter((id) => id.length !== idLength && !/^\d{4}$/.test(id))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
  return { ...document, count: ids.length };
}

const backends = async () =>
  (
    await app.sql<{ pid: number }>(
      `select pid from pg_stat_activity
       where datname = current_database() and application_name = 'player-consent reconciliation'`,
    )
  ).map(({ pid }) => pid);

/** Within two seconds, as promised. */
async function expectReleased(): Promise<void> {
  const end = Date.now() + 2000;
  while ((await backends()).length > 0) {
    if (Date.now() > end) throw new Error('a backend was not released within 2 s');
    await pause(50);
  }
}

const lastOutcome = async () => {
  const answer = await app.call('GET', '/reconciliation/runs?limit=1');
  return answer.as<{ runs: { outcome: string; users: number | null }[] }>().runs[0];
};

async function untilOutcome(outcome: string): Promise<void> {
  const end = Date.now() + 5000;
  while ((await lastOutcome())?.outcome !== outcome) {
    if (Date.now() > end)
      throw new Error(`the run is ${JSON.stringify(await lastOutcome())}, not ${outcome}`);
    await pause(50);
  }
}

beforeAll(async () => {
  app = await createTestApp();
  hasty = await createTestApp({
    database: app.database,
    environment: { RECONCILIATION_TIME_LIMIT_MS: String(limitMs) },
  });
  await fill(app);
});
afterEach(() => {
  for (const caller of callers.splice(0)) caller.hangUp();
});
afterAll(async () => {
  await hasty?.close();
  await app?.close();
});

describe('a long answer', () => {
  it.each(['/reconciliation', '/reconciliation/products'])('of %s is everybody, once', async (path) => {
    const field = path === '/reconciliation' ? 'consent_email' : 'email';
    const document = read(await (await call({ path, field })).takeAll());
    const [row] = await app.sql<{ ids: string[] }>(
      `select array_agg(player_id order by player_id collate "C") as ids from marketing_states
       where brand_id = 1 and ${path === '/reconciliation' ? 'email <> 0' : 'email > 1'} and not blocked and not excluded`,
    );
    const ids = Array.isArray(document.users) ? document.users : Object.keys(document.users);
    expect([document.error, document.count]).toEqual([undefined, row?.ids.length]);
    expect(ids.sort().join(',') === row?.ids.join(',')).toBe(true);
  });

  it('is one snapshot, however late it is read', async () => {
    const caller = await call();
    await caller.take(someBytes);
    await app.sql(
      `update marketing_states set email = 0 where brand_id = 1 and player_id like 'x%' and email = 3`,
    );
    const document = read(await caller.takeAll());
    expect([document.error, document.count >= players]).toEqual([undefined, true]);
    expect(read(await (await call()).takeAll()).count).toBeLessThan(100);
    await app.sql(`update marketing_states set email = 3 where brand_id = 1 and player_id like 'x%'`);
  });
});

describe('when something breaks, the answer says so', () => {
  it.each([
    ['after its first byte', 1, {}],
    ['after 64 kB and a byte', 65_537, {}],
    ['in the middle', 7_654_321, {}],
    ['compressed', 10_000, { 'accept-encoding': 'gzip' }],
  ])('when its backend is terminated (%s)', async (_what, bytes, headers) => {
    const caller = await call({ headers });
    await caller.take(bytes);
    const [pid] = await backends();
    await app.sql('select pg_terminate_backend($1)', [pid]);
    await caller.takeAll();
    const text =
      caller.headers['content-encoding'] === 'gzip' ? gunzipSync(caller.raw).toString() : caller.text;
    const document = read(text);
    expect(document.error).toBe('unavailable');
    expect(document.count).toBeLessThan(players);
    expect(document.count > 0 || bytes === 1).toBe(true);
    await untilOutcome('unavailable');
  });

  it('when its statement is cancelled', async () => {
    const caller = await call({ path: '/reconciliation/products', field: 'email' });
    await caller.take(someBytes);
    await app.sql('select pg_cancel_backend(pid) from unnest($1::integer[]) as pid', [await backends()]);
    const document = read(await caller.takeAll());
    expect([document.error, document.count < players]).toEqual(['timeout', true]);
  });

  it('when its time is over, and its backend is released then', async () => {
    const caller = await call({}, hasty);
    await caller.take(someBytes);
    await pause(limitMs);
    await expectReleased();
    const document = read(await caller.takeAll());
    expect([document.error, document.count < players]).toEqual(['timeout', true]);
    await untilOutcome('timeout');
  });

  it('and breaks off for a caller of one byte a second, who can take nothing of it for complete', async () => {
    const caller = await call({}, hasty);
    const end = Date.now() + 2 * limitMs + 3000;
    while (!caller.isBroken && Date.now() < end) {
      await Promise.race([caller.take(1), pause(1000)]);
      await pause(1000);
      expect((await app.call('GET', '/userconsents/1001')).status).toBe(200);
    }
    await expectReleased();
    await caller.takeAll();
    expect(caller.isBroken).toBe(true);
    expect(() => JSON.parse(caller.text) as unknown).toThrow();
    await untilOutcome('timeout');
  });

  it('when PostgreSQL stops; and when it is away, there is nothing but the error', async () => {
    const cluster = await DurableCluster.start();
    const own = await createTestApp({ database: await cluster.createDatabase('stopped') });
    try {
      await fill(own);
      const caller = await call({}, own);
      await caller.take(someBytes);
      await cluster.stopImmediately();
      const document = read(await caller.takeAll());
      expect([document.error, document.count < players]).toEqual(['unavailable', true]);
      for (const path of ['/reconciliation', '/reconciliation/products']) {
        const field = path === '/reconciliation' ? 'blocked' : 'email';
        const answer = await own.call('POST', path, { body: { field } });
        expect([answer.status, answer.text]).toEqual([200, runError('unavailable')]);
      }
      await cluster.startAgain();
      expect(read(await (await call({}, own)).takeAll()).error).toBeUndefined();
    } finally {
      await own.close();
      await cluster.remove();
    }
  });
});

describe('when the caller goes', () => {
  it('its backend is released within two seconds', async () => {
    const caller = await call();
    await caller.take(someBytes);
    expect(await backends()).toHaveLength(1);
    caller.hangUp();
    await expectReleased();
    await untilOutcome('hung up');
  });

  it('also where the backend had nothing to send', async () => {
    const lock = app.sql('begin; lock table marketing_states; select pg_sleep(3); commit');
    await pause(200);
    const caller = await call({ field: 'blocked' });
    await pause(300);
    caller.hangUp();
    await expectReleased();
    await lock;
  });
});

describe('the places of a brand', () => {
  it('are two; others wait, and other brands do not', async () => {
    const [first] = [await call(), await call()];
    const refused = await app.call('POST', '/reconciliation', { body: { field: 'consent_email' } });
    expect([refused.status, refused.text]).toEqual([429, crmError(429, errorText.tooManyRuns(2))]);
    expect(refused.headers['retry-after']).toBe('10');
    // Whatever instance they are on.
    expect((await hasty.call('POST', '/reconciliation/products', { body: { field: 'email' } })).status).toBe(
      429,
    );
    const compared = await app.call('POST', '/reconciliation/compare?field=blocked', { body: { users: [] } });
    expect([compared.status, compared.text]).toEqual([429, refused.text]);
    expect((await call({ token: otherBrandKey })).status).toBe(200);
    first?.hangUp();
    const end = Date.now() + 3000;
    for (;;) {
      const answer = await app.call('POST', '/reconciliation', { body: { field: 'blocked' } });
      if (answer.status === 200) break;
      if (Date.now() > end) throw new Error('the place was not given back');
      await pause(100);
    }
  });
});
