import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Clock } from '../../src/common/clock.js';
import { gatewayError, expectAnswer } from '../support/gateway.js';
import {
  event,
  onlinePlayers,
  type OnlinePlayers,
  printed,
  printedInGame,
  printedStatus,
  seconds,
} from '../support/online.js';
import { createTestApp, demoKey, otherBrandKey, type TestApp } from '../support/test-app.js';

/** Of all routes, as some gateways want it. */
const prefix = '/consent';

let app: TestApp;
let players: OnlinePlayers;

beforeAll(async () => {
  app = await createTestApp({ environment: { PATH_PREFIX: prefix } });
  players = onlinePlayers(app, otherBrandKey);
});
afterAll(() => app?.close());
afterEach(() => {
  Reflect.deleteProperty(app.nest.get(Clock, { strict: false }), 'now');
});

/** As the seed prints them. */
const seedInGame = {
  marketingSegmentation: '10',
  tag_status: 100,
  deposit_count: 1,
  vip_level: 'Bronze',
  average_deposit: 44,
  billboard: '',
  segmentation_id: 1,
  maxBalance: 93604,
  UT: 1,
  decline: '0',
  VIP_segment: 1,
  total_balance: 936.04,
  pending_withdrawal: 44,
  total_withdrawals: 0,
  last_bet: '2022-01-01 00:00:01',
  last_deposit: '2022-01-01 00:00:01',
  last_deposit_amount: 44,
  rounds_since_login: 0,
  balance_since_login: 0,
  playerIdLink: 'https://cbo2.aaa.com/players/123456789',
  bonusOptOut: 0,
  real_balance: 906.04,
  freeTraffic: false,
  depositsAmount: 44,
  chat_opt_out: false,
};
const seedBonuses = { bonusBalance: 30, maxWin: 12, wageringBalance: 1540.12, wageringComplete: '' };
const seedFigures = { ...seedInGame, ...seedBonuses };
const figuresOf = async (token: string) => (await players.status(token)).as<Record<string, unknown>>();
const codeOf = (code: string) => JSON.stringify({ result: code });

describe('the online status', () => {
  it('prints every key of the seed in its order, and what its table names beside', async () => {
    const { id, token } = await players.create();
    const put = await players.put(id, seedFigures);
    expectAnswer(put, 204, '');
    const answer = await players.status(token);
    expectAnswer(answer, 200, printedStatus(seedFigures));
    expect(answer.headers['cache-control']).toBe('no-store');
    const game = await players.openGame(id);
    const inGame = await players.inGame(game);
    expectAnswer(inGame, 200, printedInGame(seedInGame));
    expect(inGame.headers['cache-control']).toBe('no-store');
  });

  it('prints empty texts and zeros of a player of whom nobody has told', async () => {
    const { token } = await players.create();
    expectAnswer(await players.status(token), 200, printedStatus());
  });

  it('says when details are missing', async () => {
    for (const details of [{ city: null }, { zip_postal_code: '' }, { birth_on: null }]) {
      const { token } = await players.create({ details });
      expectAnswer(await players.status(token), 200, printedStatus({ is_missing_player_details: true }));
    }
  });

  it('takes one session of its brand, and nothing else', async () => {
    const { token } = await players.create();
    const stranger = await app.openSession('1001');
    for (const wrong of [null, '', 'x', demoKey, otherBrandKey, stranger.auth_token])
      expectAnswer(await players.status(wrong), 401, gatewayError.token);
    const at = (path: string) => app.call('GET', `/gateway/online-player/${path}/online/status`, { token });
    expectAnswer(await at('2.0/player/2'), 400, gatewayError.input);
    expectAnswer(await at('1.0/player/99'), 400, gatewayError.brand);
    expectAnswer(await at('1.0/player/1'), 401, gatewayError.token);
    for (const version of ['v1', '1']) expect((await at(`${version}/player/2`)).status).toBe(200);
  });

  it('says what has to be done first, and then that the time is over', async () => {
    const played = { reality_check: '15_min' };
    const details = { has_details: false };
    const { id, token } = await players.create({
      details,
      credentials: { ...played, is_password_temporary: true },
    });
    const game = await players.openGame(id);
    await app.sql(`update sessions set created_at = created_at - interval '1 hour' where player_id = $1`, [
      id,
    ]);
    const both = async (status: number, text: string) => {
      expectAnswer(await players.status(token), status, text);
      expectAnswer(await players.inGame(game), status, text);
    };
    await both(401, codeOf('PASSWORD_CHANGE_REQUIRED'));
    await app.sql('update player_credentials set is_password_temporary = false where player_id = $1', [id]);
    await both(401, codeOf('INCOMPLETE_REGISTRATION'));
    await app.sql('update players set has_details = true where player_id = $1', [id]);
    expect((await players.status(token)).status).toBe(303);
  });

  it('asks for the terms and the privacy policy where the brand has them', async () => {
    const own = onlinePlayers(app, demoKey, 1);
    const { id, token } = await own.create();
    const sign = (type: string) =>
      app.call('POST', '/gateway/player/multi/1.0/sign/tnc', {
        token,
        body: { brand_id: 1, player_id: id, language: 'en', type },
      });
    expectAnswer(await own.status(token), 401, codeOf('TNC_APPROVAL_REQUIRED'));
    await sign('tnc');
    expectAnswer(await own.status(token), 401, codeOf('PRIVACY_APPROVAL_REQUIRED'));
    await sign('privacy');
    expect((await own.status(token)).status).toBe(200);
  });

  it('prints amounts in the player’s own currency', async () => {
    for (const [currency, real_balance, kept] of [
      ['JPY', 1500, '1500'],
      ['KWD', 1.234, '1234'],
    ] as const) {
      const { id, token } = await players.create({ details: { currency } });
      expectAnswer(await players.put(id, { real_balance }), 204, '');
      const rows = await app.sql('select real_balance from player_activity where player_id = $1', [id]);
      expect(rows).toEqual([{ real_balance: kept }]);
      expectAnswer(await players.status(token), 200, printedStatus({ real_balance }));
    }
  });

  it('shows the chat’s consent, whichever door it came through', async () => {
    const { id, token } = await players.create();
    const detailsPath = '/gateway/player-personal-details/player/details/1.0/2';
    await app.call('PUT', detailsPath, { token, body: { optOut: { chat: false } } });
    expectAnswer(await players.status(token), 200, printedStatus({ chat_opt_out: false }));
    await players.put(id, { chat_opt_out: true });
    const { optOut } = (await app.call('GET', detailsPath, { token })).as<{ optOut: { chat: boolean } }>();
    expect(optOut.chat).toBe(true);
    expectAnswer(await players.status(token), 200, printedStatus());
  });

  it('ends with the session', async () => {
    const { token } = await players.create();
    await app.call('POST', '/gateway/logout/1.0/2/player', { token });
    expectAnswer(await players.status(token), 401, gatewayError.token);
  });
});

