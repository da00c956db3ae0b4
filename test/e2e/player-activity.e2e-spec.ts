import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPlayerId } from '../support/consents.js';
import { errorText, problem } from '../support/errors.js';
import { expectAnswer } from '../support/gateway.js';
import { event, onlinePlayers, type OnlinePlayers, printedStatus } from '../support/online.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

let app: TestApp;
let players: OnlinePlayers;

beforeAll(async () => {
  app = await createTestApp();
  players = onlinePlayers(app, otherBrandKey);
});
afterAll(() => app?.close());

const infoOf = async (token: string) =>
  (await app.call('GET', '/gateway/online-player/1.0/2/player/info', { token })).as<{ vip_level: number }>();

describe('PUT /internal/players/:id/activity', () => {
  it('changes what is sent, and nothing else', async () => {
    const { id, token } = await players.create();
    expectAnswer(await players.put(id, { real_balance: 0.1, bonusBalance: 0.2, billboard: 'A' }), 204, '');
    expectAnswer(await players.put(id, { real_balance: 906.04, freeTraffic: true, bonusOptOut: 1 }), 204, '');
    expectAnswer(await players.put(id, {}), 204, '');
    const figures = {
      real_balance: 906.04,
      bonusBalance: 0.2,
      billboard: 'A',
      freeTraffic: true,
      bonusOptOut: 1,
    };
    expectAnswer(await players.status(token), 200, printedStatus(figures));
    expectAnswer(await players.put(id, { billboard: null, real_balance: null, freeTraffic: null }), 204, '');
    expectAnswer(await players.status(token), 200, printedStatus({ bonusBalance: 0.2, bonusOptOut: 1 }));
  });

  it('takes times as they are printed, as instants, and as none', async () => {
    const { id, token } = await players.create();
    await players.put(id, { last_bet: '2026-01-31 12:00:00', last_deposit: '2026-01-31T13:00:00.500+01:00' });
    const times = { last_bet: '2026-01-31 12:00:00', last_deposit: '2026-01-31 12:00:00' };
    expectAnswer(await players.status(token), 200, printedStatus(times));
    await players.put(id, { last_bet: '' });
    expectAnswer(await players.status(token), 200, printedStatus({ last_deposit: times.last_deposit }));
  });

  it('takes a level that is a text for the status, and one that is a number for player info', async () => {
    const { id, token } = await players.create();
    expectAnswer(await players.put(id, { vip_level: 3 }), 204, '');
    expectAnswer(await players.put(id, { vip_level: 'Gold' }), 204, '');
    expectAnswer(await players.status(token), 200, printedStatus({ vip_level: 'Gold' }));
    expect(await infoOf(token)).toMatchObject({ vip_level: 3 });
  });

  it('of somebody known by a consent alone keeps what is said', async () => {
    const id = newPlayerId();
    const body = { consents: [{ type: 'email', opted_in: true }] };
    await app.call('POST', `/userconsents/${id}`, { token: otherBrandKey, body });
    expectAnswer(await players.put(id, { vip_level: 2, real_balance: 1 }), 204, '');
    const [row] = await app.sql(
      'select p.vip_level, p.has_details, a.real_balance from players p join player_activity a using (brand_id, player_id) where player_id = $1',
      [id],
    );
    expect(row).toEqual({ vip_level: 2, has_details: false, real_balance: '100' });
  });

  it('makes of chat_opt_out the consent, which the player’s history shows', async () => {
    const { id, token } = await players.create();
    expectAnswer(await players.put(id, { chat_opt_out: false, real_balance: 5 }), 204, '');
    expectAnswer(await players.status(token), 200, printedStatus({ chat_opt_out: false, real_balance: 5 }));
    const changes = await app.call('GET', `/internal/players/${id}/changes`, { token: otherBrandKey });
    expect(changes.json).toMatchObject({
      changes: [{ field: 'optOut.chat', before: 'true', after: 'false', actor: 'client:demo2' }],
    });
  });

  it('keeps nothing of it where the chat cannot be opted in', async () => {
    const { id, token } = await players.create();
    await app.call('PUT', `/internal/players/${id}/blocks`, {
      token: otherBrandKey,
      body: { excluded: { active: true, note: 'test' } },
    });
    expect((await players.put(id, { chat_opt_out: false, real_balance: 5 })).status).toBe(400);
    expectAnswer(await players.status(token), 200, printedStatus());
  });

  it('adds up with others at once', async () => {
    const { id, token } = await players.create();
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, (_, index) =>
        players.put(id, { tag_status: index, chat_opt_out: index % 2 === 0 }),
      ),
      ...Array.from({ length: 10 }, () => players.tell(id, [event('bet', 1)])),
      ...Array.from({ length: 10 }, () => players.put(id, { vip_level: 1, total_balance: 7 })),
      ...Array.from({ length: 5 }, () => app.openSession(id, otherBrandKey)),
    ]);
    const statuses = answers
      .filter((answer): answer is Answer => 'status' in answer)
      .map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 204]));
    expect((await players.status(token)).json).toMatchObject({ rounds_since_login: 10, total_balance: 7 });
  });

  const cases: [body: Record<string, unknown>, error: string][] = [
    [{ real_balance: 1.005 }, errorText.notAnAmount('real_balance')],
    [{ real_balance: 1e15 }, errorText.notAnAmount('real_balance')],
    [{ balance_since_login: 0.001 }, errorText.notAnAmount('balance_since_login')],
    [{ real_balance: '1' }, errorText.notANumber('real_balance')],
    [{ maxBalance: 1.5 }, errorText.notAnInteger('maxBalance')],
    [{ tag_status: 2 ** 31 }, 'tag_status must not be greater than 2147483647'],
    [{ last_bet: 'yesterday' }, errorText.printedTime('last_bet')],
    [{ last_bet: '2026-02-30 12:00:00' }, errorText.printedTime('last_bet')],
    [{ last_bet: '0000-01-01 00:00:00' }, errorText.printedTime('last_bet')],
    [{ vip_level: 1.5 }, 'vip_level must be a text or an integer'],
    [{ wageringComplete: 1 }, 'wageringComplete must be one of the following values: , 0, 1'],
    [{ bonusOptOut: true }, 'bonusOptOut must be one of the following values: 0, 1'],
    [{ chat_opt_out: null }, errorText.notABoolean('chat_opt_out')],
    [{ rounds_since_login: -1 }, 'rounds_since_login must not be less than 0'],
    [{ lastBet: '' }, errorText.unknownKey('lastBet')],
    [{ rounds: 5 }, errorText.unknownKey('rounds')],
  ];
  it.each(cases)('refuses %p', async (body, error) => {
    const { id, token } = await players.create();
    const path = `/internal/players/${id}/activity`;
    const answer = await players.put(id, { billboard: 'A', ...body });
    expectAnswer(answer, 400, problem(400, error, path, Object.keys(body)[0]));
    expectAnswer(await players.status(token), 200, printedStatus());
  });

  it('knows the players of its own brand alone', async () => {
    for (const id of ['nobody-knows-me', '1001']) {
      const path = `/internal/players/${id}/activity`;
      expectAnswer(
        await players.put(id, { real_balance: 1 }),
        404,
        problem(404, errorText.userNotFound, path),
      );
    }
  });
});

