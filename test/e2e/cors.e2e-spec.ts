import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BrandHosts } from '../../src/brands/brand-hosts.js';
import { documentedRoutes } from '../support/api-document.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { errorText, problem } from '../support/errors.js';
import { ElsewhereRoutes, GatewayRoutes, PageRoutes } from '../support/page-routes.js';
import { publicRoutes, samplePath } from '../support/routes.js';
import { type Answer, createTestApp, type TestApp } from '../support/test-app.js';

const controllers = [PageRoutes, GatewayRoutes, ElsewhereRoutes];
const origin = 'https://demo.example';

let app: TestApp;
let prefixed: TestApp;
let proxy: DatabaseProxy;

beforeAll(async () => {
  app = await createTestApp({ controllers });
  proxy = await DatabaseProxy.start(app.database.serviceUrl);
  prefixed = await createTestApp({
    controllers,
    database: app.database,
    databaseUrl: proxy.url,
    environment: { PATH_PREFIX: '/consent' },
  });
  await app.call('PATCH', '/api/brands/1', { body: { hosts: ['demo.example', 'shop.example:8443'] } });
});
afterAll(async () => {
  await prefixed?.close();
  await app?.close();
  await proxy?.stop();
});

const call = (method: string, path: string, headers: Record<string, string>, at = app, body?: unknown) =>
  at.call(method, path, { token: null, headers, body, offDocument: true });
const preflight = (path: string, method: string, from = origin, at = app) => {
  const asked = { 'access-control-request-method': method, 'access-control-request-headers': 'x-auth-token' };
  return call('OPTIONS', path, { origin: from, ...asked }, at);
};

/** All that an answer says of CORS. */
const corsOf = ({ headers }: Answer) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith('access-control') || name === 'vary'),
  );
const answered = {
  'access-control-allow-origin': origin,
  'access-control-expose-headers': 'Link, ETag, Content-Language, Retry-After, x-request-id',
  vary: 'Origin',
};
const expectPreflight = (answer: Answer, methods: string) => {
  expect([answer.status, answer.text]).toEqual([204, '']);
  expect(corsOf(answer)).toEqual({
    ...answered,
    'access-control-allow-headers': 'content-type, x-auth-token, 2fa-auth-token, idempotency-key',
    'access-control-allow-methods': methods,
    'access-control-max-age': '600',
  });
  expect(answer.headers['x-request-id']).toBeDefined();
};
const expectRefused = (answer: Answer, path: string, cors: object) => {
  expect([answer.status, answer.text]).toEqual([404, problem(404, errorText.notFound, path)]);
  expect(corsOf(answer)).toEqual(cors);
};

