import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { sha256 } from '../../src/common/secrets.js';
import { change, newPlayerId, printed } from '../support/consents.js';
import { crmError, errorText, oauthError } from '../support/errors.js';
import {
  type Answer,
  type CallOptions,
  createTestApp,
  demoKey,
  otherBrandKey,
  type ServiceKey,
  type TestApp,
} from '../support/test-app.js';

interface Token {
  access_token: string;
  expires_in: number;
  token_type: string;
}

let app: TestApp;
let client: ServiceKey;

beforeAll(async () => {
  app = await createTestApp();
  client = await app.createClient(['consents:read']);
});
afterAll(() => app?.close());

const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
const readWith = (headers: Record<string, string | string[]>) =>
  app.call('GET', '/userconsents/1003', { token: null, headers });
const expectBody = (answer: Answer, status: number, body: string) => {
  expect(answer.text).toBe(body);
  expect(answer.status).toBe(status);
};
const unauthorized = crmError(401, errorText.unauthorized);
const consents = printed({ sms: ['lottery'] });

describe('a service client', () => {
  it('may present its key in any of four ways', async () => {
    const ways: Record<string, string>[] = [
      { 'x-auth-token': client.key },
      { 'X-Api-Key': client.key },
      { authorization: `Bearer ${client.key}` },
      { authorization: `bearer  ${client.key}` },
      { authorization: basic(client.id, client.key) },
      { authorization: basic(client.id, client.key).replace('Basic', 'BASIC') },
    ];
    for (const headers of ways) expectBody(await readWith(headers), 200, consents);
  });

  it('may present the same key twice, but no two different credentials', async () => {
    expectBody(await readWith({ 'x-auth-token': client.key, 'x-api-key': client.key }), 200, consents);
    const all = { 'x-auth-token': client.key, authorization: basic(client.id, client.key) };
    expectBody(await readWith(all), 200, consents);
    const different = crmError(401, errorText.twoCredentials);
    expectBody(await readWith({ 'x-auth-token': client.key, 'x-api-key': demoKey }), 401, different);
    expectBody(await readWith({ 'x-api-key': client.key, authorization: 'Bearer other' }), 401, different);
    const session = await app.openSession('1001');
    expectBody(await readWith({ 'x-auth-token': session.auth_token, 'x-api-key': demoKey }), 401, different);
    expectBody(await readWith({ 'x-auth-token': [demoKey, 'other'] }), 401, unauthorized);
    const wrongId = { 'x-auth-token': client.key, authorization: basic('demo', client.key) };
    expectBody(await readWith(wrongId), 401, unauthorized);
  });

  it('is refused when its credential cannot be read', async () => {
    for (const authorization of [
      '',
      'Bearer',
      'Basic',
      'Basic !!!',
      basic('', client.key),
      `Basic ${client.key}`,
    ]) {
      expectBody(await readWith({ authorization }), 401, unauthorized);
    }
    for (const authorization of [`Digest ${client.key}`, `${client.key} x`]) {
      expectBody(await readWith({ authorization }), 401, crmError(401, errorText.otherScheme));
    }
    for (const key of [
      client.key.slice(0, -1),
      `${client.key}x`,
      client.key.toUpperCase(),
      client.id,
      'x'.repeat(4000),
    ]) {
      expectBody(await readWith({ 'x-auth-token': key }), 401, unauthorized);
    }
  });

  it('is bound to its brand', async () => {
    expectBody(await readWith({ 'x-auth-token': otherBrandKey }), 404, crmError(404, errorText.userNotFound));
    expectBody(
      await readWith({ authorization: basic('demo2', otherBrandKey) }),
      404,
      crmError(404, errorText.userNotFound),
    );
    expectBody(await readWith({ authorization: basic('demo', otherBrandKey) }), 401, unauthorized);
  });

  it('is refused at once when it is revoked, by key and by token', async () => {
    const gone = await app.createClient(['consents:read']);
    const body = { grant_type: 'client_credentials', client_id: gone.id, client_secret: gone.key };
    const token = (await app.call('POST', '/oauth/token', { token: null, body })).as<Token>().access_token;
    const ways: Record<string, string>[] = [
      { 'x-auth-token': gone.key },
      { authorization: `Bearer ${token}` },
    ];
    for (const headers of ways) expectBody(await readWith(headers), 200, consents);
    await app.call('DELETE', `/api/clients/${gone.id}`);
    for (const headers of ways) expectBody(await readWith(headers), 401, unauthorized);
    expectBody(
      await app.call('POST', '/oauth/token', { token: null, body }),
      401,
      oauthError(401, 'invalid_client'),
    );
  });

  it('is refused within five seconds when another instance revokes it', async () => {
    const other = await createTestApp({ database: app.database });
    const gone = await app.createClient(['consents:read']);
    const headers = { 'x-auth-token': gone.key };
    expectBody(await other.call('GET', '/userconsents/1003', { token: null, headers }), 200, consents);
    await app.call('DELETE', `/api/clients/${gone.id}`);
    const revokedAt = Date.now();
    let status = 200;
    while (status === 200 && Date.now() - revokedAt < 6_000) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      ({ status } = await other.call('GET', '/userconsents/1003', { token: null, headers }));
    }
    expect(status).toBe(401);
    expect(Date.now() - revokedAt).toBeLessThan(5_800);
    await other.close();
  });
});