describe('the status in a game', () => {
  it('is opened by the game session alone, and a token that is sent must be its player’s', async () => {
    const [player, other] = [await players.create(), await players.create()];
    const game = await players.openGame(player.id);
    expectAnswer(await players.inGame(game), 200, printedInGame());
    expectAnswer(await players.inGame(game.toUpperCase()), 200, printedInGame());
    expectAnswer(await players.inGame(game, player.token), 200, printedInGame());
    const stranger = await app.openSession('1001');
    for (const wrong of ['', 'x', otherBrandKey, other.token, stranger.auth_token])
      expectAnswer(await players.inGame(game, wrong), 401, gatewayError.token);
  });

  it('is nobody’s under another id, in another brand, or after its end', async () => {
    const { id, token } = await players.create();
    const game = await players.openGame(id);
    for (const wrong of ['x', 'a%20b', id, token, '00000000-0000-4000-8000-000000000000'])
      expectAnswer(await players.inGame(wrong), 401, gatewayError.token);
    const elsewhere = `/gateway/online-player/1.0/player/1/online/ingame/status/${game}`;
    expectAnswer(await app.call('GET', elsewhere, { token: null }), 401, gatewayError.token);
    const nowhere = elsewhere.replace('/1/', '/99/');
    expectAnswer(await app.call('GET', nowhere, { token: null }), 400, gatewayError.brand);
    expect((await players.endGame(game)).status).toBe(204);
    expectAnswer(await players.inGame(game), 401, gatewayError.token);
  });

  it('ends with its time, and with a block', async () => {
    const [late, blocked] = [await players.create(), await players.create()];
    const [over, shut] = [await players.openGame(late.id), await players.openGame(blocked.id)];
    await app.sql(`update game_sessions set expires_at = now() where player_id = $1`, [late.id]);
    expectAnswer(await players.inGame(over), 401, gatewayError.token);
    await app.call('PUT', `/internal/players/${blocked.id}/blocks`, {
      token: otherBrandKey,
      body: { blocked: { active: true, note: 'test' } },
    });
    expectAnswer(await players.inGame(shut), 401, gatewayError.token);
  });

  it('stands in no table, and lasts as long as a session may', async () => {
    const { id } = await players.create();
    const game = await players.openGame(id);
    const [row] = await app.sql<{ row: string; seconds: number }>(
      `select g::text as row, extract(epoch from expires_at - created_at)::integer as seconds from game_sessions g where player_id = $1`,
      [id],
    );
    expect(row?.row).not.toContain(game);
    expect(row?.seconds).toBe(43_200);
  });

  it('counts from the log-in that it was opened in', async () => {
    const { id, token } = await players.create();
    await players.tell(id, [event('bet', 10), event('win', 4)]);
    const game = await players.openGame(id);
    const figures = { rounds_since_login: 1, balance_since_login: -6 };
    expect((await players.inGame(game)).json).toMatchObject(figures);
    expect((await players.status(token)).json).toMatchObject(figures);
  });

  it('counts from its own beginning where nobody has logged in', async () => {
    const { id, token } = await players.create();
    await players.tell(id, [event('bet', 10)]);
    await app.call('POST', '/gateway/logout/1.0/2/player', { token });
    const game = await players.openGame(id);
    await players.tell(id, [event('bet', 1)]);
    const figures = { rounds_since_login: 1, balance_since_login: -1 };
    expect((await players.inGame(game)).json).toMatchObject(figures);
  });
});