describe('an open route', () => {
  it('answers preflights for its open methods and no others', async () => {
    expectPreflight(await preflight('/api/pages', 'PATCH'), 'PATCH');
    expectPreflight(await preflight('/api/pages/', 'PATCH'), 'PATCH');
    expectPreflight(await preflight('/api/pages/7?a=b', 'GET'), 'GET, HEAD, PUT');
    expectPreflight(await preflight('/api/pages/7', 'PUT'), 'GET, HEAD, PUT');
    for (const method of ['POST', 'DELETE', 'OPTIONS', 'patch', ''])
      expectRefused(await preflight('/api/pages', method), '/api/pages', { vary: 'Origin' });
  });

  it('lets pages of the brand read its answers', async () => {
    const answer = await call('GET', '/api/pages/7', { origin });
    expect([answer.status, answer.text]).toEqual([200, '{"id":"7"}']);
    expect(corsOf(answer)).toEqual(answered);
    const from = 'http://shop.example:8443';
    expect(corsOf(await call('HEAD', '/api/pages/7', { origin: from }))).toEqual({
      ...answered,
      'access-control-allow-origin': from,
    });
  });

  it('keeps what other decorators say of it', async () => {
    const { text } = await call('PUT', '/api/pages/7', { origin });
    expect(text).toBe('{"above":true,"isPublic":true,"below":true}');
  });

  it('lets them read what is wrong', async () => {
    const json = { origin, 'content-type': 'application/json' };
    const answers = [
      await call('GET', '/api/pages/none', { origin }),
      await call('GET', '/api/pages/busy', { origin }),
      await call('PATCH', '/api/pages', json, app, '{'),
      await call('PATCH', '/api/pages', json, app, `{"a":"${'x'.repeat(100_001)}"}`),
      await call('PATCH', '/api/pages', { origin, 'content-type': 'application/xml' }, app, 'x'),
      await call(
        'PATCH',
        '/api/pages',
        { origin, 'content-type': 'application/x-www-form-urlencoded' },
        app,
        'x',
      ),
      await call('GET', '/gateway/pages', { origin }),
      await call('GET', '/gateway/nowhere', { origin }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 429, 400, 413, 415, 415, 401, 404]);
    for (const answer of answers) expect(corsOf(answer)).toEqual(answered);
  });

  it.each([
    'https://unknown.example',
    'https://sub.demo.example',
    'https://demo.example:8443',
    'https://shop.example',
    'https://demo.example.evil.example',
    'https://demo.example/',
    'https://DEMO.example',
    'https://demo.example, https://unknown.example',
    'demo.example',
    'ftp://demo.example',
    'null',
    '*',
    '',
  ])('answers %p as if there were no CORS', async (from) => {
    const answer = await call('GET', '/api/pages/7', { origin: from });
    expect([answer.status, answer.text]).toEqual([200, '{"id":"7"}']);
    expect(corsOf(answer)).toEqual({ vary: 'Origin' });
    expectRefused(await preflight('/api/pages', 'PATCH', from), '/api/pages', { vary: 'Origin' });
  });

  it('answers calls without an origin, and an OPTIONS that is no preflight', async () => {
    expect(corsOf(await call('GET', '/api/pages/7', {}))).toEqual({ vary: 'Origin' });
    for (const headers of [{}, { origin }] as Record<string, string>[])
      expectRefused(await call('OPTIONS', '/api/pages', headers), '/api/pages', { vary: 'Origin' });
  });

  it('follows a change of the hosts at once', async () => {
    const setHosts = (hosts: string[]) => app.call('PATCH', '/api/brands/1', { body: { hosts } });
    await setHosts(['shop.example:8443']);
    expect(corsOf(await call('GET', '/api/pages/7', { origin }))).toEqual({ vary: 'Origin' });
    await setHosts(['demo.example', 'shop.example:8443']);
    expect(corsOf(await call('GET', '/api/pages/7', { origin }))).toEqual(answered);
  });

  it('stands under the prefix where there is one', async () => {
    expectPreflight(await preflight('/api/pages', 'PATCH', origin, prefixed), 'PATCH');
    expectPreflight(await preflight('/gateway/pages', 'GET', origin, prefixed), 'GET, HEAD');
    expect(corsOf(await call('GET', '/api/pages/7', { origin }, prefixed))).toEqual(answered);
    expect(corsOf(await call('GET', '/gateway/nowhere', { origin }, prefixed))).toEqual(answered);
    expect(corsOf(await call('POST', '/api/pages', { origin }, prefixed))).toEqual({});
  });

  it('says that it is away when nobody can say whose page it is', async () => {
    prefixed.nest.get(BrandHosts).forget();
    proxy.cut();
    const answers = [
      await call('GET', '/api/pages/7', { origin }, prefixed),
      await preflight('/api/pages', 'PATCH', origin, prefixed),
    ];
    for (const { status, text } of answers)
      expect([status, text]).toEqual([503, expect.stringContaining(errorText.unavailable)]);
    proxy.restore();
    expect(corsOf(await call('GET', '/api/pages/7', { origin }, prefixed))).toEqual(answered);
  });
});

describe('everything under /gateway', () => {
  it('answers preflights, whoever may call', async () => {
    expectPreflight(await preflight('/gateway/pages', 'GET'), 'GET, HEAD');
  });
});

describe('a route that is not for pages', () => {
  it('says nothing of CORS', async () => {
    const answers = [
      await call('POST', '/api/pages', { origin }),
      await call('PUT', '/api/pages/7/closed', { origin }),
      await call('GET', '/elsewhere', { origin }),
      await call('GET', '/health/live', { origin }),
      await call('GET', '/docs', { origin }),
      await call('GET', '/docs-json', { origin }),
      await call('GET', '/userconsents/1001', { origin }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 200, 200, 200, 200, 401]);
    for (const answer of answers) expect(corsOf(answer)).toEqual({});
  });

  it('answers OPTIONS as an unknown route does', async () => {
    for (const path of [
      '/api/pages/7/closed',
      '/elsewhere',
      '/health/live',
      '/docs',
      '/nowhere',
      '/api/nowhere',
    ])
      expectRefused(await preflight(path, 'GET'), path, {});
  });
});

describe('every documented route', () => {
  it.each(documentedRoutes.map((route) => [route.name, route] as const))(
    '%s answers preflights if pages may call it, and else does not',
    async (name, route) => {
      const isForPages =
        route.path.startsWith('/gateway/') || (route.path.startsWith('/api/') && publicRoutes.includes(name));
      const answer = await preflight(samplePath(route), route.method);
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual(
        isForPages ? [204, origin] : [404, undefined],
      );
    },
  );
});
