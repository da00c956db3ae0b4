import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorText, problem } from '../support/errors.js';
import { expectAnswer } from '../support/gateway.js';
import {
  event,
  onlinePlayers,
  type OnlinePlayers,
  printed,
  printedStatus,
  seconds,
} from '../support/online.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

let app: TestApp;
let players: OnlinePlayers;

beforeAll(async () => {
  app = await createTestApp();
  players = onlinePlayers(app, otherBrandKey);
});
afterAll(() => app?.close());

const result = (applied: number, repeated: number) => JSON.stringify({ applied, repeated });
const figuresOf = async (token: string) => (await players.status(token)).as<Record<string, unknown>>();

describe('events', () => {
  it('move the figures they speak of', async () => {
    const { id, token } = await players.create();
    const second = seconds();
    const batch = [
      event('bet', 2.5, { at: second(3) }),
      event('bet', 0.1, { at: second(1) }),
      event('bet', 0.2, { at: second(2) }),
      event('win', 10, { at: second(4) }),
      event('deposit', 50, { at: second(2) }),
      event('deposit', 25.01, { at: second(1), data: { method: 'card' } }),
      event('withdrawal', 12.34, { at: second(5) }),
    ];
    expectAnswer(await players.tell(id, batch), 200, result(7, 0));
    const figures = {
      ...{ deposit_count: 2, average_deposit: 37.51, total_withdrawals: 12.34 },
      ...{ last_bet: printed(second(3)), last_deposit: printed(second(2)), last_deposit_amount: 50 },
      ...{ rounds_since_login: 3, balance_since_login: 7.2, depositsAmount: 75.01 },
    };
    expectAnswer(await players.status(token), 200, printedStatus(figures));
    // Older than what is known: they count, and are not the last.
    const late = [event('bet', 1, { at: second(0) }), event('deposit', 5, { at: second(0) })];
    expectAnswer(await players.tell(id, late), 200, result(2, 0));
    expect(await figuresOf(token)).toMatchObject({
      ...{ last_bet: printed(second(3)), last_deposit: printed(second(2)), last_deposit_amount: 50 },
      ...{ rounds_since_login: 4, balance_since_login: 6.2, deposit_count: 3, depositsAmount: 80.01 },
    });
  });

  it('add to what was pushed, and a push says anew how it stands', async () => {
    const { id, token } = await players.create();
    await players.put(id, { deposit_count: 9, depositsAmount: 90, total_withdrawals: 5, total_balance: 100 });
    await players.tell(id, [event('deposit', 10), event('withdrawal', 1), event('bet', 3)]);
    const added = { deposit_count: 10, depositsAmount: 100, average_deposit: 10, total_withdrawals: 6 };
    expect(await figuresOf(token)).toMatchObject({ ...added, total_balance: 100 });
    await players.put(id, {
      deposit_count: 1,
      average_deposit: 7,
      rounds_since_login: 40,
      balance_since_login: -12.5,
    });
    const pushed = {
      deposit_count: 1,
      average_deposit: 7,
      rounds_since_login: 40,
      balance_since_login: -12.5,
    };
    expect(await figuresOf(token)).toMatchObject({ ...pushed, depositsAmount: 100 });
    await players.tell(id, [event('win', 20)]);
    expect(await figuresOf(token)).toMatchObject({ rounds_since_login: 40, balance_since_login: 7.5 });
    await players.put(id, { balance_since_login: 3 });
    expect(await figuresOf(token)).toMatchObject({ rounds_since_login: 40, balance_since_login: 3 });
  });

  it('count once by their id, in one batch, in several, and of each player', async () => {
    const [one, other] = [await players.create(), await players.create()];
    const bet = event('bet', 1, { id: 'bet-1' });
    expectAnswer(await players.tell(one.id, [bet, bet, { ...bet, amount: 7 }]), 200, result(1, 2));
    expectAnswer(await players.tell(one.id, [bet, event('bet', 2, { id: 'bet-2' })]), 200, result(1, 1));
    expectAnswer(await players.tell(one.id, [{ ...bet, type: 'deposit' }]), 200, result(0, 1));
    expectAnswer(await players.tell(one.id, []), 200, result(0, 0));
    expectAnswer(await players.tell(other.id, [bet]), 200, result(1, 0));
    expect(await figuresOf(one.token)).toMatchObject({
      rounds_since_login: 2,
      balance_since_login: -3,
      deposit_count: 0,
    });
  });

  it('count once when they arrive many times at once', async () => {
    const { id, token } = await players.create();
    const batch = Array.from({ length: 50 }, (_, index) =>
      event('bet', 0.01 * (index + 1), { id: `race-${index}` }),
    ).map((each) => ({ ...each, amount: Math.round((each as { amount: number }).amount * 100) / 100 }));
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, turn) =>
        players.tell(id, turn % 2 === 0 ? batch : [...batch].reverse()),
      ),
    );
    const counts = answers.map((answer: Answer) => answer.as<{ applied: number; repeated: number }>());
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(counts.reduce((sum, { applied }) => sum + applied, 0)).toBe(50);
    expect(counts.reduce((sum, { repeated }) => sum + repeated, 0)).toBe(19 * 50);
    expect(await figuresOf(token)).toMatchObject({ rounds_since_login: 50, balance_since_login: -12.75 });
  });

  it('of different batches at once add up', async () => {
    const { id, token } = await players.create();
    const batches = Array.from({ length: 20 }, () => [
      event('bet', 1),
      event('win', 0.5),
      event('deposit', 2),
    ]);
    await Promise.all(batches.map((batch) => players.tell(id, batch)));
    expect(await figuresOf(token)).toMatchObject({
      ...{ rounds_since_login: 20, balance_since_login: -10, deposit_count: 20, depositsAmount: 40 },
    });
  });

  it('from before the log-in are none of what was played since, whenever they arrive', async () => {
    const { id, token } = await players.create();
    const game = await players.openGame(id);
    const before = new Date(Date.now() - 3_600_000).toISOString();
    await players.tell(id, [
      event('bet', 5, { at: before }),
      event('win', 1, { at: before }),
      event('bet', 2),
    ]);
    const since = { rounds_since_login: 1, balance_since_login: -2 };
    expect(await figuresOf(token)).toMatchObject(since);
    expect((await players.inGame(game)).json).toMatchObject(since);
    const fresh = (await app.openSession(id, otherBrandKey)).auth_token;
    expect(await figuresOf(fresh)).toMatchObject({ rounds_since_login: 0, balance_since_login: 0 });
    await players.tell(id, [event('win', 4)]);
    expect(await figuresOf(fresh)).toMatchObject({ rounds_since_login: 0, balance_since_login: 4 });
    expect(await figuresOf(token)).toMatchObject({ rounds_since_login: 1, balance_since_login: 2 });
  });

  it('of an unknown player, or another brand’s, are 404', async () => {
    for (const id of ['nobody-knows-me', '1001']) {
      const path = `/internal/players/${id}/events`;
      expectAnswer(
        await players.tell(id, [event('bet', 1)]),
        404,
        problem(404, errorText.userNotFound, path),
      );
    }
  });

  it('are kept with what the platform said of them', async () => {
    const { id } = await players.create();
    await players.tell(id, [
      event('bet', 1),
      event('bet', 2, { id: 'with-data', data: { game: 'a"b\\c,{}' } }),
    ]);
    const rows = await app.sql(
      'select id, type, amount, data from player_events where player_id = $1 and id = $2',
      [id, 'with-data'],
    );
    expect(rows).toEqual([{ id: 'with-data', type: 1, amount: '200', data: { game: 'a"b\\c,{}' } }]);
  });
});

