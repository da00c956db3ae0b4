import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { demoPassword, expectAnswer, gatewayError, logIn } from '../support/gateway.js';
import { type Answer, createTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;
let other: TestApp;

beforeAll(async () => {
  // One proxy in front, which says where callers are.
  app = await createTestApp({ environment: { TRUST_PROXY: '1' } });
  other = await createTestApp({ environment: { TRUST_PROXY: '1' }, database: app.database });
});
afterAll(async () => {
  await other?.close();
  await app?.close();
});

const password = demoPassword;
const wrong = 'Wr0ngPass';
const from = (address: string, forged?: string) => ({
  headers: { 'x-forwarded-for': forged === undefined ? address : `${forged}, ${address}` },
});
const endWindows = () => app.sql(`update attempt_counts set expires_at = now() - interval '1 second'`);

function expectThrottled(answer: Answer): void {
  expectAnswer(answer, 429, gatewayError.tooMany);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(840);
  expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(900);
}

describe('failed log-ins', () => {
  it('are ten of a name from a network, on all instances together; the owner still comes in from another', async () => {
    const network = from('198.51.100.1');
    for (let tries = 0; tries < 10; tries++) {
      const answer = await logIn(
        tries % 2 ? app : other,
        { user_name: 'player1001', password: wrong },
        network,
      );
      expectAnswer(answer, 401, gatewayError.credentials);
    }
    for (const instance of [app, other]) {
      expectThrottled(await logIn(instance, { user_name: 'Player1001', password: wrong }, network));
      expectThrottled(await logIn(instance, { user_name: 'player1001', password }, network));
    }
    // Others from there, and the owner from elsewhere.
    expect((await logIn(app, { user_name: 'player1002', password }, network)).status).toBe(200);
    expect((await logIn(app, { user_name: 'player1001', password }, from('198.51.100.2'))).status).toBe(200);
    await endWindows();
    expect((await logIn(other, { user_name: 'player1001', password }, network)).status).toBe(200);
  });

  it('are as many of a name that nobody has', async () => {
    const network = from('198.51.100.3');
    for (let tries = 0; tries < 10; tries++)
      expectAnswer(
        await logIn(app, { email: 'nobody@example.com', password: wrong }, network),
        401,
        gatewayError.credentials,
      );
    expectThrottled(await logIn(app, { email: 'nobody@example.com', password: wrong }, network));
  });

  it('are not more when they come at once', async () => {
    const network = from('198.51.100.4');
    const tries = Array.from({ length: 40 }, (_, index) =>
      logIn(index % 2 ? app : other, { user_name: 'player1003', password: wrong }, network),
    );
    const statuses = (await Promise.all(tries)).map(({ status }) => status).sort();
    expect(statuses).toEqual([
      ...Array.from({ length: 10 }, () => 401),
      ...Array.from({ length: 30 }, () => 429),
    ]);
  });

  it('are a hundred from a network, whatever it says of itself', async () => {
    const statuses: number[] = [];
    // Ten at a time: the line of passwords that wait has a limit of its own.
    for (let turn = 0; turn < 11; turn++) {
      const tries = Array.from({ length: 10 }, (_, index) => {
        const forged = `203.0.113.${turn * 10 + index}`;
        const name = `guess${turn}x${index}`;
        return logIn(app, { user_name: name, password: wrong }, from('198.51.100.5', forged));
      });
      statuses.push(...(await Promise.all(tries)).map(({ status }) => status));
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(100);
    expect(statuses.slice(100)).toEqual(Array.from({ length: 10 }, () => 429));
    expectThrottled(await logIn(other, { user_name: 'player1004', password }, from('198.51.100.5')));
    expect((await logIn(app, { user_name: 'player1004', password }, from('198.51.100.6'))).status).toBe(200);
  });

  it('count by the /64 of IPv6, and not where the log-in succeeds', async () => {
    for (let tries = 0; tries < 12; tries++) {
      const answer = await logIn(app, { user_name: 'player1002', password }, from('2001:db8:1:1::1'));
      expect(answer.status).toBe(200);
    }
    for (let tries = 0; tries < 10; tries++)
      await logIn(app, { user_name: 'player1002', password: wrong }, from(`2001:db8:1:1::${tries}`));
    expectThrottled(await logIn(app, { user_name: 'player1002', password }, from('2001:db8:1:1:ffff::1')));
    expect((await logIn(app, { user_name: 'player1002', password }, from('2001:db8:1:2::1'))).status).toBe(
      200,
    );
  });

  it('leave no trace of who or where', async () => {
    const [row] = await app.sql<{ trace: boolean; keys: number }>(
      `select count(*)::integer as keys, bool_or(length(key) <> 32 or encode(key, 'hex') ~ $1) as trace from attempt_counts`,
      [['player1001', 'nobody', '198.51'].map((text) => Buffer.from(text).toString('hex')).join('|')],
    );
    expect(row?.keys).toBeGreaterThan(20);
    expect(row?.trace).toBe(false);
  });
});

it('refuses log-ins, and not the others, while too many passwords wait', async () => {
  await endWindows();
  const storm = Array.from({ length: 150 }, (_, index) =>
    logIn(app, { user_name: `player100${1 + (index % 5)}`, password }, from(`192.0.2.${index}`)),
  );
  const consents = await app.call('GET', '/userconsents/1001');
  expect(consents.status).toBe(200);
  const answers = await Promise.all(storm);
  const refused = answers.filter(({ status }) => status === 429);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(64);
  expect(answers.filter(({ status }) => status === 200).length + refused.length).toBe(150);
  for (const answer of refused) {
    expectAnswer(answer, 429, gatewayError.tooMany);
    expect(answer.headers['retry-after']).toBe('2');
  }
});
