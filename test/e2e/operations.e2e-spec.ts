import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/config/config.js';
import { HealthService } from '../../src/health/health.service.js';
import { startOpsServer } from '../../src/ops-server.js';
import { change, newPlayerId, printed } from '../support/consents.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { documentedRoutes } from '../support/api-document.js';
import { crmError, errorText, oauthError, problem, runError } from '../support/errors.js';
import { HttpClient } from '../support/http.js';
import {
  bodyRoutes,
  isCrmPath,
  isGatewayPath,
  longBodies,
  sampleBody,
  samplePath,
  sampleQuery,
  sessionRoutes,
  streamedRoutes,
  unknownPolicyId,
} from '../support/routes.js';
import { type Answer, createTestApp, demoKey, type TestApp } from '../support/test-app.js';
import { createDatabase, type TestDatabase } from '../support/test-database.js';

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

const expectBody = (answer: Answer, status: number, body: string) => {
  expect(answer.text).toBe(body);
  expect(answer.status).toBe(status);
};
async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
const elapsed = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
  const start = Date.now();
  return [await work(), Date.now() - start];
};

describe('every answer', () => {
  it('carries the caller’s request id if it has the right form, else a new one', async () => {
    for (const id of ['abcdefgh', 'A-1-b-2-C-3', 'x'.repeat(64)]) {
      const answer = await app.call('GET', '/userconsents/1001', { headers: { 'x-request-id': id } });
      expect(answer.headers['x-request-id']).toBe(id);
    }
    for (const id of ['short', 'x'.repeat(65), 'with space', 'semi;colon', 'ünïcödé-id', '']) {
      const answer = await app.call('GET', '/userconsents/1001', {
        headers: { 'x-request-id': Buffer.from(id).toString('latin1') },
      });
      expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    }
    const headers = { 'x-request-id': 'trace-0001' };
    const answers = [
      await app.call('GET', '/userconsents/nobody', { headers }),
      await app.call('GET', '/nowhere', { headers, offDocument: true }),
      await app.call('POST', '/userconsents/1001', { headers, body: '{' }),
      await app.call('GET', '/health/live', { headers, token: null }),
      await app.call('GET', '/docs', { headers, token: null, offDocument: true }),
      await app.call('GET', '/userconsents/1001', { headers, token: null }),
    ];
    for (const answer of answers) expect(answer.headers['x-request-id']).toBe('trace-0001');
    const two = await Promise.all([app.call('GET', '/health/live'), app.call('GET', '/health/live')]);
    expect(two[0].headers['x-request-id']).not.toBe(two[1].headers['x-request-id']);
  });

  it('carries the security headers, and no CORS', async () => {
    const headers = { origin: 'https://demo.example', 'access-control-request-method': 'POST' };
    const answers = [
      await app.call('GET', '/userconsents/1001', { headers }),
      await app.call('GET', '/nowhere', { headers, offDocument: true }),
      await app.call('OPTIONS', '/userconsents/1001', { headers, offDocument: true }),
      await app.call('OPTIONS', '/api/clients', { headers, offDocument: true }),
    ];
    for (const answer of answers) {
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(answer.headers['x-frame-options']).toBe('SAMEORIGIN');
      expect(answer.headers['content-security-policy']).toBe("default-src 'none';frame-ancestors 'none'");
      expect(answer.headers['referrer-policy']).toBe('no-referrer');
      expect(answer.headers).not.toHaveProperty('x-powered-by');
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
    expect(answers.slice(1).map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it('to an unknown path or method is 404 in the family’s dialect, with or without a credential', async () => {
    const cases: [string, string, string][] = [
      ['GET', '/userconsents', crmError(404, errorText.notFound)],
      ['DELETE', '/userconsents/1001', crmError(404, errorText.notFound)],
      ['PUT', '/userconsents/1001/history', crmError(404, errorText.notFound)],
      ['POST', '/userblocks/1001', crmError(404, errorText.notFound)],
      ['GET', '/oauth/authorize', oauthError(404, 'invalid_request')],
      ['GET', '/', problem(404, errorText.notFound, '/')],
      ['GET', '/api', problem(404, errorText.notFound, '/api')],
      ['DELETE', '/internal/players/1001', problem(404, errorText.notFound, '/internal/players/1001')],
      ['GET', '/nowhere?secret=1', problem(404, errorText.notFound, '/nowhere')],
    ];
    for (const [method, path, body] of cases) {
      for (const token of [demoKey, null, 'wrong'])
        expectBody(await app.call(method, path, { token, offDocument: true }), 404, body);
    }
  });
});

describe('every route', () => {
  it.each(documentedRoutes.map((route) => [route.name, route] as const))(
    '%s ignores a trailing slash',
    async (_name, route) => {
      const path = samplePath(route);
      const statuses = [];
      for (const sent of [path, `${path}/`]) {
        const { status } = await app.call(route.method, sent + sampleQuery(route), sampleBody(route));
        statuses.push(status);
      }
      expect(statuses[1]).toBe(statuses[0]);
      expect(documentedRoutes.every(({ path: each }) => !each.endsWith('/'))).toBe(true);
    },
  );

  const limited = bodyRoutes.filter(({ path }) => !streamedRoutes.includes(path));
  it.each(limited.map((route) => [route.name, route] as const))(
    '%s takes 100 kB, or as much as it says, and no more',
    async (_name, route) => {
      const before = await app.countRows();
      const bodyOf = (bytes: number) => `{${' '.repeat(bytes - 2)}}`;
      const path = samplePath(route);
      const isPublic = route.operation.security === undefined;
      const most = longBodies[route.name] ?? 100_000;
      const within = await app.call(route.method, path, { body: bodyOf(most), offDocument: true });
      expect(within.status).not.toBe(413);
      const answer = await app.call(route.method, path, {
        body: bodyOf(most + 1),
        offDocument: (isPublic || isGatewayPath(path)) && route.operation.responses[413] === undefined,
      });
      const text = errorText.bodyTooLarge;
      if (isGatewayPath(path)) expectBody(answer, 413, '{"errMsg":"invalid input"}');
      else if (isPublic) expectBody(answer, 413, oauthError(413, 'invalid_request'));
      else expectBody(answer, 413, isCrmPath(path) ? crmError(413, text) : problem(413, text, path));
      expect(await app.countRows()).toEqual({ ...before });
    },
  );
});

describe('health and metrics', () => {
  it('says that it lives and is ready', async () => {
    expectBody(await app.call('GET', '/health/live', { token: null }), 200, '{"status":"ok"}');
    const ready = await app.call('GET', '/health/ready', { token: null });
    expectBody(
      ready,
      200,
      '{"status":"ok","checks":{"database":"ok","migrations":"ok","outbox_oldest_seconds":"0","crm":"ok"}}',
    );
    expect(ready.headers['cache-control']).toBe('no-store');
  });

  it('counts requests by route and status, and names nobody', async () => {
    const player = newPlayerId();
    await app.call('GET', `/userconsents/${player}?at=2026-01-01T00:00:00Z`);
    const answer = await app.call('GET', '/metrics');
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(answer.text).toMatch(
      /http_request_duration_seconds_count\{method="GET",route="\/userconsents\/:userid",status="404"\} \d+/,
    );
    for (const name of [
      'outbox_oldest_seconds\\{lane="crm"\\}',
      'outbox_depth\\{lane="webhooks"\\}',
      'database_connections',
      'database_queue_length',
      'process_cpu_seconds_total',
    ]) {
      expect(answer.text).toMatch(new RegExp(`^${name} \\d`, 'm'));
    }
    expect(answer.text).not.toContain(player);
    expect(answer.text).not.toContain('2026-01-01');
  });

  it('shows how long a message has waited', async () => {
    await app.sql('update brands set crm_enabled = true where id = 1');
    await app.sql(
      `insert into outbox (brand_id, player_id, kind, seq, created_at) values (1, '1001', 1, 1, now() - interval '90 seconds')`,
    );
    const { checks } = (await app.call('GET', '/health/ready')).as<{ checks: Record<string, string> }>();
    expect(Number(checks.outbox_oldest_seconds)).toBeGreaterThanOrEqual(89);
    // A CRM that is away makes nothing better by making the service unready.
    expect(checks.crm).toMatch(/^late: the oldest event has waited (89|9\d) s$/);
    const { text } = await app.call('GET', '/metrics');
    expect(text).toMatch(/^outbox_oldest_seconds\{lane="crm"\} (89|9\d)/m);
    expect(text).toMatch(/^outbox_depth\{lane="crm"\} 1$/m);
    await app.sql('update brands set crm_enabled = false where id = 1');
    expect((await app.call('GET', '/health/ready')).json).toMatchObject({ checks: { crm: 'ok' } });
    await app.sql('delete from outbox');
  });

  it('can be served on a port of its own, without a credential', async () => {
    const port = await findFreePort();
    const config = readConfig({
      NODE_ENV: 'test',
      DATABASE_URL: app.database.serviceUrl,
      OPS_PORT: String(port),
    });
    const stop = await startOpsServer(app.nest, config);
    const client = new HttpClient('127.0.0.1', port);
    const get = async (path: string) => {
      const { status, text } = await client.send({ method: 'GET', path, headers: {} });
      return [status, text] as const;
    };
    expect(await get('/health/live')).toEqual([200, '{"status":"ok"}']);
    expect((await get('/health/ready'))[0]).toBe(200);
    expect((await get('/metrics'))[1]).toContain('process_cpu_seconds_total');
    expect((await get('/userconsents/1001'))[0]).toBe(404);
    client.close();
    await stop();
  });

  it('is not ready on a schema that is older than the release', async () => {
    const database = await createDatabase();
    const old = await createTestApp({ database });
    await old.sql('delete from migrations where id = (select max(id) from migrations)');
    expectBody(
      await old.call('GET', '/health/ready'),
      503,
      '{"status":"unavailable","checks":{"database":"ok","migrations":"the schema is older than this release"}}',
    );
    await old.close();
    await database.drop();
  });

  it('is not ready once it is stopping, and asks callers to go elsewhere', async () => {
    const stopping = await createTestApp();
    stopping.nest.get(HealthService).stop();
    expectBody(
      await stopping.call('GET', '/health/ready'),
      503,
      '{"status":"unavailable","checks":{"service":"stopping"}}',
    );
    const answer = await stopping.call('GET', '/userconsents/1003');
    expectBody(answer, 200, printed({ sms: ['lottery'] }));
    expect(answer.headers.connection).toBe('close');
    await stopping.close();
  });
});

describe('the reference page', () => {
  it('is served without any other host', async () => {
    for (const path of ['/docs', '/docs/']) {
      const page = await app.call('GET', path, { token: 'run out long ago', offDocument: true });
      expect(page.status).toBe(200);
      expect(page.headers['content-type']).toMatch(/^text\/html/);
      expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; /);
      const sources = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '');
      expect(sources.length).toBeGreaterThan(3);
      for (const source of sources) {
        const { origin, pathname } = new URL(source, app.url + path);
        expect([origin, pathname]).toEqual([app.url, expect.stringMatching(/^\/docs\/[\w.-]+$/)]);
        const asset = await app.call('GET', pathname, { token: null, offDocument: true });
        expect([source, asset.status]).toEqual([source, 200]);
      }
    }
  });

  it('comes with the document', async () => {
    const answer = await app.call('GET', '/docs-json', { token: null, offDocument: true });
    const document = answer.as<{ openapi: string; paths: Record<string, unknown> }>();
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).sort()).toEqual(
      [...new Set(documentedRoutes.map(({ path }) => path))].sort(),
    );
  });
});

