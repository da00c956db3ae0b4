import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { change, newPlayerId, printed } from '../support/consents.js';
import { crmError, errorText } from '../support/errors.js';
import { type Answer, createTestApp, demoKey, otherBrandKey, type TestApp } from '../support/test-app.js';

let app: TestApp;
let keys = 0;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

const newKey = () => `key-${++keys}`;
const post = (player: string, key: string, consents: unknown, token = demoKey) =>
  app.call('POST', `/userconsents/${player}`, {
    body: { consents },
    headers: { 'idempotency-key': key },
    token,
  });
const eventCount = async (player: string) => {
  const [row] = await app.sql<{ count: number }>(
    'select count(*)::integer as count from consent_events where player_id = $1',
    [player],
  );
  return row?.count;
};
const expectBody = (answer: Answer, status: number, body: string, replayed?: string) => {
  expect(answer.text).toBe(body);
  expect(answer.status).toBe(status);
  expect(answer.headers['idempotency-replayed']).toBe(replayed);
};

describe('Idempotency-Key', () => {
  it('gives the first answer again, whatever happened since, without another effect', async () => {
    const player = newPlayerId();
    const key = newKey();
    const first = printed({ email: ['casino'] });
    expectBody(await post(player, key, change('email', true, ['casino'])), 200, first);
    await app.call('POST', `/userconsents/${player}`, { body: { consents: change('email', false) } });
    expectBody(await post(player, key, change('email', true, ['casino'])), 200, first, 'true');
    expectBody(await app.call('GET', `/userconsents/${player}`), 200, printed());
    expect(await eventCount(player)).toBe(2);
  });

  it('refuses another body', async () => {
    const player = newPlayerId();
    const key = newKey();
    await post(player, key, change('email', true));
    expectBody(await post(player, key, change('email', false)), 422, crmError(422, errorText.keyReused));
    expectBody(await app.call('GET', `/userconsents/${player}`), 200, printed({ email: true }));
  });

  it('is the caller’s own, and the path’s', async () => {
    const [player, other] = [newPlayerId(), newPlayerId()];
    const key = newKey();
    const second = await app.createClient(['consents:write']);
    await post(player, key, change('email', true));
    expectBody(await post(other, key, change('sms', true)), 200, printed({ sms: true }));
    expectBody(
      await post(player, key, change('sms', true), second.key),
      200,
      printed({ email: true, sms: true }),
    );
    expectBody(await post(player, key, change('sms', true), otherBrandKey), 200, printed({ sms: true }));
    const slash = await app.call('POST', `/userconsents/${player}/`, {
      body: { consents: change('email', true) },
      headers: { 'idempotency-key': key },
    });
    expectBody(slash, 200, printed({ email: true }), 'true');
  });

  it('keeps nothing of a request that was refused', async () => {
    const player = newPlayerId();
    const key = newKey();
    const before = await app.countRows();
    const refused = crmError(400, errorText.unknownProduct('consents[0].products', 'slots'));
    expectBody(await post(player, key, change('email', true, ['slots'])), 400, refused);
    await app.call('PUT', `/internal/players/${player}/blocks`, { body: {} });
    expectBody(await post(player, key, change('email', true, ['slots'])), 400, refused);
    expect((await app.countRows()).idempotency_keys).toBe(before.idempotency_keys);
    expectBody(await post(player, key, change('email', true)), 200, printed({ email: true }));
  });

  it('has 1 to 255 characters', async () => {
    const player = newPlayerId();
    expectBody(await post(player, 'k'.repeat(255), change('email', true)), 200, printed({ email: true }));
    for (const key of ['', 'k'.repeat(256)]) {
      expectBody(await post(player, key, change('email', false)), 400, crmError(400, errorText.keyLength));
    }
  });

  it('is forgotten after a day', async () => {
    const player = newPlayerId();
    const key = newKey();
    await post(player, key, change('email', true));
    await app.sql(
      `update idempotency_keys set created_at = now() - interval '24 hours 1 second' where key = $1`,
      [key],
    );
    expectBody(await post(player, key, change('email', false)), 200, printed());
    expectBody(await post(player, key, change('email', false)), 200, printed(), 'true');
  });

  it('is still in progress while the first request is', async () => {
    const player = newPlayerId();
    const key = newKey();
    await app.call('PUT', `/internal/players/${player}`, { body: {} });
    const holder = new Client({ connectionString: app.database.superuserUrl });
    await holder.connect();
    await holder.query('begin');
    await holder.query('select from marketing_states where brand_id = 1 and player_id = $1 for update', [
      player,
    ]);
    const first = post(player, key, change('email', true));
    const start = Date.now();
    let waiting = 0;
    while (waiting === 0 && Date.now() - start < 5_000) {
      const rows = await app.sql(
        `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      );
      waiting = rows.length;
    }
    const second = await post(player, key, change('email', true));
    expectBody(second, 409, crmError(409, errorText.keyInProgress));
    await holder.query('rollback');
    await holder.end();
    expectBody(await first, 200, printed({ email: true }));
    expectBody(await post(player, key, change('email', true)), 200, printed({ email: true }), 'true');
  });

  it('takes effect once when 50 requests come at once', async () => {
    const player = newPlayerId();
    const key = newKey();
    await post(player, newKey(), change('email', true));
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => post(player, key, [change('email', false), change('sms', true)])),
    );
    const effects = answers.filter(
      (answer) => answer.status === 200 && answer.headers['idempotency-replayed'] === undefined,
    );
    expect(effects).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 409) expect(answer.text).toBe(crmError(409, errorText.keyInProgress));
      else expect([answer.status, answer.text]).toEqual([200, printed({ sms: true })]);
    }
    expect(await eventCount(player)).toBe(3);
    expectBody(
      await post(player, key, [change('email', false), change('sms', true)]),
      200,
      printed({ sms: true }),
      'true',
    );
  });

  it('serves many keys at once, also right after the brand’s settings changed', async () => {
    for (let round = 0; round < 3; round++) {
      await app.call('PATCH', '/api/brands/1', { body: { origin: 'demo.example' } });
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, n) => post(`many-${n}`, newKey(), change('email', round % 2 === 0))),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    }
  });
});