describe('/oauth/token', () => {
  const grant = (options: CallOptions = {}) => app.call('POST', '/oauth/token', { token: null, ...options });
  const good = () => ({ grant_type: 'client_credentials', client_id: client.id, client_secret: client.key });
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  async function expectToken(answer: Answer): Promise<string> {
    const { access_token: token } = answer.as<Token>();
    expectBody(answer, 200, `{"access_token":"${token}","expires_in":7200,"token_type":"Bearer"}`);
    expect(answer.headers['cache-control']).toBe('no-store');
    expectBody(await readWith({ authorization: `Bearer ${token}` }), 200, consents);
    return token;
  }

  it('takes JSON, a form or a query, and gives a token for two hours', async () => {
    const query = new URLSearchParams(good()).toString();
    const tokens = [
      await expectToken(await grant({ body: good() })),
      await expectToken(await grant({ body: query, headers: form })),
      await expectToken(await app.call('GET', `/oauth/token?${query}`, { token: null })),
      await expectToken(await grant({ body: { ...good(), scope: 'everything', extra: 1 } })),
    ];
    expect(new Set(tokens).size).toBe(tokens.length);
    const [row] = await app.sql<{ seconds: number }>(
      'select extract(epoch from expires_at - now())::integer as seconds from access_tokens where token_hash = $1',
      [sha256(tokens[0] ?? '')],
    );
    expect(Math.abs((row?.seconds ?? 0) - 7200)).toBeLessThan(30);
  });

  it('takes the client by HTTP Basic as well', async () => {
    const headers = { authorization: basic(client.id, client.key) };
    await expectToken(await grant({ body: { grant_type: 'client_credentials' }, headers }));
    await expectToken(
      await grant({ body: 'grant_type=client_credentials', headers: { ...headers, ...form } }),
    );
    await expectToken(
      await app.call('GET', '/oauth/token?grant_type=client_credentials', { token: null, headers }),
    );
  });

  it('takes the demo client under its id', async () => {
    const body = { grant_type: 'client_credentials', client_id: 'demo', client_secret: demoKey };
    await expectToken(await grant({ body }));
  });

  it('gives a token that counts under every header, with the client’s scopes and brand', async () => {
    const token = await expectToken(await grant({ body: good() }));
    const ways: Record<string, string>[] = [
      { 'x-auth-token': token },
      { 'x-api-key': token },
      { authorization: basic(client.id, token) },
    ];
    for (const headers of ways) {
      expectBody(await readWith(headers), 200, consents);
    }
    const write = await app.call('POST', '/userconsents/1003', {
      token,
      body: { consents: change('sms', false) },
    });
    expectBody(write, 403, crmError(403, errorText.lacksScope('consents:write')));
  });

  it('words its errors as RFC 6749 does', async () => {
    const cases: [unknown, number, string][] = [
      [{ ...good(), client_secret: 'wrong' }, 401, 'invalid_client'],
      [{ ...good(), client_id: 'demo' }, 401, 'invalid_client'],
      [{ ...good(), client_id: 'nobody' }, 401, 'invalid_client'],
      [{ ...good(), grant_type: 'password' }, 400, 'unsupported_grant_type'],
      [{ ...good(), grant_type: undefined }, 400, 'invalid_request'],
      [{ ...good(), grant_type: 5 }, 400, 'invalid_request'],
      [{ ...good(), client_id: undefined }, 400, 'invalid_request'],
      [{ ...good(), client_secret: undefined }, 400, 'invalid_request'],
      [{ ...good(), client_secret: '' }, 400, 'invalid_request'],
      [{ ...good(), client_secret: ['a'] }, 400, 'invalid_request'],
      [{}, 400, 'invalid_request'],
      ['{"grant_type":', 400, 'invalid_request'],
      ['[]', 400, 'invalid_request'],
    ];
    const before = await app.countRows();
    for (const [body, status, code] of cases)
      expectBody(await grant({ body }), status, oauthError(status, code));
    expectBody(
      await app.call('GET', '/oauth/token', { token: null }),
      400,
      oauthError(400, 'invalid_request'),
    );
    const wrong = '/oauth/token?grant_type=client_credentials&client_id=demo&client_secret=wrong';
    expectBody(await app.call('GET', wrong, { token: null }), 401, oauthError(401, 'invalid_client'));
    expect(await app.countRows()).toEqual(before);
  });

  it('takes no access token and no session in place of the key', async () => {
    const token = await expectToken(await grant({ body: good() }));
    const { auth_token: session } = await app.openSession('1001');
    for (const secret of [token, session]) {
      expectBody(
        await grant({ body: { ...good(), client_secret: secret } }),
        401,
        oauthError(401, 'invalid_client'),
      );
    }
  });

  it('ignores x-auth-token', async () => {
    await expectToken(await grant({ body: good(), headers: { 'x-auth-token': 'run out long ago' } }));
  });

  it('gives tokens that end', async () => {
    const token = await expectToken(await grant({ body: good() }));
    const fresh = (await grant({ body: good() })).as<Token>().access_token;
    await app.sql(`update access_tokens set expires_at = now() + interval '1 second' where token_hash = $1`, [
      sha256(fresh),
    ]);
    expectBody(await readWith({ authorization: `Bearer ${fresh}` }), 200, consents);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expectBody(await readWith({ authorization: `Bearer ${fresh}` }), 401, unauthorized);
    expectBody(await readWith({ authorization: `Bearer ${token}` }), 200, consents);
  });
});

