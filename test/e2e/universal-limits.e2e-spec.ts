import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { errorText, problem } from '../support/errors.js';
import { type Answer, createTestApp, type TestApp } from '../support/test-app.js';
import { clientIdOf, newUserId, universalRoutes } from '../support/universal.js';

let app: TestApp;
let routes: ReturnType<typeof universalRoutes>;

beforeAll(async () => {
  app = await createTestApp();
  routes = universalRoutes(app);
});
afterAll(() => app?.close());

describe('an Idempotency-Key that is in use', () => {
  const path = '/api/universalconsent';

  /** Asks twice while the subject is locked: the second finds the first one still under way. */
  async function askTwice(clientId: string, ask: () => Promise<Answer>): Promise<Answer[]> {
    const blocker = new Client({ connectionString: app.database.superuserUrl });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('select 1 from subjects where client_id = $1 for update', [
      Buffer.from(clientId, 'hex'),
    ]);
    const first = ask();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const second = await ask();
    await blocker.query('commit');
    await blocker.end();
    return [await first, second];
  }

  it.each([
    [
      'a POST',
      path,
      (CustomUserId: string) => routes.post({ CustomUserId }, { headers: { 'idempotency-key': 'busy' } }),
    ],
    [
      'an integration',
      `${path}/integration/int_demo`,
      (CustomUserId: string) => routes.claim({ CustomUserId }, { headers: { 'idempotency-key': 'busy' } }),
    ],
  ])('makes a repeat of %s wait its turn', async (what, instance, ask) => {
    const CustomUserId = newUserId();
    const known =
      what === 'a POST' ? await routes.post({ CustomUserId }) : await routes.claim({ CustomUserId });
    const [first, second] = await askTwice(clientIdOf(known), () => ask(CustomUserId));
    expect(first?.status).toBe(201);
    expect([second?.status, second?.text]).toEqual([409, problem(409, errorText.keyInProgress, instance)]);
  });

  it('makes a repeat of a PATCH wait its turn', async () => {
    const ClientId = clientIdOf(await routes.post({}));
    const body = { ClientId, Reference: 'callback', ConsentGiven: 'None' };
    const [first, second] = await askTwice(ClientId, () =>
      routes.patch(body, { headers: { 'idempotency-key': 'busy' } }),
    );
    expect(first?.status).toBe(200);
    expect([second?.status, second?.text]).toEqual([409, problem(409, errorText.keyInProgress, path)]);
  });

  it('is refused with another body, from an integration too', async () => {
    const headers = { 'idempotency-key': 'other body' };
    await routes.claim({}, { headers });
    const answer = await routes.claim({ ConsentGiven: 'None' }, { headers });
    expect([answer.status, answer.text]).toEqual([
      422,
      problem(422, errorText.keyReused, `${path}/integration/int_demo`),
    ]);
  });
});

describe('an address that asks too often', () => {
  it('gets 429 from every open route, and tells nothing by it', async () => {
    const limited = await createTestApp({ environment: { PUBLIC_RATE_LIMIT: '2' } });
    const own = universalRoutes(limited);
    const ClientId = clientIdOf(await own.post({}));
    await own.get(ClientId);
    await own.get('AB'.repeat(32));
    const answers = [
      await own.get(ClientId),
      await own.given(ClientId, 'callback'),
      await own.patch({ ClientId, Reference: 'callback', ConsentGiven: 'None' }),
      await own.claim({}),
    ];
    expect(answers.map(({ status }) => status)).toEqual([429, 429, 429, 429]);
    for (const answer of answers) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    // With its own credential a service is not counted.
    expect((await own.post({})).status).toBe(201);
    await limited.close();
  });
});
