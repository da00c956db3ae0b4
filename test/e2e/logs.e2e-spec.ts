import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { documentedRoutes } from '../support/api-document.js';
import { change } from '../support/consents.js';
import type { HttpAnswer, HttpClient } from '../support/http.js';
import { fill, findMarks } from '../support/marks.js';
import { bodyRoutes, effectiveBody, samplePath } from '../support/routes.js';
import { ServiceProcess } from '../support/service-process.js';
import { demoKey, type OpenedSession, type ServiceKey } from '../support/test-app.js';
import { createDatabase, runStatements, type TestDatabase } from '../support/test-database.js';

/** No log may hold it, whatever field it came in by. */
const mark = 'Zq7MARKED7qZ';

let database: TestDatabase;
let service: ServiceProcess;
let client: HttpClient;
const secrets: string[] = [demoKey];
const statuses = new Map<number, number>();

const markedHeaders = {
  'user-agent': mark,
  origin: `https://${mark}.example`,
  referer: `https://${mark}.example/${mark}`,
  cookie: `session=${mark}`,
  'x-forwarded-for': mark,
  forwarded: `for=${mark}`,
  'accept-language': mark,
};

async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<HttpAnswer> {
  const isPlain = body === undefined || typeof body === 'string';
  const answer = await client.send({
    method,
    path,
    headers: { 'x-auth-token': demoKey, 'content-type': 'application/json', ...markedHeaders, ...headers },
    body: isPlain ? body : JSON.stringify(body),
  });
  statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
  return answer;
}

beforeAll(async () => {
  database = await createDatabase();
  service = new ServiceProcess({
    NODE_ENV: 'development',
    DATABASE_URL: database.serviceUrl,
    DATABASE_MIGRATION_URL: database.ownerUrl,
    LOG_LEVEL: 'debug',
    LOG_FORMAT: 'json',
    SECRET_KEYS: `secret-key-${mark}`,
  });
  client = await service.ready();
});
afterAll(async () => {
  client?.close();
  await service?.stop();
  await database?.drop();
});

