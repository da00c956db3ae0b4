import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { change, newPlayerId } from '../support/consents.js';
import { CrmServer, eventually } from '../support/crm-server.js';
import { createTestApp, demoKey, otherBrandKey, type TestApp } from '../support/test-app.js';

let app: TestApp;
const crm = new CrmServer();
const otherCrm = new CrmServer();

beforeAll(async () => {
  await crm.start();
  await otherCrm.start();
  app = await createTestApp({ deliveries: true });
  await configure(1, { enabled: true, baseUrl: `${crm.url}/base/`, apiKey: 'crm-secret' });
  await configure(2, { enabled: true, baseUrl: otherCrm.url, origin: 'other.example' }, otherBrandKey);
  // The workers look for brands every half second.
  await new Promise((resolve) => setTimeout(resolve, 700));
});
afterAll(async () => {
  await app?.close();
  await crm.stop();
  await otherCrm.stop();
});
beforeEach(() => {
  crm.behave = () => 200;
  crm.delayMs = 0;
});

const configure = (brand: number, settings: object, token = demoKey) =>
  app.call('PATCH', `/api/brands/${brand}`, { token, body: { crm: settings } });
const post = (player: string, optedIn = true, token = demoKey) =>
  app.call('POST', `/userconsents/${player}`, { token, body: { consents: change('email', optedIn) } });
const waiting = (player: string) =>
  app.sql<{ id: string; attempts: number }>(
    'select id, attempts from outbox where brand_id = 1 and player_id = $1',
    [player],
  );
const gone = (player: string) => eventually(async () => (await waiting(player)).length === 0);

