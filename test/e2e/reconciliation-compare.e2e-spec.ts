import { type ClientRequest, request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { crmError, errorText, runError } from '../support/errors.js';
import { createTestApp, demoKey, type TestApp } from '../support/test-app.js';

interface Comparison {
  timestamp: string;
  counts: Record<string, number>;
  missing_there: string[];
  extra_there: string[];
  different_products?: Record<string, string[]>;
}

let app: TestApp;
let ours: string[];

const compare = (query: string, body: unknown, options: { token?: string; type?: string } = {}) =>
  app.call('POST', `/reconciliation/compare?${query}`, {
    ...(options.token && { token: options.token }),
    headers: { 'content-type': options.type ?? 'application/json' },
    body,
  });
const lines = (...values: unknown[]) => `${values.map((value) => JSON.stringify(value)).join('\n')}\n`;
const ndjson = { type: 'application/x-ndjson' };
const queued = () =>
  app.sql<{ player_id: string; kind: number; lane: number }>(
    'select player_id, kind, lane from outbox where brand_id = 1 order by player_id collate "C"',
  );

beforeAll(async () => {
  app = await createTestApp();
  await app.call('PATCH', '/api/brands/1', {
    body: { crm: { enabled: true, baseUrl: 'https://crm.example' } },
  });
  for (const [player, products] of [
    ['c-1', ['casino']],
    ['c-2', ['casino', 'sports']],
    ['c-3', undefined],
  ] as const) {
    const consents = [{ type: 'email', opted_in: true, ...(products && { products }) }];
    await app.call('POST', `/userconsents/${player}`, { body: { consents } });
  }
  const answer = await app.call('POST', '/reconciliation', { body: { field: 'consent_email' } });
  ours = answer.as<{ users: string[] }>().users;
});
beforeEach(() => app.sql('delete from outbox'));
afterAll(() => app?.close());

describe('POST /reconciliation/compare', () => {
  it('finds nothing in what the other routes answer', async () => {
    for (const [path, field] of [
      ['/reconciliation', 'consent_email'],
      ['/reconciliation/products', 'email'],
    ]) {
      const document = await app.call('POST', path ?? '', { body: { field } });
      const answer = await compare(`field=${field}&repair=true`, document.text);
      const { counts, missing_there, extra_there } = answer.as<Comparison>();
      expect(counts).toEqual(
        expect.objectContaining({ missing_there: 0, extra_there: 0, different_products: 0, queued: 0 }),
      );
      expect([missing_there, extra_there]).toEqual([[], []]);
      expect(counts.received).toBeGreaterThan(2);
    }
    expect(await queued()).toEqual([]);
  });

  it('counts first, and then names who is missing there and who is too many', async () => {
    const theirs = ours.filter((id) => id !== 'c-3').concat('c-unknown', 'not "an" id\\\n');
    const answer = await compare('field=consent_email', { users: theirs });
    const { timestamp, extra_there: extra } = answer.as<Comparison>();
    expect(extra.sort()).toEqual(['c-unknown', 'not "an" id\\\n']);
    expect(
      answer.text.startsWith(
        `{"timestamp":"${timestamp}","counts":{"received":${theirs.length},"missing_there":1,"extra_there":2,` +
          '"different_products":0,"queued":0},"missing_there":["c-3"',
      ),
    ).toBe(true);
    expect(await queued()).toEqual([]);
  });

  it('takes NDJSON, and users that come twice', async () => {
    const answer = await compare('field=consent_email', lines(...ours, ...ours, { id: 'c-new' }), ndjson);
    const { counts, extra_there: extra } = answer.as<Comparison>();
    expect([counts.received, extra]).toEqual([2 * ours.length + 1, ['c-new']]);
  });

  it('compares products, by any of their names', async () => {
    await app.call('PATCH', '/api/brands/1', { body: { productAliases: { sportsbook: 'sports' } } });
    const { users } = (await app.call('POST', '/reconciliation/products', { body: { field: 'email' } })).as<{
      users: Record<string, string[]>;
    }>();
    const theirs: Record<string, string[]> = {
      ...users,
      'c-1': ['bingo'],
      'c-2': ['sportsbook', 'casino'],
      'c-3': ['casino'],
    };
    const answer = await compare('field=email', { users: theirs });
    expect(answer.as<Comparison>()).toEqual(
      expect.objectContaining({
        missing_there: [],
        extra_there: ['c-3'],
        different_products: { 'c-1': ['casino'] },
      }),
    );
    const unknown = await compare(
      'field=email',
      lines({ id: 'c-1', products: ['casino', 'nonsense'] }),
      ndjson,
    );
    expect(unknown.as<Comparison>().different_products).toEqual({ 'c-1': ['casino'] });
  });

  it('with repair queues the event of exactly those, behind the changes of the day', async () => {
    const theirs = ours.filter((id) => id !== 'c-3').concat('c-unknown', 'no id');
    const answer = await compare('field=consent_email&repair=true', { users: theirs });
    expect(answer.as<Comparison>().counts).toEqual(
      expect.objectContaining({ missing_there: 1, extra_there: 2, queued: 2 }),
    );
    expect(await queued()).toEqual([
      { player_id: 'c-3', kind: 1, lane: 1 },
      { player_id: 'c-unknown', kind: 1, lane: 1 },
    ]);
  });

  it('has the blocks read again where it compared blocks', async () => {
    const { users } = (await app.call('POST', '/reconciliation', { body: { field: 'blocked' } })).as<{
      users: string[];
    }>();
    await compare('field=blocked&repair=true', { users: [...users, 'c-1'] });
    expect(await queued()).toEqual([{ player_id: 'c-1', kind: 2, lane: 1 }]);
  });

  it.each<[string, string, string | Buffer, string]>([
    ['an empty body', 'application/json', '', 'the body ends before its document does'],
    ['half a document', 'application/json', '{"users":["c-1"', 'the body ends before its document does'],
    ['no JSON', 'application/json', '{users:[]}', errorText.malformedBody],
    [
      'bytes that are no text',
      'application/json',
      Buffer.from('{"users":["\xff"]}', 'latin1'),
      errorText.notUtf8,
    ],
    [
      'no users',
      'application/json',
      '{"user":[]}',
      'users must be an array of ids; an empty one says that there are none',
    ],
    [
      'a map',
      'application/json',
      '{"users":{"c-1":["casino"]}}',
      'users: an id must be a string of 1 to 200 characters',
    ],
    ['two lists', 'application/json', '{"users":["c-1"],"users":[]}', errorText.keyTwice('users')],
    [
      'endless depth',
      'application/json',
      `{"users":${'['.repeat(500_000)}`,
      'the body is nested too deep for a list of users',
    ],
    [
      'an endless id',
      'application/json',
      `{"users":["${'a'.repeat(5_000_000)}`,
      'an entry of the body is far too long',
    ],
    [
      'an endless number',
      'application/json',
      `{"users":[${'1'.repeat(5_000_000)}`,
      'an entry of the body is far too long',
    ],
    [
      'endless products',
      'application/json',
      `{"users":[[${'1,'.repeat(3_000_000)}`,
      'an entry of the body is far too long',
    ],
    ['an endless line', 'application/x-ndjson', `"${'a'.repeat(5_000_000)}`, 'line 1 is far too long'],
    ['a number', 'application/json', '{"users":[1]}', 'users: an id must be a string of 1 to 200 characters'],
    [
      'an empty id',
      'application/json',
      '{"users":[""]}',
      'users: an id must be a string of 1 to 200 characters',
    ],
    [
      'NUL',
      'application/json',
      '{"users":["\\u0000"]}',
      'users: an id must be a string of 1 to 200 characters',
    ],
    [
      'a document that broke',
      'application/json',
      '{"users":[],"error":"timeout"}',
      'error: the document says of itself that players are missing',
    ],
    [
      'no line',
      'application/x-ndjson',
      '',
      'the body is empty: {"users":[]} as application/json says that there are none',
    ],
    ['a line that is no JSON', 'application/x-ndjson', '"c-1"\nc-2\n', 'line 2 is not JSON'],
  ])('refuses %s, and queues nothing', async (_what, type, body, text) => {
    const answer = await compare('field=consent_email&repair=true', body, { type });
    expect([answer.status, answer.text]).toEqual([400, crmError(400, text)]);
    expect(await queued()).toEqual([]);
  });

  it('does nothing for a body that breaks off', async () => {
    const { hostname, port } = new URL(app.url);
    await new Promise<void>((resolve) => {
      const outgoing = request({
        ...{
          host: hostname,
          port,
          method: 'POST',
          path: '/reconciliation/compare?field=consent_email&repair=true',
        },
        headers: {
          'x-auth-token': demoKey,
          'content-type': 'application/x-ndjson',
          'transfer-encoding': 'chunked',
        },
      });
      outgoing.on('error', () => resolve());
      outgoing.write('"c-1"\n');
      setTimeout(() => outgoing.destroy(new Error('gone')), 300);
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await queued()).toEqual([]);
    const [run] = (await app.call('GET', '/reconciliation/runs?limit=1')).as<{
      runs: { kind: string; outcome: string }[];
    }>().runs;
    expect(run).toEqual(expect.objectContaining({ kind: 'compare', outcome: 'refused' }));
  });

  it('refuses another content type, an unknown field, and a repair without the scope', async () => {
    const xml = await compare('field=consent_email', '<users/>', { type: 'application/xml' });
    expect([xml.status, xml.text]).toEqual([
      415,
      crmError(415, 'send the body as application/json or application/x-ndjson'),
    ]);
    const unknown = await compare('field=active', { users: [] });
    expect([unknown.status, unknown.text]).toEqual([501, crmError(501, errorText.unknownField('active'))]);
    expect((await compare('repair=true', { users: [] })).status).toBe(400);
    expect((await compare('field=consent_email&repair=perhaps', { users: [] })).status).toBe(400);
    const { key } = await app.createClient(['reconciliation:read']);
    const answer = await compare('field=consent_email&repair=true', { users: [] }, { token: key });
    expect([answer.status, answer.text]).toEqual([
      403,
      crmError(403, 'repair needs the scope consents:write'),
    ]);
    expect((await compare('field=consent_email', { users: [] }, { token: key })).status).toBe(200);
  });

  it('refuses a repair that could tell nobody', async () => {
    await app.call('PATCH', '/api/brands/1', { body: { crm: { enabled: false } } });
    const answer = await compare('field=consent_email&repair=true', { users: [] });
    expect([answer.status, answer.text]).toEqual([
      409,
      crmError(409, 'repair: the CRM of this brand is switched off, so that nobody would be told'),
    ]);
    await app.call('PATCH', '/api/brands/1', { body: { crm: { enabled: true } } });
  });

  it('leaves no table behind', async () => {
    await compare('field=consent_email', { users: [] });
    await compare('field=consent_email', '{');
    await compare('field=consent_email', { users: [] });
    expect(
      await app.sql(`select relname from pg_class where relname like 'compare\\_%' and relkind = 'r'`),
    ).toEqual([]);
  });
});

describe('when something breaks during a comparison', () => {
  const backend = () =>
    app.sql<{ pid: number }>(
      `select pid from pg_stat_activity
       where datname = current_database() and application_name = 'player-consent comparison'`,
    );
  const until = async (isTrue: () => Promise<boolean>) => {
    const end = Date.now() + 3000;
    while (!(await isTrue())) {
      if (Date.now() > end) throw new Error('never came true');
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  };
  const isReleased = async () => (await backend()).length === 0;
  const lastOutcome = async (from = app) => {
    const answer = await from.call('GET', '/reconciliation/runs?limit=1');
    return answer.as<{ runs: { outcome: string }[] }>().runs[0]?.outcome;
  };

  /** A caller who sends the beginning of a list, and then whatever the test makes it send. */
  function begin(
    from: TestApp,
    query = 'field=consent_email',
  ): { outgoing: ClientRequest; answer: Promise<string> } {
    const { hostname, port } = new URL(from.url);
    const outgoing = request({
      ...{ host: hostname, port, method: 'POST', path: `/reconciliation/compare?${query}`, agent: false },
      headers: {
        'x-auth-token': demoKey,
        'content-type': 'application/json',
        'transfer-encoding': 'chunked',
      },
    });
    const answer = new Promise<string>((resolve) => {
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('close', () => resolve(Buffer.concat(chunks).toString()));
      });
      outgoing.on('error', () => resolve('broken'));
    });
    outgoing.write('{"users":["c-1",');
    return { outgoing, answer };
  }

  it.each<[string, (outgoing: ClientRequest) => void]>([
    ['goes on', (outgoing) => void outgoing.write(`"${'x'.repeat(100)}",`.repeat(10_000))],
    ['ends', (outgoing) => void outgoing.end('"c-2"]}')],
    ['sends nonsense', (outgoing) => void outgoing.end(',,,')],
    ['waits', () => undefined],
  ])('says so when its backend is terminated, and the caller %s', async (_what, then) => {
    const { outgoing, answer } = begin(app);
    await until(async () => (await backend()).length === 1);
    await app.sql('select pg_terminate_backend($1)', [(await backend())[0]?.pid]);
    // A backend dies some time after it was told to; before that, nonsense is rightly answered 400.
    await until(isReleased);
    then(outgoing);
    expect(['broken', runError('unavailable')]).toContain(await answer);
    outgoing.destroy();
    expect((await app.call('GET', '/health/live')).status).toBe(200);
    await until(isReleased);
    expect(await lastOutcome()).toBe('unavailable');
  });

  it('ends in time for a caller who waits', async () => {
    const environment = { RECONCILIATION_TIME_LIMIT_MS: '1000' };
    const hasty = await createTestApp({ database: app.database, environment });
    try {
      const { outgoing, answer } = begin(hasty);
      expect(await answer).toBe(runError('timeout'));
      outgoing.destroy();
      await until(isReleased);
      expect(await lastOutcome(hasty)).toBe('timeout');
    } finally {
      await hasty.close();
    }
  });

  it('releases its backend when the caller goes while it compares, and repairs nothing', async () => {
    const lock = app.sql(
      'begin; lock table marketing_states in access exclusive mode; select pg_sleep(2.5); commit',
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { outgoing, answer } = begin(app, 'field=consent_email&repair=true');
    outgoing.end('"nobody"]}');
    await new Promise((resolve) => setTimeout(resolve, 300));
    outgoing.destroy();
    await answer;
    await until(isReleased);
    await lock;
    expect(await queued()).toEqual([]);
    await until(async () => (await lastOutcome()) === 'hung up');
  });

  it('leaves no table behind, whatever happened', async () => {
    await until(
      async () =>
        (await app.sql(`select 1 from pg_class where relname like 'compare\\_%' and relkind = 'r'`))
          .length === 0,
    );
  });
});