describe('/internal/game-sessions', () => {
  const open = (body: object, token = otherBrandKey) =>
    app.call('POST', '/internal/game-sessions', { token, body });

  it('opens a game of a player of its brand', async () => {
    const { id } = await players.create();
    const answer = await open({ player_id: id, game_id: 'starburst' });
    expectAnswer(
      answer,
      201,
      JSON.stringify({ game_session_id: answer.as<Record<string, string>>().game_session_id }),
    );
    for (const player_id of ['nobody-knows-me', '1001'])
      expectAnswer(
        await open({ player_id, game_id: 'x' }),
        404,
        problem(404, errorText.userNotFound, '/internal/game-sessions'),
      );
  });

  it.each([
    [{ game_id: 'x' }, 'player_id', errorText.sessionPlayer],
    [{ player_id: 'a b', game_id: 'x' }, 'player_id', errorText.sessionPlayer],
    [{ player_id: '1001' }, 'game_id', errorText.notAText('game_id')],
    [{ player_id: '1001', game_id: '' }, 'game_id', errorText.tooShort('game_id')],
    [{ player_id: '1001', game_id: 'x'.repeat(201) }, 'game_id', errorText.tooLong('game_id', 200)],
    [{ player_id: '1001', game_id: 'x', other: 1 }, 'other', errorText.unknownKey('other')],
  ])('refuses %p', async (body, field, error) => {
    expectAnswer(await open(body), 400, problem(400, error, '/internal/game-sessions', field));
  });

  it('ends one once, and none of another brand', async () => {
    const { id } = await players.create();
    const game = await players.openGame(id);
    const path = `/internal/game-sessions/${game}`;
    const gone = problem(404, errorText.noSuchGameSession, path);
    expectAnswer(await app.call('DELETE', path), 404, gone);
    expectAnswer(await players.endGame(game), 204, '');
    expectAnswer(await players.endGame(game), 404, gone);
    const wrong = '/internal/game-sessions/x';
    expectAnswer(await players.endGame('x'), 404, problem(404, errorText.notFound, wrong));
  });
});
