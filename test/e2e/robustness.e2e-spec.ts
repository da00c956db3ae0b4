import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sha256 } from '../../src/common/secrets.js';
import type { DocumentedRoute } from '../support/api-document.js';
import { crmError, errorText, oauthError, problem } from '../support/errors.js';
import { HttpClient } from '../support/http.js';
import { gatewayError } from '../support/gateway.js';
import {
  bodyRoutes,
  guardedRoutes,
  isCrmPath,
  isGatewayPath,
  samplePath,
  sessionRoutes,
  streamedRoutes,
} from '../support/routes.js';
import { type Answer, createTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;
let rows: Record<string, number>;
let playerToken: string;
/** Of a log-in that waits for its code. */
const codeToken = randomUUID();

beforeAll(async () => {
  app = await createTestApp();
  playerToken = (await app.openSession('1001')).auth_token;
  await app.sql(
    `insert into login_challenges (brand_id, player_id, token_hash, password_digest, expires_at)
     values (1, '1001', $1, '', now() + interval '1 hour')`,
    [sha256(codeToken)],
  );
  rows = await app.countRows();
});
afterAll(() => app?.close());

/** These read a stream of their own; see their own tests. */
const jsonRoutes = bodyRoutes.filter(({ path }) => !streamedRoutes.includes(path));
const named = (routes: DocumentedRoute[]) => routes.map((route) => [route.name, route] as const);

const malformedRegistration = JSON.stringify({
  message: '',
  result: 'malformed_request',
  auth_token: 'null',
  authToken: 'null',
});

/** Forms are told by the path, whatever the method. */
const takesForms = ({ path }: DocumentedRoute) =>
  path === '/oauth/token' || path.endsWith('/verify/password/{brand_id}');

function expectedError(
  route: DocumentedRoute,
  status: number,
  text: string,
  path = samplePath(route),
): string {
  if (path.startsWith('/oauth')) return oauthError(status, 'invalid_request');
  if (path.startsWith('/gateway/reg-step-two/') && status === 400) return malformedRegistration;
  if (path.includes('/verify/password/') && status === 400) return gatewayError.failure;
  if (isGatewayPath(path)) return gatewayError.input;
  return isCrmPath(path) ? crmError(status, text) : problem(status, text, path);
}

/** A client error in the route's dialect (`call` sees to that), and nothing written. */
async function expectRefused(answer: Answer, ...statuses: number[]): Promise<void> {
  expect(statuses).toContain(answer.status);
  expect(await app.countRows()).toEqual(rows);
}

const deep = (depth: number, open: string, close: string) => `${open.repeat(depth)}1${close.repeat(depth)}`;

describe.each(named(jsonRoutes))('%s', (_name, route) => {
  const send = (body: string | Buffer, headers: Record<string, string> = {}) =>
    app.call(route.method, samplePath(route), {
      body,
      headers: { '2fa-auth-token': codeToken, ...headers },
      offDocument: true,
      ...(sessionRoutes.includes(route) && { token: playerToken }),
    });

  it('refuses what is not JSON', async () => {
    const bodies: [string | Buffer, string][] = [
      ['', errorText.malformedBody],
      ['{', errorText.malformedBody],
      ['{"a":}', errorText.malformedBody],
      ["{'a':1}", errorText.malformedBody],
      ['{"a":1}}', errorText.malformedBody],
      ['{"a', errorText.malformedBody],
      ['undefined', errorText.malformedBody],
      ['NaN', errorText.malformedBody],
      ['{"a":1}\u0000', errorText.malformedBody],
      [Buffer.of(0), errorText.malformedBody],
      [Buffer.of(0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00), errorText.notUtf8],
      [Buffer.concat([Buffer.from('{"a":"'), Buffer.of(0xc3), Buffer.from('"}')]), errorText.notUtf8],
      ['{"a":"\\u0000"}', errorText.holdsNul],
      ['{"a":"b\\\\\\u0000"}', errorText.holdsNul],
      ['{"\\u0000":1}', errorText.holdsNul],
      ['{"__proto__":{"admin":true}}', errorText.protoKey],
      ['{"a":{"\\u005f_proto__":{"admin":true}}}', errorText.protoKey],
      ['{"a":1,"a":1}', errorText.keyTwice('a')],
      ['{"b":[{"a":1},{"c":{},"a":1,"\\u0061":2}]}', errorText.keyTwice('a')],
      ['{"a":"\\ud800"}', errorText.halfPair],
      ['{"\\udc00\\ud800":1}', errorText.halfPair],
      [deep(33, '{"a":', '}'), errorText.tooDeep],
      [deep(7_000, '{"consents":', '}'), errorText.tooDeep],
      [deep(40_000, '[', ']'), errorText.tooDeep],
      ['['.repeat(90_000), errorText.tooDeep],
    ];
    for (const [body, text] of bodies) {
      const answer = await send(body);
      const sent = body.toString().slice(0, 60);
      expect([sent, answer.text]).toEqual([sent, expectedError(route, 400, text)]);
      await expectRefused(answer, 400);
    }
    await send('{"constructor":{"prototype":{"admin":true}}}');
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
  });

  it('reads JSON that only looks odd', async () => {
    for (const body of [
      '{"nothing":"\\\\u0000"}',
      '{"nothing":"a\\"a\\":a"}',
      ' {\n"nothing" : [1, {"a":1}, {"a":1}] }',
      deep(32, '{"nothing":', '}'),
    ]) {
      const { text } = await send(body);
      for (const malformed of [
        errorText.malformedBody,
        errorText.holdsNul,
        errorText.tooDeep,
        errorText.keyTwice('a'),
      ])
        expect(text).not.toContain(malformed);
    }
  });

  it('refuses JSON that is no object', async () => {
    for (const body of ['null', '5', '"x"', 'true', '[]', '[{}]', deep(32, '[', ']')]) {
      const answer = await send(body);
      // Where the brand stands in the body, that is what is missed first.
      const noBrand = route.path.endsWith('/sign/tnc') && gatewayError.brand;
      expect(answer.text).toBe(noBrand || expectedError(route, 400, errorText.notAnObject));
      await expectRefused(answer, 400);
    }
  });

  it('refuses another content type', async () => {
    for (const type of [
      'application/xml',
      'application/octet-stream',
      'multipart/form-data; boundary=x',
      'application/vnd.api+json',
      'x',
      'application/x-import-stream',
      'application/x-stream-stream',
      ...(takesForms(route) ? [] : ['application/x-www-form-urlencoded; charset=utf-8']),
    ]) {
      const answer = await send('{}', { 'content-type': type });
      expect([type, answer.text]).toEqual([type, expectedError(route, 415, errorText.unsupportedBody)]);
      await expectRefused(answer, 415);
    }
    await expectRefused(await send('{}', { 'content-type': 'text/plain' }), 400);
  });

  it('is not stalled by a body that is hard to read', async () => {
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 6_000 }, (_, n) => [`k${n}`, n])));
    const bodies = {
      wide,
      long: `{"name":"${'a'.repeat(90_000)}!"}`,
      number: `{"a":${'9'.repeat(90_000)}}`,
      objects: deep(16_000, '{"a":', '}'),
      lists: deep(40_000, '[', ']'),
      backslashes: `{"a":"${'\\\\'.repeat(45_000)}"}`,
      keys: `{${'"\\\\u0061":1,'.repeat(5_000)}"b":1}`,
      quotes: '{"a":"'.repeat(15_000),
    };
    for (const [name, body] of Object.entries(bodies)) {
      // The processor's time, not the clock's: others work on this machine as well.
      let spent = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 3 && spent > 200; round++) {
        const start = process.cpuUsage();
        expect((await send(body)).status).toBeLessThan(501);
        const { user, system } = process.cpuUsage(start);
        spent = (user + system) / 1000;
      }
      expect([name, spent < 200]).toEqual([name, true]);
    }
  });
});

