import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { crmError, errorText } from '../support/errors.js';
import { SlowCaller } from '../support/slow-caller.js';
import { createTestApp, demoKey, otherBrandKey, type TestApp } from '../support/test-app.js';

interface Users {
  timestamp: string;
  users: string[];
  error?: string;
}
interface UserProducts {
  timestamp: string;
  users: Record<string, string[]>;
}

let app: TestApp;
let key: string;

const list = (field: string, token = key) => app.call('POST', '/reconciliation', { token, body: { field } });
const products = (field: string, token = key) =>
  app.call('POST', '/reconciliation/products', { token, body: { field } });
const usersOf = async (field: string) => (await list(field)).as<Users>().users.sort();

/** Everybody of the brand for whom a condition on their state holds: asked of the database, past the service's own words. */
async function select(condition: string): Promise<string[]> {
  const rows = await app.sql<{ player_id: string }>(
    `select player_id from marketing_states where brand_id = 2 and ${condition} order by player_id collate "C"`,
  );
  return rows.map((row) => row.player_id);
}

async function consent(player: string, consents: object[]): Promise<void> {
  const answer = await app.call('POST', `/userconsents/${player}`, {
    token: otherBrandKey,
    body: { consents },
  });
  expect(answer.status).toBe(200);
}

async function block(player: string, body: object): Promise<void> {
  await app.call('PUT', `/internal/players/${player}/blocks`, { token: otherBrandKey, body });
}

const optIn = (type: string, names?: string[]) => ({
  type,
  opted_in: true,
  ...(names && { products: names }),
});

beforeAll(async () => {
  app = await createTestApp();
  await app.call('PATCH', '/api/brands/2', {
    token: otherBrandKey,
    body: { products: ['casino', 'sports', 'bingo'] },
  });
  key = (await app.createClient(['reconciliation:read'], otherBrandKey)).key;
  await app.sql('delete from players where brand_id = 2');
  await consent('r-none', [{ type: 'email', opted_in: false }]);
  await consent('r-email', [optIn('email')]);
  await consent('r-casino', [optIn('email', ['casino']), optIn('sms')]);
  await consent('r-both', [optIn('email', ['sports', 'casino']), optIn('telephone', ['bingo'])]);
  await consent(
    'r-all',
    ['email', 'sms', 'siteNotification', 'telephone', 'postMail', 'pushNotification'].map((type) =>
      optIn(type),
    ),
  );
  await consent('r-blocked', [optIn('email', ['casino'])]);
  await block('r-blocked', { blocked: { active: true, note: 'n' } });
  await consent('r-excluded', [optIn('email', ['casino'])]);
  await block('r-excluded', { excluded: { active: true, note: 'n' } });
  await consent('r-was-excluded', []).catch(() => undefined);
  await block('r-was-excluded', {
    excluded: { active: true, note: 'n', until: new Date(Date.now() + 300).toISOString() },
  });
  await new Promise((resolve) => setTimeout(resolve, 350));
});
afterAll(() => app?.close());

