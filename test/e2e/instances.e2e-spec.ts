import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { change, newPlayerId } from '../support/consents.js';
import { CrmServer, eventually } from '../support/crm-server.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

let one: TestApp;
let two: TestApp;
const crm = new CrmServer();

beforeAll(async () => {
  await crm.start();
  one = await createTestApp({ deliveries: true });
  two = await createTestApp({ deliveries: true, database: one.database });
  await one.call('PATCH', '/api/brands/1', { body: { crm: { enabled: true, baseUrl: crm.url } } });
  await new Promise((resolve) => setTimeout(resolve, 700));
});
afterAll(async () => {
  await two?.close();
  await one?.close();
  await crm.stop();
});

const post = (app: TestApp, player: string, optedIn: boolean) =>
  app.call('POST', `/userconsents/${player}`, { body: { consents: change('email', optedIn) } });
const allLeft = () => eventually(async () => (await one.sql('select 1 from outbox')).length === 0, 20_000);

describe('two instances', () => {
  it('tell the CRM of each change once between them', async () => {
    const players = Array.from({ length: 300 }, newPlayerId);
    await Promise.all(players.map((player, index) => post(index % 2 ? one : two, player, true)));
    await allLeft();
    expect(players.map((player) => crm.about(player).length)).toEqual(players.map(() => 1));
  });

  it('never have two requests about one player under way', async () => {
    const player = newPlayerId();
    const underWay = { now: 0, most: 0 };
    crm.behave = ({ body }) => {
      if (body.user_id !== player) return 200;
      underWay.now++;
      underWay.most = Math.max(underWay.most, underWay.now);
      setTimeout(() => underWay.now--, 30);
      return 200;
    };
    crm.delayMs = 30;
    for (let turn = 0; turn < 40; turn++) await post(turn % 2 ? one : two, player, turn % 2 === 0);
    const lastAt = Date.now();
    await allLeft();
    crm.delayMs = 0;
    crm.behave = () => 200;
    expect(underWay.most).toBe(1);
    // Told after the last change, whatever was collapsed before.
    expect(crm.about(player).at(-1)?.at).toBeGreaterThanOrEqual(lastAt - 100);
  });

  it('wake each other without waiting for the poll', async () => {
    const heard: number[] = [];
    const { OutboxSignal } = await import('../../src/database/outbox-signal.js');
    const stop = two.nest.get(OutboxSignal, { strict: false }).listen((brandId) => heard.push(brandId));
    for (let count = 0; count < 20; count++) await post(one, newPlayerId(), true);
    await eventually(() => heard.length > 0);
    // At most one NOTIFY in 20 ms, whatever there was to tell.
    expect(heard.length).toBeLessThan(20);
    expect(new Set(heard)).toEqual(new Set([1]));
    stop();
    await allLeft();
  });

  it('go on when their listening connections are cut', async () => {
    await one.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'player-consent listener' and datname = current_database()`,
    );
    const player = newPlayerId();
    await post(one, player, true);
    await eventually(() => crm.about(player).length === 1);
    await eventually(async () => {
      const listening = await one.sql(
        `select 1 from pg_stat_activity where application_name = 'player-consent listener' and datname = current_database()`,
      );
      return listening.length === 2;
    });
  });

  it('take over what another left behind when it died', async () => {
    const player = newPlayerId();
    await one.sql(
      `insert into outbox (brand_id, player_id, kind, lane, seq, leased_until) values (1, $1, 1, 0, 1, now() + interval '1 second')`,
      [player],
    );
    await eventually(() => crm.about(player).length === 1);
  });
});