describe('a change of consents', () => {
  const path = '/userconsents/robust';
  const post = (body: string | Buffer) => app.call('POST', path, { body });

  it('refuses odd texts where it takes texts', async () => {
    const item = (products: string) =>
      `{"consents":{"type":"email","opted_in":true,"products":[${products}]}}`;
    for (const product of ['"\\uffff"', `"${'x'.repeat(5_000)}"`, '"casino "', '"\u202ecasino"']) {
      const answer = await post(item(product));
      expect(answer.text).toContain('unknown product');
      await expectRefused(answer, 400);
    }
    const long = await post(item(`"${'x'.repeat(5_000)}"`));
    expect(long.text.length).toBeLessThan(300);
  });

  it('takes no list-like object for a list', async () => {
    for (const consents of [
      '{"0":{"type":"email","opted_in":true},"length":1}',
      '{"length":1e9}',
      '[[{"type":"email","opted_in":true}]]',
    ]) {
      await expectRefused(await post(`{"consents":${consents}}`), 400);
    }
  });
});

describe('a path', () => {
  it.each(named(guardedRoutes.filter(({ path }) => path.includes('{'))))(
    '%s with an odd id is refused or unknown',
    async (_name, route) => {
      const odd = [
        '%20',
        '..%2F..',
        '%2e',
        "'%20or%201=1--",
        '%F0%9F%92%A9',
        'x'.repeat(101),
        '-1',
        '1e3',
        'null',
        'undefined',
        '__proto__',
        'constructor',
      ];
      for (const id of odd) {
        const path = route.path.replace(/\{\w+\}/, id);
        const answer = await app.call(route.method, path, {
          offDocument: true,
          ...(jsonRoutes.includes(route) && { body: '{"nothing":1}' }),
        });
        await expectRefused(answer, 400, 404);
      }
    },
  );
});

