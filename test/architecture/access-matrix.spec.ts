import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Scope, scopes } from '../../src/auth/principal.js';
import { sha256 } from '../../src/common/secrets.js';
import { demoPolicyIds } from '../../src/demo-policies.js';
import type { DocumentedRoute } from '../support/api-document.js';
import { documentedRoutes } from '../support/api-document.js';
import { change, newPlayerId } from '../support/consents.js';
import { crmError, errorText, problem } from '../support/errors.js';
import {
  checksCredential,
  effectiveBody,
  isCrmPath,
  guardedRoutes,
  publicRoutes,
  sampleBody,
  type SampleIds,
  samplePath,
  sampleQuery,
  scopesByRoute,
  sessionRoutes,
  tokenInBody,
} from '../support/routes.js';
import { createTestApp, demoKey, otherBrandKey, type ServiceKey, type TestApp } from '../support/test-app.js';

let app: TestApp;
const refused: Record<string, Record<string, string>> = {};
const clientsByScope = new Map<Scope, ServiceKey>();
let playerToken: string;
let ids: Omit<SampleIds, 'player'>;
let allButOne: Map<Scope, ServiceKey>;

beforeAll(async () => {
  app = await createTestApp();
  const client = await app.createClient(['consents:read']);
  const revoked = await app.createClient([...scopes]);
  await app.call('DELETE', `/api/clients/${revoked.id}`);
  const expiredToken = `pct_${randomBytes(32).toString('base64url')}`;
  await app.sql(
    `insert into access_tokens (brand_id, client_id, token_hash, expires_at) values (1, 'demo', $1, now() - interval '1 second')`,
    [sha256(expiredToken)],
  );
  const endedSession = await app.openSession('1001');
  await app.call('DELETE', `/internal/sessions/${endedSession.id}`);
  const expiredSession = await app.openSession('1001');
  await app.sql(`update sessions set expires_at = now() - interval '1 second' where id = $1`, [
    expiredSession.id,
  ]);
  const idleSession = await app.openSession('1001');
  await app.sql(`update sessions set seen_at = now() - make_interval(secs => idle_ttl + 1) where id = $1`, [
    idleSession.id,
  ]);
  const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  Object.assign(refused, {
    'no credential': {},
    'an unknown key': { 'x-auth-token': `pck_${randomBytes(32).toString('base64url')}` },
    'an unknown session': { 'x-auth-token': randomUUID() },
    'an empty key': { 'x-auth-token': '' },
    'the key of a revoked client': { 'x-auth-token': revoked.key },
    'an expired access token': { authorization: `Bearer ${expiredToken}` },
    'an ended session': { 'x-auth-token': endedSession.auth_token },
    'a session whose time is over': { 'x-auth-token': expiredSession.auth_token },
    'a session that was idle too long': { 'x-auth-token': idleSession.auth_token },
    'a key under another client’s id': { authorization: basic(client.id, demoKey) },
    'a stored hash': { 'x-auth-token': sha256(demoKey).toString('hex') },
  });
  for (const scope of scopes) clientsByScope.set(scope, await app.createClient([scope]));
  allButOne = new Map();
  for (const scope of new Set(Object.values(scopesByRoute))) {
    allButOne.set(scope, await app.createClient(scopes.filter((other) => other !== scope)));
  }
  const session = await app.openSession('1002');
  const recorded = await app.call('POST', '/api/universalconsent', {
    body: { ConsentGiven: 'All', CustomUserId: '1001', Reference: 'callback', ConsentType: 'Call' },
  });
  const subscribed = await app.call('POST', '/api/universalconsent/subscribe', {
    body: { WebhookUrl: 'http://127.0.0.1:9/' },
  });
  ids = {
    client: client.id,
    integration: 'int_demo',
    session: session.id,
    subscription: subscribed.as<{ Id: string }>().Id,
    subject: recorded.as<{ ClientId: string }>().ClientId,
    policy: demoPolicyIds.terms,
  };
  playerToken = (await app.openSession('1001')).auth_token;
});
afterAll(() => app?.close());

function expectedError(route: DocumentedRoute, status: number, text: string): string {
  if (isCrmPath(route.path)) return crmError(status, text);
  return problem(status, text, samplePath(route));
}