describe('the event of a change', () => {
  it('reaches the CRM within a second, as the CRM reads it', async () => {
    const player = newPlayerId();
    const startedAt = Date.now();
    expect((await post(player)).status).toBe(200);
    const [request] = await eventually(() => (crm.about(player).length > 0 ? crm.about(player) : null));
    expect((request?.at ?? 0) - startedAt).toBeLessThan(1000);
    expect(request).toMatchObject({
      method: 'PUT',
      path: '/base/v2/integration/user/consents',
      headers: { 'x-api-key': 'crm-secret', 'content-type': 'application/json' },
    });
    expect(Object.keys(request?.body ?? {}).sort()).toEqual(['origin', 'timestamp', 'user_id']);
    expect(request?.body).toMatchObject({ user_id: player, origin: 'demo.example' });
    expect(request?.body.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Date.parse(request?.body.timestamp ?? '')).toBeGreaterThanOrEqual(startedAt - 50);
    await gone(player);
    expect(crm.about(player)).toHaveLength(1);
  });

  it("carries the player's origin, else the CRM's, else the brand's", async () => {
    const [own, others] = [newPlayerId(), newPlayerId()];
    await app.call('PUT', `/internal/players/${own}`, { body: { origin: 'own.example' } });
    await post(own);
    await post(others, true, otherBrandKey);
    await eventually(() => crm.about(own).length > 0 && otherCrm.about(others).length > 0);
    expect(crm.about(own)[0]?.body.origin).toBe('own.example');
    expect(otherCrm.about(others)[0]?.body.origin).toBe('other.example');
    expect(otherCrm.about(others)[0]?.headers).not.toHaveProperty('x-api-key');
  });

  it('is JSON whatever the origin holds', async () => {
    const player = newPlayerId();
    const origin = 'a\t"quoted"\\ \n\u0001 ünï 🎰 origin';
    await app.call('PUT', `/internal/players/${player}`, { body: { origin: 'own.example' } });
    await app.sql('update players set origin = $2 where brand_id = 1 and player_id = $1', [player, origin]);
    await post(player);
    await eventually(() => crm.about(player).length > 0);
    expect(crm.about(player)[0]?.body).toMatchObject({ user_id: player, origin });
  });

  it('of a second change is sent as soon as the first one has been answered', async () => {
    crm.delayMs = 60;
    const players = Array.from({ length: 10 }, newPlayerId);
    for (const player of players) {
      await post(player, true);
      await eventually(() => crm.about(player).length === 1);
      await post(player, false);
      await eventually(() => crm.about(player).length === 2);
    }
    const waits = players.map((player) => {
      const [first, second] = crm.about(player);
      return (second?.at ?? 0) - (first?.at ?? 0);
    });
    // Without being woken, most would wait for the poll, every 500 ms.
    expect(waits.filter((wait) => wait < 250).length).toBeGreaterThan(7);
  });

  it('is not sent when nothing has changed', async () => {
    const player = newPlayerId();
    await post(player, false);
    await post(player, false);
    await post(player, true);
    await gone(player);
    const told = crm.about(player).length;
    await post(player, true);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(crm.about(player)).toHaveLength(told);
  });

  it('of a block goes to blocks, and to consents where they are silenced or back', async () => {
    const player = newPlayerId();
    await post(player);
    await gone(player);
    crm.requests.length = 0;
    await app.call('PUT', `/internal/players/${player}/blocks`, {
      body: { blocked: { active: true, note: 'fraud' } },
    });
    await gone(player);
    expect(
      crm
        .about(player)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(['/base/v2/integration/user/blocks', '/base/v2/integration/user/consents']);
  });

  it('of an import leaves by the lane of imports', async () => {
    const players = Array.from({ length: 50 }, newPlayerId);
    const rows = players.map((player) => `${player},email,true,casino,2026-01-01T00:00:00Z,import`);
    await app.call('POST', '/userconsents/import?format=csv', {
      body: `player_id,channel,opted_in,products,occurred_at,source\n${rows.join('\n')}\n`,
      headers: { 'content-type': 'text/csv' },
    });
    await eventually(() => players.every((player) => crm.about(player).length === 1));
  });
});

describe('a CRM that does not answer 200', () => {
  it.each([500, 404, 204, 301, 'reset'] as const)(
    'with %s is told again, and the reason is shown',
    async (behaviour) => {
      const player = newPlayerId();
      crm.behave = ({ body }) =>
        body.user_id === player && crm.about(player).length === 1 ? behaviour : 200;
      await post(player);
      const [entry] = await eventually(async () => {
        const rows = await waiting(player);
        return rows[0]?.attempts === 1 ? rows : null;
      });
      const shown = (await app.call('GET', '/api/deliveries?kind=crm_consents')).as<{
        deliveries: { id: string; lastStatus: number | null; lastError: string | null }[];
      }>();
      expect(shown.deliveries.find(({ id }) => id === entry?.id)).toMatchObject(
        behaviour === 'reset'
          ? { lastStatus: null, lastError: 'connection lost' }
          : { lastStatus: behaviour, lastError: null },
      );
      await gone(player);
      const [first, second] = crm.about(player);
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(700);
    },
  );

  it('is told of the newest of several changes only', async () => {
    const player = newPlayerId();
    crm.behave = ({ body }) => (body.user_id === player && crm.about(player).length === 1 ? 500 : 200);
    await post(player);
    await eventually(() => crm.about(player).length === 1);
    await eventually(async () => (await waiting(player))[0]?.attempts === 1);
    crm.delayMs = 300;
    await post(player, false);
    for (const optedIn of [true, false, true, false]) await post(player, optedIn);
    await gone(player);
    // The first, the one that was under way, and the newest of the rest; the postponed one may come between.
    expect(crm.about(player).length).toBeLessThanOrEqual(4);
    const [last] = crm.about(player).slice(-1);
    expect(last?.at).toBeGreaterThan(crm.about(player)[0]?.at ?? Infinity);
  });

  it('is asked by one request at a time while it is away, and told everything once it is back', async () => {
    await crm.stop();
    const players = Array.from({ length: 40 }, newPlayerId);
    await Promise.all(players.map((player) => post(player)));
    await eventually(async () => {
      const [row] = await app.sql<{ tried: number }>(
        `select count(*)::integer as tried from outbox where brand_id = 1 and last_error = 'connection refused'`,
      );
      return (row?.tried ?? 0) >= 5;
    });
    await crm.start();
    await eventually(() => players.every((player) => crm.about(player).length >= 1), 20_000);
    await eventually(async () => (await app.sql('select 1 from outbox where brand_id = 1')).length === 0);
  }, 40_000);

  it.each([404, 500])(
    'with %s to some players for ever is told of the others at once',
    async (status) => {
      const refused = new Set(Array.from({ length: 30 }, newPlayerId));
      crm.behave = ({ body }) => (refused.has(body.user_id) ? status : 200);
      await Promise.all([...refused].map((player) => post(player)));
      await eventually(() => [...refused].every((player) => crm.about(player).length > 0), 30_000);
      for (let count = 0; count < 5; count++) {
        const player = newPlayerId();
        const startedAt = Date.now();
        await post(player);
        await eventually(() => crm.about(player).length > 0);
        expect((crm.about(player)[0]?.at ?? 0) - startedAt).toBeLessThan(1000);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      crm.behave = () => 200;
      await app.sql('delete from outbox where brand_id = 1');
    },
    60_000,
  );

  it('that answers 200 and never ends its answer has been told', async () => {
    crm.isEndless = true;
    const player = newPlayerId();
    await post(player);
    await gone(player);
    expect(crm.about(player)).toHaveLength(1);
    crm.isEndless = false;
  });

  it('holds up no other brand', async () => {
    crm.behave = () => 'hang';
    await Promise.all(Array.from({ length: 60 }, () => post(newPlayerId())));
    const player = newPlayerId();
    const startedAt = Date.now();
    await post(player, true, otherBrandKey);
    await eventually(() => otherCrm.about(player).length === 1);
    expect((otherCrm.about(player)[0]?.at ?? 0) - startedAt).toBeLessThan(1000);
    await crm.stop();
    await crm.start();
    crm.behave = () => 200;
    await eventually(
      async () => (await app.sql('select 1 from outbox where brand_id = 1')).length === 0,
      60_000,
    );
  }, 90_000);
});