describe('a player’s session', () => {
  const useSession = (token: string) => readWith({ 'x-auth-token': token });

  it('is known, and may do nothing on the routes of services', async () => {
    const { auth_token: token } = await app.openSession('1001');
    const forbidden = crmError(403, errorText.forbidden);
    expectBody(await useSession(token), 403, forbidden);
    expectBody(await useSession(token.toUpperCase()), 403, forbidden);
    expectBody(await readWith({ authorization: `Bearer ${token}` }), 403, forbidden);
    expectBody(await app.call('GET', '/userconsents/1001', { token }), 403, forbidden);
  });

  it('ends when its time is over, and when it was idle too long', async () => {
    const { auth_token: token } = await app.openSession('1001', demoKey, 1);
    expect((await useSession(token)).status).toBe(403);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expectBody(await useSession(token), 401, unauthorized);

    const idle = await app.openSession('1001');
    await app.sql(`update sessions set seen_at = now() - make_interval(secs => idle_ttl - 5) where id = $1`, [
      idle.id,
    ]);
    expect((await useSession(idle.auth_token)).status).toBe(403);
    const [row] = await app.sql<{ idle: number }>(
      'select extract(epoch from now() - seen_at)::integer as idle from sessions where id = $1',
      [idle.id],
    );
    expect(row?.idle).toBe(0);
    await app.sql(`update sessions set seen_at = now() - make_interval(secs => idle_ttl + 1) where id = $1`, [
      idle.id,
    ]);
    expectBody(await useSession(idle.auth_token), 401, unauthorized);
  });

  it('lives on while it is used, however short it may be idle', async () => {
    const { id, auth_token: token } = await app.openSession('1001');
    await app.sql(
      `update sessions set idle_ttl = 60, seen_at = now() - interval '30 seconds' where id = $1`,
      [id],
    );
    expect((await useSession(token)).status).toBe(403);
    const [row] = await app.sql(
      "select seen_at > now() - interval '20 seconds' as slid from sessions where id = $1",
      [id],
    );
    expect(row).toEqual({ slid: true });
  });

  it('is used while something else holds it, and marked as seen by the next request', async () => {
    const { id, auth_token: token } = await app.openSession('1001');
    const age = async () => {
      const [row] = await app.sql<{ age: number }>(
        'select extract(epoch from now() - seen_at)::integer as age from sessions where id = $1',
        [id],
      );
      return row?.age ?? -1;
    };
    await app.sql(`update sessions set seen_at = now() - interval '5 minutes' where id = $1`, [id]);
    const holder = new Client({ connectionString: app.database.superuserUrl });
    await holder.connect();
    await holder.query('begin');
    await holder.query('select from sessions where id = $1 for update', [id]);
    expect((await useSession(token)).status).toBe(403);
    expect(await age()).toBeGreaterThanOrEqual(300);
    await holder.query('rollback');
    await holder.end();
    expect((await useSession(token)).status).toBe(403);
    expect(await age()).toBeLessThan(300);
  });

  it('ends at once on every instance', async () => {
    const other = await createTestApp({ database: app.database });
    const { id, auth_token: token } = await app.openSession('1002');
    expect((await other.call('GET', '/userconsents/1003', { token })).status).toBe(403);
    await app.call('DELETE', `/internal/sessions/${id}`);
    expect((await other.call('GET', '/userconsents/1003', { token })).status).toBe(401);
    await other.close();
  });
});