/** Every row that belongs to the demo brand, as one hash. */
async function fingerprint(): Promise<unknown> {
  const tables = await app.sql<{ name: string }>(`
    select c.relname as name from pg_attribute a join pg_class c on c.oid = a.attrelid
    where a.attname = 'brand_id' and c.relkind in ('r', 'p') and not c.relispartition
      and c.relnamespace = 'public'::regnamespace order by 1`);
  expect(tables.length).toBeGreaterThan(8);
  const queries = tables.map(
    ({ name }) =>
      `select '${name}' as name, md5(string_agg(t::text, '' order by t::text)) from ${name} t where brand_id = 1`,
  );
  return app.sql(
    `${queries.join(' union all ')} union all select 'brands', md5(t::text) from brands t where id = 1`,
  );
}

it('knows the scope of every guarded route', () => {
  expect(Object.keys(scopesByRoute)).toEqual(expect.arrayContaining(guardedRoutes.map(({ name }) => name)));
});

it('documents who may call: a key for the guarded routes, nobody’s for the public ones, or either', () => {
  for (const route of documentedRoutes) {
    const { name, operation } = route;
    expect({ name, key: operation.security !== undefined }).toEqual({
      name,
      key: !publicRoutes.includes(name) || checksCredential(route),
    });
  }
});

describe.each(guardedRoutes.map((route) => [route.name, route] as const))('%s', (name, route) => {
  const scope = scopesByRoute[name] as Scope;
  const call = (headers: Record<string, string>) =>
    app.call(route.method, samplePath(route) + sampleQuery(route), {
      token: null,
      headers,
      ...sampleBody(route),
    });

  it('answers 401 without a valid credential', async () => {
    const before = await app.countRows();
    for (const [what, headers] of Object.entries(refused)) {
      const answer = await call(headers);
      expect([what, answer.status, answer.text]).toEqual([
        what,
        401,
        expectedError(route, 401, errorText.unauthorized),
      ]);
      expect(answer.headers['www-authenticate']).toBe('Bearer, Basic realm="player-consent"');
    }
    const two = await call({ 'x-auth-token': demoKey, 'x-api-key': otherBrandKey });
    expect([two.status, two.text]).toEqual([401, expectedError(route, 401, errorText.twoCredentials)]);
    expect(await app.countRows()).toEqual(before);
  });

  it('answers 403 to a player, and to every client without its scope', async () => {
    const before = await app.countRows();
    const player = await call({ 'x-auth-token': playerToken });
    expect([player.status, player.text]).toEqual([403, expectedError(route, 403, errorText.forbidden)]);
    const others = [...clientsByScope].filter(([other]) => other !== scope).map(([, client]) => client);
    for (const { key } of [...others, allButOne.get(scope)] as ServiceKey[]) {
      const answer = await call({ authorization: `Bearer ${key}` });
      expect([answer.status, answer.text]).toEqual([
        403,
        expectedError(route, 403, errorText.lacksScope(scope)),
      ]);
    }
    expect(await app.countRows()).toEqual(before);
  });

  it(`lets in a client with the scope ${scope} alone`, async () => {
    const { status } = await call({ 'x-auth-token': clientsByScope.get(scope)?.key ?? '' });
    expect([401, 403, 500, 503]).not.toContain(status);
  });

  it('neither shows nor changes anything to a client of another brand', async () => {
    const player = newPlayerId();
    await app.call('POST', `/userconsents/${player}`, { body: { consents: change('sms', true) } });
    const before = await fingerprint();
    const path = samplePath(route, { player, ...ids }) + sampleQuery(route);
    const answer = await app.call(route.method, path, { token: otherBrandKey, ...effectiveBody(route) });
    expect(await fingerprint()).toEqual(before);
    const creates = ['POST', 'PUT'].includes(route.method);
    if (route.path.includes('{') && !creates) expect(answer.status).toBe(404);
    expect(answer.text).not.toMatch(/Demo Casino|demo\.example|"id":"demo"/);
  });
});