describe('an event that breaks a rule', () => {
  const at = '2026-01-31T12:00:00Z';
  const good = { id: 'x', type: 'bet', amount: 1, at };
  const cases: [what: string, event: unknown, field: string, error: string][] = [
    ['is no object', 'x', 'events[1]', errorText.eventNotAnObject],
    ['is a list', [], 'events[1]', errorText.eventNotAnObject],
    ['has no id', { ...good, id: undefined }, 'events[1].id', errorText.eventId],
    ['has an id that no path takes', { ...good, id: '../x' }, 'events[1].id', errorText.eventId],
    ['has an id too long', { ...good, id: 'x'.repeat(101) }, 'events[1].id', errorText.eventId],
    ['has no known type', { ...good, type: 'constructor' }, 'events[1].type', errorText.eventType],
    ['has no amount', { ...good, amount: undefined }, 'events[1].amount', errorText.eventAmount],
    ['has a text for an amount', { ...good, amount: '1' }, 'events[1].amount', errorText.eventAmount],
    ['has an amount below 0', { ...good, amount: -1 }, 'events[1].amount', errorText.eventAmount],
    [
      'has a decimal too many',
      { ...good, amount: 1.005 },
      'events[1].amount',
      errorText.notAnAmount('events[1].amount'),
    ],
    [
      'has too large an amount',
      { ...good, amount: 1e12 },
      'events[1].amount',
      errorText.notAnAmount('events[1].amount'),
    ],
    ['has no time', { ...good, at: undefined }, 'events[1].at', errorText.eventTime],
    [
      'has a time without a zone',
      { ...good, at: '2026-01-31 12:00:00' },
      'events[1].at',
      errorText.eventTime,
    ],
    ['lies in the future', { ...good, at: '2999-01-01T00:00:00Z' }, 'events[1].at', errorText.eventInFuture],
    ['has data that is no object', { ...good, data: 'x' }, 'events[1].data', errorText.eventData],
    ['has a list for data', { ...good, data: [] }, 'events[1].data', errorText.eventData],
    ['has too much data', { ...good, data: { x: 'x'.repeat(4000) } }, 'events[1].data', errorText.eventData],
    [
      'has another key',
      { ...good, other: 1 },
      'events[1].other',
      errorText.unknownKey('other', 'events[1].other'),
    ],
  ];

  it.each(cases)('%s: nothing of the batch is taken', async (_what, wrong, field, error) => {
    const { id, token } = await players.create();
    const path = `/internal/players/${id}/events`;
    expectAnswer(await players.tell(id, [event('bet', 1), wrong]), 400, problem(400, error, path, field));
    expectAnswer(await players.status(token), 200, printedStatus());
  });

  it.each([
    [{}, errorText.eventsNotAList],
    [{ events: {} }, errorText.eventsNotAList],
    [{ events: Array.from({ length: 10_001 }, () => 1) }, errorText.tooManyEvents],
    [{ events: [], other: 1 }, errorText.unknownKey('other')],
  ])('or stands in none: %#', async (body, error) => {
    const { id } = await players.create();
    const path = `/internal/players/${id}/events`;
    const answer = await app.call('POST', path, { token: otherBrandKey, body });
    expectAnswer(answer, 400, problem(400, error, path, 'other' in body ? 'other' : 'events'));
  });
});