describe('what is stored', () => {
  it('opens nothing: no key, token or session stands in any table', async () => {
    const player = newPlayerId();
    await app.call('PUT', `/internal/players/${player}`, { body: {} });
    const { auth_token: session } = await app.openSession(player);
    const body = { grant_type: 'client_credentials', client_id: client.id, client_secret: client.key };
    const { access_token: token } = (
      await app.call('POST', '/oauth/token', { token: null, body })
    ).as<Token>();
    const crmKey = 'crm-key-that-nobody-may-read';
    await app.call('PATCH', '/api/brands/1', { body: { crm: { apiKey: crmKey } } });
    await app.call('POST', `/userconsents/${player}`, {
      token: demoKey,
      body: { consents: change('sms', true) },
      headers: { 'idempotency-key': 'stored-1' },
    });
    const tables = await app.sql<{ name: string }>(
      `select oid::regclass::text as name from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace`,
    );
    const dump = [];
    for (const { name } of tables) {
      const rows = await app.sql<{ row: string }>(`select t::text as row from ${name} t`);
      dump.push(...rows.map(({ row }) => row));
    }
    expect(dump.length).toBeGreaterThan(20);
    const hex = (text: string) => Buffer.from(text).toString('hex');
    for (const secret of [demoKey, otherBrandKey, client.key, token, session, crmKey]) {
      for (const form of [secret, hex(secret), hex(secret.replaceAll('-', ''))]) {
        expect(dump.filter((row) => row.toLowerCase().includes(form.toLowerCase()))).toEqual([]);
      }
    }
  });
});