describe('what the service writes', () => {
  it('is provoked by every field of every route', async () => {
    for (const route of documentedRoutes) {
      const path = samplePath(route);
      const query = new URLSearchParams(
        route.operation.parameters
          .filter((each) => each.in === 'query')
          .map(({ name }): [string, string] => [name, mark]),
      );
      const idempotency = { 'idempotency-key': `${mark}-${route.name.replaceAll(/\W/g, '')}` };
      await send(route.method, `${path}?${query.toString()}&${mark}=${mark}`, undefined, idempotency);
      await send(route.method, path.replace(/1001|client_unknown|01890000-\S+/, `${mark}%20${mark}`));
      const credentials: Record<string, string>[] = [
        { 'x-auth-token': mark },
        { 'x-auth-token': '', authorization: `Bearer ${mark}` },
        { 'x-auth-token': '', authorization: `Basic ${Buffer.from(`${mark}:${mark}`).toString('base64')}` },
      ];
      for (const headers of credentials) {
        await send(route.method, path, undefined, headers);
      }
    }
    for (const route of bodyRoutes) {
      const path = samplePath(route);
      const [media] = Object.values(route.operation.requestBody?.content ?? {});
      const body = fill(media?.schema ?? {}, mark);
      await send(route.method, path, body);
      await send(route.method, path, { ...(body as object), [mark]: mark });
      for (const [key, value] of Object.entries(body as object)) {
        await send(route.method, path, { [key]: value as unknown });
        await send(route.method, path, { [key]: { [mark]: [mark] } });
        await send(route.method, path, { ...(effectiveBody(route).body as object), [key]: value as unknown });
      }
      for (const text of [`{"${mark}"`, `"${mark}"`, `["${mark}"]`, mark, `{"__proto__":"${mark}"}`])
        await send(route.method, path, text);
      await send(route.method, path, mark, { 'content-type': `application/${mark}` });
      await send(route.method, path, mark.repeat(20_000));
    }
    for (const path of [
      `/${mark}`,
      `/userconsents/${mark}%ff`,
      `/userconsents/${mark.repeat(100)}`,
      `/docs/${mark}`,
      `/userconsents/%00${mark}`,
    ]) {
      await send('GET', path);
      await send('DELETE', path);
    }
    const rows = `player_id,channel,opted_in,products,occurred_at,source\n1001,email,true,${mark},2026-01-31T12:00:00Z,${mark}\n${mark} ${mark},email,true,,2026-01-31T12:00:00Z,x\n`;
    await send('POST', '/userconsents/import?format=csv', rows, { 'content-type': 'text/csv' });
    await send('POST', '/userconsents/import?format=ndjson', `{"${mark}":"${mark}"}\n${mark}\n`);
  });

  it('is provoked by what is meant to be kept secret', async () => {
    const created = JSON.parse(
      (await send('POST', '/api/clients', { name: 'x', scopes: ['consents:read'] })).text,
    ) as ServiceKey;
    const session = JSON.parse(
      (await send('POST', '/internal/sessions', { player_id: '1002' })).text,
    ) as OpenedSession;
    const grant = { grant_type: 'client_credentials', client_id: created.id, client_secret: created.key };
    const query = new URLSearchParams(grant).toString();
    for (const answer of [
      await send('POST', '/oauth/token', grant),
      await send('GET', `/oauth/token?${query}`),
    ]) {
      secrets.push((JSON.parse(answer.text) as { access_token: string }).access_token);
    }
    secrets.push(created.key, session.auth_token);
    for (const secret of secrets) {
      await send('GET', '/userconsents/1001', undefined, { 'x-auth-token': secret });
      await send('GET', `/userconsents/1001?x-auth-token=${secret}`);
    }
  });

  it('is provoked by errors of the database that repeat the row', async () => {
    const tables = [
      'event_evidence',
      'players',
      'player_blocks',
      'service_clients',
      'brands',
      'idempotency_keys',
    ];
    const repeat = `
      create function repeat_row() returns trigger language plpgsql as $$ begin
        if new::text like '%MARKED%' or tg_table_name = 'event_evidence' then
          raise exception 'not %', new using errcode = '23514', detail = new::text, hint = new::text;
        end if;
        return new;
      end $$`;
    const repeatOn = (table: string) =>
      `create trigger repeat_row before insert or update on ${table} for each row execute function repeat_row()`;
    await runStatements(database.ownerUrl, [repeat, ...tables.map(repeatOn)]);
    const before = statuses.get(500) ?? 0;
    const answers = [
      await send('POST', '/userconsents/fresh', { consents: change('sms', true) }),
      await send(
        'POST',
        '/userconsents/fresh',
        { consents: change('email', false) },
        { 'idempotency-key': mark },
      ),
      await send('PUT', '/internal/players/1004', { origin: mark }),
      await send('PUT', '/internal/players/1004/blocks', { blocked: { active: true, note: mark } }),
      await send('POST', '/api/clients', { name: mark, scopes: ['admin'] }),
      await send('PATCH', '/api/brands/1', { name: mark }),
    ];
    for (const answer of answers) {
      expect([answer.status, answer.text.includes(mark)]).toEqual([500, false]);
    }
    expect((statuses.get(500) ?? 0) - before).toBe(answers.length);
  });

  it('is a line of JSON for each request, by its route and never by its address', async () => {
    const requestId = 'the-last-request-of-all';
    await send('GET', '/userconsents/1001?at=2026-01-01T00:00:00Z', undefined, { 'x-request-id': requestId });
    await service.until(new RegExp(requestId));
    const lines = service.output.split('\n').filter((line) => line.startsWith('{'));
    const requests = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ status }) => status !== undefined);
    expect(requests.at(-1)).toEqual({
      level: 'debug',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      reqId: requestId,
      method: 'GET',
      route: '/userconsents/:userid',
      status: 200,
      ms: expect.any(Number),
      client: 'demo',
      player_id: '1001',
    });
    const failures = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === 'internal');
    expect(failures.length).toBeGreaterThanOrEqual(6);
    for (const failure of failures) {
      expect(failure).toMatchObject({
        level: 'error',
        context: 'Errors',
        reqId: expect.any(String),
        route: expect.any(String),
      });
    }
    expect(failures.filter(({ sqlState }) => sqlState === '23514').length).toBeGreaterThanOrEqual(6);
  });

  it('names nobody and gives nothing away', () => {
    const total = [...statuses.values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThan(300);
    for (const status of [200, 400, 401, 404, 413, 500]) expect(statuses.get(status)).toBeGreaterThan(0);
    // What it tells people when it starts stands apart: the token to try is meant to be read.
    const log = service.output
      .split('\n')
      .filter((line) => line.startsWith('{') || /^\s+at |Error/.test(line))
      .join('\n');
    expect(log.split('\n').length).toBeGreaterThan(300);
    expect(findMarks(log, [mark, ...secrets])).toEqual([]);
    expect(service.output.replaceAll(demoKey, '')).not.toContain(mark);
  });
});