describe('PATH_PREFIX', () => {
  it('stands before every route', async () => {
    const prefixed = await createTestApp({ environment: { PATH_PREFIX: '/crm/fasttrack' } });
    expectBody(await prefixed.call('GET', '/userconsents/1003'), 200, printed({ sms: ['lottery'] }));
    expectBody(
      await prefixed.call('GET', '/userconsents/nobody/'),
      404,
      crmError(404, errorText.userNotFound),
    );
    expectBody(
      await prefixed.call('GET', '/api/brands/9'),
      404,
      problem(404, errorText.noSuchBrand, '/api/brands/9'),
    );
    expect((await prefixed.call('GET', '/health/live')).status).toBe(200);
    const document = (await prefixed.call('GET', '/docs-json', { offDocument: true })).as<{
      servers: unknown;
    }>();
    expect(document.servers).toEqual([{ url: '/crm/fasttrack' }]);
    expect((await prefixed.call('GET', '/docs', { offDocument: true })).status).toBe(200);
    const bare = await prefixed.http.send({
      method: 'GET',
      path: '/userconsents/1003',
      headers: { 'x-auth-token': demoKey },
    });
    expect(bare.status).toBe(404);
    await prefixed.close();
  });
});

describe('TRUST_PROXY', () => {
  const evidenceBehind = async (proxies: string, forwarded: string): Promise<string | undefined> => {
    const behind = await createTestApp({ database: app.database, environment: { TRUST_PROXY: proxies } });
    const player = newPlayerId();
    await behind.call('POST', `/userconsents/${player}`, {
      body: { consents: change('email', true) },
      headers: { 'x-forwarded-for': forwarded },
    });
    const history = await behind.call('GET', `/userconsents/${player}/history`);
    await behind.close();
    return history.as<{ events: { evidence: { ip?: string } }[] }>().events[0]?.evidence.ip;
  };

  it('says how many forwarding headers are believed', async () => {
    expect(await evidenceBehind('0', '203.0.113.7')).toBe('127.0.0.1');
    expect(await evidenceBehind('1', '198.51.100.1, 203.0.113.7')).toBe('203.0.113.7');
    expect(await evidenceBehind('2', '198.51.100.1, 203.0.113.7, 203.0.113.8')).toBe('203.0.113.7');
    expect(await evidenceBehind('1', '2001:db8::7')).toBe('2001:db8::7');
    expect(await evidenceBehind('1', 'no address at all')).toBeUndefined();
  });
});