describe.each(sessionRoutes.map((route) => [route.name, route] as const))('%s', (_name, route) => {
  const call = (headers: Record<string, string>, path = samplePath(route)) =>
    app.call(route.method, path + sampleQuery(route), { token: null, headers, ...sampleBody(route) });
  const invalid = (what: string) => JSON.stringify({ errMsg: `invalid input${what}` });

  it('answers 401 without a live session of the brand, and to every key', async () => {
    const before = await app.countRows();
    const other = await app.sql<{ id: string }>(
      'select player_id as id from marketing_states where brand_id = 2 limit 1',
    );
    if (!other[0]) await app.call('PUT', '/internal/players/stranger', { token: otherBrandKey, body: {} });
    const stranger = await app.openSession(other[0]?.id ?? 'stranger', otherBrandKey);
    const wrong = {
      ...refused,
      'a key of the brand with every scope': { 'x-auth-token': demoKey },
      'the session in another header': { authorization: `Bearer ${playerToken}` },
      'a session of another brand': { 'x-auth-token': stranger.auth_token },
    };
    for (const [what, headers] of Object.entries(wrong)) {
      const answer = await call(headers);
      expect([what, answer.status, answer.text]).toEqual([what, 401, invalid(' - invalid token')]);
      expect(answer.headers['www-authenticate']).toBe('x-auth-token');
    }
    expect({ ...(await app.countRows()), sessions: 0, marketing_states: 0, players: 0 }).toEqual({
      ...before,
      ...{ sessions: 0, marketing_states: 0, players: 0 },
    });
  });

  it('looks at the version first, then at the brand, then at the session', async () => {
    for (const version of ['1.0', 'v1', '1']) {
      const { status, text } = await call({}, samplePath(route).replace('/1.0', `/${version}`));
      expect([version, status, text]).toEqual([version, 401, invalid(' - invalid token')]);
    }
    const versionless = samplePath(route).replace('/1.0', '/2.0');
    for (const path of [versionless, versionless.replace(/\/1(?=\/|$)/, '/x')]) {
      const { status, text } = await call({}, path);
      expect([path, status, text]).toEqual([path, 400, invalid('')]);
    }
    for (const brand of ['0', '-1', '1.5', 'x', '99', '99999999999']) {
      if (!route.path.includes('{brand_id}')) continue;
      const path = route.path.replace('{version}', '1.0').replace('{brand_id}', brand);
      const { status, text } = await call({}, path.replaceAll(/\{\w+\}/g, '1'));
      expect([brand, status, text]).toEqual([brand, 400, invalid(' - invalid brand id')]);
    }
  });
});

const openRoutes = documentedRoutes.filter(({ name }) => publicRoutes.includes(name));

describe.each(openRoutes.map((route) => [route.name, route] as const))('%s', (name, route) => {
  const call = (headers: Record<string, string>) =>
    app.call(route.method, samplePath(route) + sampleQuery(route), {
      token: null,
      headers,
      ...sampleBody(route),
    });
  const closed = [401, 403, 500, 503];

  if (checksCredential(route)) {
    it('is open without a credential, and to any that is right', async () => {
      const [client] = clientsByScope.values();
      for (const headers of [{}, { 'x-auth-token': client?.key ?? '' }, { 'x-auth-token': playerToken }])
        expect(closed).not.toContain((await call(headers as Record<string, string>)).status);
    });

    it('answers 401 to a credential that is wrong', async () => {
      const before = await app.countRows();
      const { 'no credential': _none, ...wrong } = refused;
      for (const [what, headers] of Object.entries(wrong)) {
        const answer = await call(headers);
        const expected = expectedError(route, 401, errorText.unauthorized);
        expect([what, answer.status, answer.text]).toEqual([what, 401, expected]);
        expect(answer.headers['www-authenticate']).toBe('Bearer, Basic realm="player-consent"');
      }
      const two = await call({ 'x-auth-token': demoKey, 'x-api-key': otherBrandKey });
      expect([two.status, two.text]).toEqual([401, expectedError(route, 401, errorText.twoCredentials)]);
      expect(await app.countRows()).toEqual(before);
    });
  } else {
    it('is open, whatever credential comes with it', async () => {
      const path = samplePath(route, { policy: ids.policy });
      const statuses = [];
      for (const headers of Object.values(refused).filter((each) => !each.authorization))
        statuses.push(
          (await app.call(route.method, path, { token: null, headers, ...sampleBody(route) })).status,
        );
      expect(new Set(statuses).size).toBe(1);
      if (name === tokenInBody) expect(statuses[0]).toBe(401);
      else expect([...closed, 404]).not.toContain(statuses[0]);
    });
  }
});