describe('what cannot be routed', () => {
  const expectText = async (path: string, status: number, text: string) => {
    const answer = await app.call('GET', path, { offDocument: true });
    expect([path, answer.text]).toEqual([path, text]);
    await expectRefused(answer, status);
  };

  it('is refused in the dialect of its family', async () => {
    for (const path of ['/userconsents/%ff', '/userconsents/%', '/userblocks/%c3%28']) {
      await expectText(path, 400, crmError(400, errorText.unreadablePath));
    }
    await expectText('/oauth/%ff', 400, oauthError(400, 'invalid_request'));
    await expectText('/api/brands/%ff', 400, problem(400, errorText.unreadablePath, '/'));
  });

  it('is refused by its route where it is only too long', async () => {
    const long = 'x'.repeat(8_000);
    const badId = errorText.badPlayerId.replace(/^id/, 'userid');
    await expectText(`/userconsents/${long}`, 400, crmError(400, badId));
    await expectText(`/api/brands/${long}`, 404, problem(404, errorText.notFound, `/api/brands/${long}`));
  });

  it('is refused with the caller’s request id', async () => {
    const headers = { 'x-request-id': 'trace-0002' };
    const answer = await app.call('GET', '/userconsents/%ff', { headers });
    expect(answer.headers['x-request-id']).toBe('trace-0002');
  });

  it('is refused when it holds a NUL character', async () => {
    const paths = [
      '/userconsents/a%00b',
      '/userconsents/1001/decision?channel=email&product=%00',
      '/userconsents/1001/history?cursor=%00',
    ];
    for (const path of paths) await expectRefused(await app.call('GET', path), 400, 404);
    await expectRefused(await app.call('DELETE', '/api/clients/a%00b', { offDocument: true }), 400, 404);
  });

  it('is refused when it is no HTTP at all', async () => {
    const client = new HttpClient('127.0.0.1', Number(new URL(app.url).port));
    const answer = await client.send({ method: 'GET', path: '/userconsents/\u00fc', headers: {} });
    client.close();
    expect([answer.status, answer.text]).toEqual([400, problem(400, errorText.unreadableRequest, '/')]);
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});