/** They answer, or fail in ways of their own; links are made from what is remembered of the brand. */
const withoutDatabase = [
  '/health/live',
  '/oauth/token',
  '/userconsents/import',
  '/userconsents/withdraw',
  '/unsubscribe-links',
];

describe('a database that is away', () => {
  let database: TestDatabase;
  let proxy: DatabaseProxy;
  let lonely: TestApp;

  beforeAll(async () => {
    database = await createDatabase();
    proxy = await DatabaseProxy.start(database.serviceUrl);
    lonely = await createTestApp({ database, databaseUrl: proxy.url });
  });
  afterAll(async () => {
    await lonely?.close();
    await proxy?.stop();
    await database?.drop();
  });

  const recovers = async () => {
    const start = Date.now();
    while ((await lonely.call('GET', '/health/ready')).status !== 200 && Date.now() - start < 6_000) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(Date.now() - start).toBeLessThan(5_000);
    expectBody(await lonely.call('GET', '/userconsents/1003'), 200, printed({ sms: ['lottery'] }));
  };

  it('is 503 with Retry-After in the family’s dialect, on every route that needs it', async () => {
    expect((await lonely.call('GET', '/userconsents/1003')).status).toBe(200);
    proxy.cut();
    for (const route of documentedRoutes) {
      const path = samplePath(route);
      const needsNone =
        withoutDatabase.includes(path) ||
        // Its words are the service's own, or a brand's that is remembered.
        path.startsWith('/gateway/site-management/');
      const isOfPlayers = sessionRoutes.includes(route);
      const token = isOfPlayers ? randomUUID() : path === '/metrics' ? 'not remembered' : demoKey;
      const answer = await lonely.call(route.method, path + sampleQuery(route), {
        token,
        ...unavailableBody(route.name),
      });
      if (needsNone) continue;
      if (path === '/health/ready') {
        expectBody(answer, 503, '{"status":"unavailable","checks":{"database":"unreachable"}}');
        continue;
      }
      // A run says so in its document.
      if (path.startsWith('/reconciliation') && route.method === 'POST') {
        expectBody(answer, 200, runError('unavailable'));
        continue;
      }
      const text = errorText.unavailable;
      expect([route.name, answer.status]).toEqual([route.name, 503]);
      const unavailable = isCrmPath(path) ? crmError(503, text) : problem(503, text, path);
      expect(answer.text).toBe(isGatewayPath(path) ? '{"result":"service unavailable"}' : unavailable);
      expect(answer.headers['retry-after']).toBe('2');
    }
    const grant = { grant_type: 'client_credentials', client_id: 'demo', client_secret: 'not remembered' };
    const token = await lonely.call('POST', '/oauth/token', { token: null, body: grant });
    expectBody(token, 503, oauthError(503, 'temporarily_unavailable'));
    expect(token.headers['retry-after']).toBe('2');
    expectBody(await lonely.call('GET', '/health/live'), 200, '{"status":"ok"}');
    proxy.restore();
    await recovers();
  });

  it('and does not say so keeps no instance from ending in time', async () => {
    const busy = await createTestApp({ database, databaseUrl: proxy.url, deliveries: true });
    const crm = { enabled: true, baseUrl: 'http://127.0.0.1:9' };
    await busy.call('PATCH', '/api/brands/1', { body: { crm } });
    await new Promise((resolve) => setTimeout(resolve, 700));
    proxy.hold();
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const startedAt = Date.now();
    await busy.close();
    // Statements under way end by their own limit of 20 s; main.ts gives up after 30.
    expect(Date.now() - startedAt).toBeLessThan(28_000);
    proxy.restore();
    await recovers();
    await lonely.call('PATCH', '/api/brands/1', { body: { crm: { enabled: false } } });
  }, 60_000);

  it('in the midst of requests fails each of them as unavailable, or not at all', async () => {
    const requests = [
      () => lonely.call('GET', '/userconsents/1003'),
      () =>
        lonely.call('POST', '/userconsents/1004', {
          body: { consents: change('email', Math.random() < 0.5) },
        }),
      () => lonely.call('GET', '/api/clients'),
      () => lonely.call('PATCH', '/api/brands/1', { body: { origin: 'demo.example' } }),
      () => lonely.call('PUT', '/internal/players/1004', { body: { language: 'en' } }),
      () => lonely.call('GET', '/userconsents/1001/history'),
    ];
    for (let round = 0; round < 12; round++) {
      const answers = Promise.all([...requests, ...requests, ...requests, ...requests].map((send) => send()));
      await new Promise((resolve) => setTimeout(resolve, round));
      proxy.cut();
      const statuses = new Set((await answers).map(({ status }) => status));
      expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
      proxy.restore();
    }
    await recovers();
  });

  it('is noticed within three seconds when it says nothing at all', async () => {
    proxy.hold();
    const [ready, took] = await elapsed(() => lonely.call('GET', '/health/ready'));
    expect(ready.status).toBe(503);
    expect(took).toBeLessThan(3_000);
    expect((await lonely.call('GET', '/health/live')).status).toBe(200);
    proxy.restore();
    await recovers();
  });

  it('that is read-only refuses changes as unavailable, and leaves no half of one', async () => {
    const readOnly = async (value: 'on' | 'off') => {
      await lonely.sql(`alter database ${database.name} set default_transaction_read_only = ${value}`);
      await lonely.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`,
        [database.name],
      );
    };
    const player = newPlayerId();
    await readOnly('on');
    const body = { consents: [change('email', true), change('sms', true)] };
    const start = Date.now();
    let answer = await lonely.call('POST', `/userconsents/${player}`, { body });
    // A connection that was just ended may be noticed at its next use only.
    while (answer.status === 503 && Date.now() - start < 300)
      answer = await lonely.call('POST', `/userconsents/${player}`, { body });
    expectBody(answer, 503, crmError(503, errorText.unavailable));
    expectBody(await lonely.call('GET', '/userconsents/1003'), 200, printed({ sms: ['lottery'] }));
    await readOnly('off');
    await recovers();
    expectBody(
      await lonely.call('GET', `/userconsents/${player}`),
      404,
      crmError(404, errorText.userNotFound),
    );
    expectBody(
      await lonely.call('POST', `/userconsents/${player}`, { body }),
      200,
      printed({ email: true, sms: true }),
    );
  });
});

/** Valid bodies, so that nothing but the database can be at fault. */
function unavailableBody(name: string): { body?: unknown; headers?: Record<string, string> } {
  if (name === 'POST /unsubscribe/{token}') {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return { body: 'List-Unsubscribe=One-Click', headers };
  }
  if (name.includes('/gateway/player-data/'))
    return { body: {}, headers: { '2fa-auth-token': randomUUID() } };
  const consent = { ConsentGiven: 'All', Reference: 'callback', ConsentType: 'Call' };
  const bodies: Record<string, unknown> = {
    'POST /oauth/token': {},
    'POST /userconsents/{userid}': { consents: change('email', true) },
    'POST /userconsents/import': '',
    'POST /unsubscribe-links': { links: [{ player_id: '1001', channel: 'email' }] },
    'POST /reconciliation': { field: 'consent_email' },
    'POST /reconciliation/products': { field: 'email' },
    'POST /reconciliation/compare': { users: [] },
    'POST /api/clients': { name: 'x', scopes: ['admin'] },
    'POST /internal/sessions': { player_id: '1001' },
    'PUT /internal/players/{id}/activity': { real_balance: 1 },
    'POST /internal/players/{id}/events': { events: [] },
    'POST /internal/game-sessions': { player_id: '1001', game_id: 'x' },
    'POST /gateway/login/{version}/{brand_id}/player': { user_name: 'player1001', password: 'Passw0rd1' },
    'POST /gateway/reg-step-one/{version}/{brand_id}': {},
    'POST /gateway/reg-step-two/{version}/{brand_id}': { auth_token: randomUUID() },
    'POST /gateway/admission/{version}/forgot/password/{brand_id}': { mail: 'player1001@example.com' },
    'PUT /gateway/admission/{version}/verify/password/{brand_id}': { new_password: 'Secr3t-words' },
    'POST /gateway/admission/{version}/verify/password/{brand_id}': { new_password: 'Secr3t-words' },
    'PUT /gateway/admission/{version}/player/{brand_id}/change/password': {
      old_password: 'Passw0rd1',
      new_password: 'Secr3t-words',
    },
    'PUT /internal/players/{id}': {},
    'PUT /internal/players/{id}/blocks': {},
    'PATCH /api/brands/{id}': {},
    'POST /api/integrations': { Name: 'x' },
    'POST /api/policies': { Name: 'x', Type: 'Cookie', DefaultLanguage: 'en' },
    'POST /api/policies/{id}/versions': {
      Version: '2.0',
      Texts: [{ Language: 'en', Format: 'html', Text: 'x' }],
    },
    'POST /api/universalconsent': consent,
    'POST /api/policyconsent': { PolicyId: unknownPolicyId, ConsentGiven: true, Language: 'en' },
    'POST /api/universalconsent/integration/{integrationId}': consent,
    'PATCH /api/universalconsent': {
      ClientId: 'AB'.repeat(32),
      Reference: 'callback',
      ConsentGiven: 'All',
    },
    'POST /api/universalconsent/subscribe': { WebhookUrl: 'http://127.0.0.1:9/' },
    'POST /gateway/player/multi/{version}/sign/tnc': {
      brand_id: 1,
      player_id: '1001',
      language: 'en',
      type: 'tnc',
    },
  };
  return name in bodies ? { body: bodies[name] } : {};
}