describe('POST /reconciliation', () => {
  it('answers one document, letter by letter, of the instant at which it was true', async () => {
    const before = new Date().toISOString();
    const answer = await list('excluded');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-store');
    const { timestamp } = answer.as<Users>();
    expect(answer.text.replaceAll('\n', '')).toBe(`{"timestamp":"${timestamp}","users":["r-excluded"]}`);
    expect(timestamp >= before && timestamp <= new Date().toISOString()).toBe(true);
  });

  it.each([
    ['consent_email', 'email'],
    ['consent_sms', 'sms'],
    ['consent_telephone', 'telephone'],
    ['consent_post_mail', 'post_mail'],
    ['consent_site_notification', 'site_notification'],
    ['consent_push_notification', 'push_notification'],
  ])(
    '%s: who is opted in, with products or without, and neither excluded nor blocked',
    async (field, column) => {
      const expected = await select(`${column} <> 0 and not blocked and not excluded`);
      expect(expected.length).toBeGreaterThan(0);
      expect(await usersOf(field)).toEqual(expected);
      expect(expected).toContain('r-all');
    },
  );

  it('names for blocked and excluded those whose block is active', async () => {
    expect(await usersOf('blocked')).toEqual(['r-blocked']);
    expect(await usersOf('excluded')).toEqual(['r-excluded']);
  });

  it('agrees with GET /userconsents about everybody', async () => {
    const listed = await usersOf('consent_email');
    for (const player of await select('true')) {
      const { consents } = (await app.call('GET', `/userconsents/${player}`, { token: otherBrandKey })).as<{
        consents: { type: string; opted_in: boolean }[];
      }>();
      expect([player, consents[0]]).toEqual([
        player,
        expect.objectContaining({ opted_in: listed.includes(player) }),
      ]);
    }
  });

  it('leaves out consents without products where the brand asks for products', async () => {
    const settings = (productsRequiredOn: string[]) =>
      app.call('PATCH', '/api/brands/2', { token: otherBrandKey, body: { productsRequiredOn } });
    await settings(['email']);
    expect(await usersOf('consent_email')).toEqual(['r-both', 'r-casino']);
    await settings([]);
    expect(await usersOf('consent_email')).toContain('r-email');
  });

  it('is a valid document when it is empty', async () => {
    const other = (await app.createClient(['reconciliation:read'])).key;
    await app.sql('update marketing_states set blocked = false where brand_id = 1');
    expect((await list('blocked', other)).as<Users>().users).toEqual([]);
    expect((await products('pushNotification')).as<UserProducts>().users).toEqual({});
  });

  it('keeps brands apart', async () => {
    const ours = (await app.createClient(['reconciliation:read'])).key;
    const { users } = (await list('consent_email', ours)).as<Users>();
    expect(users.filter((id) => id.startsWith('r-'))).toEqual([]);
  });

  it.each(['active', 'email', 'consent_products', '', '__proto__', 'constructor'])(
    'does not know the field %j',
    async (field) => {
      const answer = await list(field);
      expect([answer.status, answer.text]).toEqual([501, crmError(501, errorText.unknownField(field))]);
    },
  );

  it.each([[{}], [{ field: 1 }], [{ field: null }], [{ field: ['consent_email'] }]])(
    'refuses %j',
    async (body) => {
      const answer = await app.call('POST', '/reconciliation', { token: key, body });
      expect([answer.status, answer.text]).toEqual([400, crmError(400, errorText.fieldNotAString)]);
    },
  );

  it('refuses what is not JSON', async () => {
    const answer = await app.call('POST', '/reconciliation', { token: key, body: '{"field":' });
    expect([answer.status, answer.text]).toEqual([400, crmError(400, errorText.malformedBody)]);
  });

  it('compresses for a caller who takes that', async () => {
    const call = (encoding: string) =>
      SlowCaller.call(app.url, '/reconciliation', {
        ...{ token: key, body: '{"field":"consent_email"}', headers: { 'accept-encoding': encoding } },
      });
    for (const encoding of ['gzip', 'deflate, gzip;q=0.5', '*']) {
      const caller = await call(encoding);
      expect(caller.headers['content-encoding']).toBe('gzip');
      await caller.takeAll();
      const document = JSON.parse(gunzipSync(caller.raw).toString()) as Users;
      expect(document.users.sort()).toEqual(await usersOf('consent_email'));
    }
    for (const encoding of ['identity', 'gzip;q=0', 'br']) {
      expect((await call(encoding)).headers['content-encoding']).toBeUndefined();
    }
  });
});

describe('POST /reconciliation/products', () => {
  it('names the products of everybody who has any', async () => {
    const answer = await products('email');
    const { timestamp, users } = answer.as<UserProducts>();
    expect(users).toEqual({ 'r-casino': ['casino'], 'r-both': ['casino', 'sports'] });
    expect(answer.text.replaceAll('\n', '')).toMatch(
      new RegExp(`^\\{"timestamp":"${timestamp}","users":\\{"r-[a-z]+":\\["[a-z]+".*\\]\\}\\}$`),
    );
    expect((await products('telephone')).as<UserProducts>().users).toEqual({ 'r-both': ['bingo'] });
    expect((await products('sms')).as<UserProducts>().users).toEqual({});
  });

  it.each(['consent_email', 'blocked', 'excluded', 'chat', 'active'])(
    'does not know the field %s',
    async (field) => {
      const answer = await products(field);
      expect([answer.status, answer.text]).toEqual([501, crmError(501, errorText.unknownField(field))]);
    },
  );
});

describe('GET /reconciliation/runs', () => {
  it('lists who asked for what and what came of it, a page at a time', async () => {
    const read = async (query: string) =>
      (await app.call('GET', `/reconciliation/runs${query}`, { token: key })).as<{
        runs: Record<string, unknown>[];
        next: string | null;
      }>();
    await list('consent_email');
    await products('email');
    const first = await read('?limit=1');
    expect(first.runs).toEqual([
      expect.objectContaining({
        kind: 'products',
        field: 'email',
        users: 2,
        outcome: 'complete',
        on_replica: false,
      }),
    ]);
    const second = await read(`?limit=1&cursor=${first.next}`);
    const { users } = (await list('consent_email')).as<Users>();
    expect(second.runs).toEqual([
      expect.objectContaining({
        kind: 'list',
        field: 'consent_email',
        users: users.length,
        outcome: 'complete',
      }),
    ]);
    const [run] = second.runs;
    const took = Date.parse(String(run?.finished_at)) - Date.parse(String(run?.started_at));
    expect([run?.duration_ms, took >= 0, Number(run?.bytes) > 50]).toEqual([took, true, true]);
    const all = await read('');
    expect(all.next).toBeNull();
    expect(all.runs.length).toBeGreaterThan(10);
    const theirs = await app.call('GET', '/reconciliation/runs', { token: demoKey });
    expect(
      theirs
        .as<{ runs: { field: string }[] }>()
        .runs.every(({ field }) => /^(blocked|consent_email)$/.test(field)),
    ).toBe(true);
    expect((await app.call('GET', '/reconciliation/runs?cursor=1', { token: key })).status).toBe(400);
  });
});
