import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { change, newPlayerId } from '../support/consents.js';
import { eventually } from '../support/crm-server.js';
import { findLedgerFaults } from '../support/ledger.js';
import { createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';
import { clientIdOf, newUserId, universalRoutes } from '../support/universal.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

let app: TestApp;
let routes: ReturnType<typeof universalRoutes>;

beforeAll(async () => {
  app = await createTestApp({ deliveries: true });
  routes = universalRoutes(app);
});
afterAll(async () => {
  expect(await findLedgerFaults(app)).toEqual([]);
  await app?.close();
});

const deadlocks = async (): Promise<number> => {
  const [row] = await app.sql<{ deadlocks: number }>(
    'select deadlocks::integer from pg_stat_database where datname = current_database()',
  );
  return row?.deadlocks ?? -1;
};

/** Holds the lock of a subject, as a slow transaction would, until the answer is called. */
async function holdSubject(clientId: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: app.database.superuserUrl });
  await client.connect();
  await client.query('begin');
  await client.query('select 1 from subjects where client_id = $1 for update', [
    Buffer.from(clientId, 'hex'),
  ]);
  return async () => {
    await client.query('commit');
    await client.end();
  };
}

describe('acts at once', () => {
  it('on the same subjects, by CustomUserId, by ClientId and through other doors, never wait for each other in a circle', async () => {
    const players = Array.from({ length: 10 }, () => newPlayerId());
    const ids = await Promise.all(
      players.map(async (CustomUserId) => clientIdOf(await routes.post({ CustomUserId }))),
    );
    const before = await deadlocks();
    for (let round = 0; round < 8; round++) {
      const answers = await Promise.all([
        ...ids.map((ClientId, turn) =>
          routes.patch({ ClientId, Reference: 'callback', Metadata: String(round * 100 + turn) }),
        ),
        ...players
          .toReversed()
          .map((CustomUserId) => routes.post({ CustomUserId, Reference: `r${round % 3}` })),
        ...players.map((player) =>
          app.call('POST', `/userconsents/${player}`, {
            body: { consents: change('email', round % 2 === 0) },
          }),
        ),
        ...players.toReversed().map((player) =>
          app.call('PUT', `/internal/players/${player}/blocks`, {
            body: { blocked: { active: round % 2 === 1, note: String(round) } },
          }),
        ),
        ...ids.map((ClientId, turn) =>
          routes.patch(
            { ClientId, Reference: 'callback', ConsentGiven: round % 2 ? 'All' : 'None' },
            { headers: { 'idempotency-key': `circle-${round}-${turn}` } },
          ),
        ),
      ]);
      // An opt-in is refused while the player is blocked; nothing else may fail.
      expect(answers.map(({ status }) => status).filter((status) => status >= 500)).toEqual([]);
    }
    expect(await deadlocks()).toBe(before);
  });

  it('do not fail with one of them that has to wait for long', async () => {
    const stuck = newUserId();
    const release = await holdSubject(clientIdOf(await routes.post({ CustomUserId: stuck })));
    const answers = await Promise.all([
      routes.post({ CustomUserId: stuck }),
      ...Array.from({ length: 20 }, () => routes.post({ CustomUserId: newUserId() })),
      routes.post({ CustomUserId: newUserId() }, { token: otherBrandKey }),
    ]);
    await release();
    const [waited, ...others] = answers.map(({ status }) => status);
    expect(waited).toBe(503);
    expect(new Set(others)).toEqual(new Set([201]));
  }, 20_000);
});

describe('a subscription', () => {
  it('is told of a change that was asked for before and made after it was there', async () => {
    const receiver = new WebhookReceiver();
    await receiver.start();
    const CustomUserId = newUserId();
    const release = await holdSubject(clientIdOf(await routes.post({ CustomUserId })));
    const waiting = routes.post({ CustomUserId, ConsentGiven: 'None' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const subscribed = await app.call('POST', '/api/universalconsent/subscribe', {
      body: { WebhookUrl: receiver.url, CustomUserId },
    });
    expect(subscribed.status).toBe(200);
    await release();
    expect((await waiting).status).toBe(201);
    await eventually(() => receiver.webhooks.length === 1);
    await receiver.stop();
  });
});
