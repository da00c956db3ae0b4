import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Clock } from '../../src/common/clock.js';
import { expectAnswer } from '../support/gateway.js';
import { event, onlinePlayers, type OnlinePlayers } from '../support/online.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

const minute = 60_000;

let app: TestApp;
let players: OnlinePlayers;

beforeAll(async () => {
  app = await createTestApp();
  players = onlinePlayers(app, otherBrandKey);
});
afterAll(() => app?.close());
afterEach(() => {
  Reflect.deleteProperty(app.nest.get(Clock, { strict: false }), 'now');
});

function setClock(instant: number): void {
  app.nest.get(Clock, { strict: false }).now = () => new Date(instant);
}

/** A player whose log-in was at a whole second: of a period, and what it comes with. */
async function create(period: string, details: Record<string, unknown> = {}) {
  const player = await players.create({ credentials: { reality_check: period }, details });
  const [row] = await app.sql<{ at: Date }>(
    `update sessions set created_at = date_trunc('second', created_at) where player_id = $1 returning created_at as at`,
    [player.id],
  );
  return { ...player, loginAt: row?.at.getTime() ?? 0 };
}

const summary = (more: object) => JSON.stringify({ currency: 'EUR', ...more });
const nothing = { profit: 0, total_bets: 0, total_wins: 0, total_lossed: 0 };
const quarter = { restart_period: '15_min', time_played: '15 minutes', min: '15', h: '0' };

describe('a reality check', () => {
  it.each([
    ['15_min', 15],
    ['30_min', 30],
    ['60_min', 60],
  ])('of %s comes when the time is over, not a millisecond before, and once', async (period, minutes) => {
    const { token, loginAt } = await create(period);
    setClock(loginAt + minutes * minute - 1);
    expect((await players.status(token)).status).toBe(200);
    setClock(loginAt + minutes * minute);
    const answer = await players.status(token);
    expect(answer.status).toBe(303);
    expect(answer.headers).not.toHaveProperty('location');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json).toMatchObject({ restart_period: period });
    expect((await players.status(token)).status).toBe(200);
    setClock(loginAt + 2 * minutes * minute - 1);
    expect((await players.status(token)).status).toBe(200);
    setClock(loginAt + 2 * minutes * minute);
    expect((await players.status(token)).status).toBe(303);
  });

  it('is not over with HEAD, which tells nobody', async () => {
    const { id, token, loginAt } = await create('15_min');
    const game = await players.openGame(id);
    setClock(loginAt + 15 * minute);
    const online = '/gateway/online-player/1.0/player/2/online';
    for (const path of ['status', `ingame/status/${game}`])
      expect((await app.call('HEAD', `${online}/${path}`, { token })).status).toBe(303);
    expect((await players.status(token)).status).toBe(303);
    expect((await players.inGame(game)).status).toBe(200);
  });

  it('never comes to whoever wants none', async () => {
    const { token, loginAt } = await create('no_limit');
    setClock(loginAt + 600 * minute);
    expect((await players.status(token)).status).toBe(200);
  });

  it('says letter by letter what was played since the log-in, also after an earlier check', async () => {
    const { id, token, loginAt } = await create('15_min');
    setClock(loginAt + 15 * minute);
    expectAnswer(await players.status(token), 303, summary({ ...nothing, ...quarter }));
    const game = await players.openGame(id);
    await players.tell(id, [
      event('bet', 150.1),
      event('bet', 49.9),
      event('win', 210),
      event('deposit', 50),
    ]);
    setClock(loginAt + 75 * minute + 59_999);
    const played = { restart_period: '15_min', time_played: '1 hour 15 minutes', min: '15', h: '1' };
    const won = { profit: 10, total_bets: 200, total_wins: 210, total_lossed: 0 };
    expectAnswer(await players.status(token), 303, summary({ ...won, ...played }));
    await players.tell(id, [event('bet', 110.55)]);
    setClock(loginAt + 120 * minute);
    const long = { restart_period: '15_min', time_played: '2 hours', min: '0', h: '2' };
    expectAnswer(await players.inGame(game), 303, summary({ profit: -100.55, ...long }));
    setClock(loginAt + 135 * minute);
    const lost = { profit: -100.55, total_bets: 310.55, total_wins: 210, total_lossed: 100.55 };
    const longer = { restart_period: '15_min', time_played: '2 hours 15 minutes', min: '15', h: '2' };
    expectAnswer(await players.status(token), 303, summary({ ...lost, ...longer }));
  });

  it('counts in the player’s own currency', async () => {
    const { id, token, loginAt } = await create('15_min', { currency: 'JPY' });
    await players.tell(id, [event('bet', 1500)]);
    setClock(loginAt + 15 * minute);
    const lost = { profit: -1500, total_bets: 1500, total_wins: 0, total_lossed: 1500 };
    expectAnswer(await players.status(token), 303, JSON.stringify({ currency: 'JPY', ...lost, ...quarter }));
  });

  it('is told once, in the game or beside it, however many ask at once', async () => {
    const { id, token, loginAt } = await create('15_min');
    const game = await players.openGame(id);
    for (const turn of [1, 2, 3]) {
      setClock(loginAt + turn * 15 * minute);
      const calls = Array.from({ length: 20 }, (_, index) =>
        index % 2 === 0 ? players.status(token) : players.inGame(game),
      );
      const statuses = (await Promise.all(calls)).map(({ status }: Answer) => status);
      expect(statuses.filter((status) => status === 303)).toHaveLength(1);
      expect(statuses.filter((status) => status === 200)).toHaveLength(19);
    }
  });

  it('begins afresh with another log-in, but for who was told meanwhile', async () => {
    const { id, token, loginAt } = await create('15_min');
    await players.tell(id, [event('bet', 1)]);
    const second = (await app.openSession(id, otherBrandKey)).auth_token;
    await app.sql(
      `update sessions set created_at = $2 where player_id = $1 and created_at = (select max(created_at) from sessions where player_id = $1)`,
      [id, new Date(loginAt + 10 * minute)],
    );
    setClock(loginAt + 15 * minute);
    expect((await players.status(second)).json).toMatchObject({ rounds_since_login: 0 });
    expect((await players.status(token)).json).toMatchObject({ total_bets: 1, time_played: '15 minutes' });
    setClock(loginAt + 25 * minute);
    expect((await players.status(second)).status).toBe(200);
    setClock(loginAt + 30 * minute);
    expect((await players.status(second)).json).toMatchObject({ total_bets: 0, time_played: '20 minutes' });
    expect((await players.status(token)).status).toBe(200);
  });

  it('survives a clock that was set back', async () => {
    const { token, loginAt } = await create('15_min');
    setClock(loginAt - 60 * minute);
    expect((await players.status(token)).status).toBe(200);
    setClock(loginAt + 15 * minute);
    expect((await players.status(token)).status).toBe(303);
  });
});