describe('a wagering that is complete', () => {
  const pathOf = (player: string, reference: string) =>
    `/gateway/bonus/1.0/wagering-complete/2/${player}/${reference}`;

  it('shows in the status for a day, and is told under the path that stands there', async () => {
    const { id, token } = await players.create();
    const second = seconds();
    const old = event('wagering_complete', 3, { id: 'bonus-0', at: second(-60) });
    const complete = event('wagering_complete', 12, {
      id: 'bonus-1',
      at: second(-30),
      data: { bonus: 'Spring' },
    });
    await players.tell(id, [complete, old]);
    const path = pathOf(id, 'bonus-1');
    const figures = { maxWin: 12, wageringCompleteInfoPath: prefix + path };
    expectAnswer(await players.status(token), 200, printedStatus({ ...figures, wageringComplete: '1' }));
    const told = {
      ...{ unique_ref_id: 'bonus-1', currency: 'EUR', maxWin: 12, completed_at: printed(second(-30)) },
      details: { bonus: 'Spring' },
    };
    const answer = await app.call('GET', path, { token });
    expectAnswer(answer, 200, JSON.stringify({ status: 'Success', data: [told] }));
    expect(answer.headers['cache-control']).toBe('no-store');
    const dayAfter = Date.parse(second(-30)) + 24 * 3_600_000;
    app.nest.get(Clock, { strict: false }).now = () => new Date(dayAfter);
    expect(await figuresOf(token)).toMatchObject({ wageringComplete: '1' });
    app.nest.get(Clock, { strict: false }).now = () => new Date(dayAfter + 1);
    expectAnswer(await players.status(token), 200, printedStatus({ ...figures, wageringComplete: '0' }));
  });

  it('is what the platform says of it since', async () => {
    const { id, token } = await players.create();
    await players.tell(id, [event('wagering_complete', 5, { id: 'b-1' })]);
    await players.put(id, { wageringComplete: '0', maxWin: null });
    const seen = { wageringComplete: '0', maxWin: 0, wageringCompleteInfoPath: prefix + pathOf(id, 'b-1') };
    expectAnswer(await players.status(token), 200, printedStatus(seen));
    await players.put(id, { wageringComplete: '' });
    expect(await figuresOf(token)).toMatchObject({ wageringComplete: '' });
  });

  it('is 412 while there is something left to wager, and 404 when there is not', async () => {
    const { id, token } = await players.create();
    expectAnswer(await players.wagering(id, 'bonus-2', token), 404, '{"errMsg":"not found"}');
    expectAnswer(await players.wagering(id, '%00', token), 404, '{"errMsg":"not found"}');
    await players.tell(id, [event('bet', 1, { id: 'bet-1' })]);
    expectAnswer(await players.wagering(id, 'bet-1', token), 404, '{"errMsg":"not found"}');
    await players.put(id, { wageringBalance: 0.01 });
    const running = '{"status":"In progress","data":[]}';
    expectAnswer(await players.wagering(id, 'bonus-2', token), 412, running);
    await players.tell(id, [{ id: 'bonus-2', type: 'wagering_complete', at: new Date().toISOString() }]);
    expect((await players.wagering(id, 'bonus-2', token)).json).toMatchObject({
      data: [{ maxWin: 0, details: {} }],
    });
    expectAnswer(await players.wagering(id, 'bonus-3', token), 412, running);
  });

  it('is told to its player alone', async () => {
    const [player, other] = [await players.create(), await players.create()];
    await players.tell(player.id, [event('wagering_complete', 5, { id: 'b-1' })]);
    const stranger = await app.openSession('1001');
    for (const wrong of [null, 'x', otherBrandKey, other.token, stranger.auth_token])
      expectAnswer(await players.wagering(player.id, 'b-1', wrong), 401, gatewayError.token);
    const at = (path: string) =>
      app.call('GET', `/gateway/bonus/${path}/${player.id}/b-1`, { token: player.token });
    expectAnswer(await at('2.0/wagering-complete/2'), 400, gatewayError.input);
    expectAnswer(await at('1.0/wagering-complete/0'), 400, gatewayError.brand);
    expectAnswer(await at('1.0/wagering-complete/1'), 401, gatewayError.token);
  });
});
