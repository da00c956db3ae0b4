import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { change, newPlayerId, printed } from '../support/consents.js';
import { crmError, errorText } from '../support/errors.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

interface HistoryEvent {
  id: string;
  channel: string;
  before: Record<string, unknown>;
  after: Record<string, unknown>;
  actor: string;
  source: string;
  occurred_at: string;
  recorded_at: string;
  evidence: Record<string, unknown> | null;
}
interface History {
  events: HistoryEvent[];
  next: string | null;
}

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

const post = (player: string, consents: unknown, headers: Record<string, string> = {}) =>
  app.call('POST', `/userconsents/${player}`, { body: { consents }, headers });
const read = (player: string, query = '') => app.call('GET', `/userconsents/${player}${query}`);
const history = async (player: string, query = '') => (await read(player, `/history${query}`)).as<History>();
const setBlocks = (player: string, body: unknown) =>
  app.call('PUT', `/internal/players/${player}/blocks`, { body });
const expectBody = (answer: Answer, status: number, body: string) => {
  expect(answer.text).toBe(body);
  expect(answer.status).toBe(status);
};
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const databaseTime = async () => {
  await pause(2);
  const [row] = await app.sql<{ now: Date }>('select clock_timestamp() as now');
  await pause(3);
  return row?.now.toISOString() ?? '';
};

describe('GET /userconsents/:userid/history', () => {
  it('tells every change, newest first, letter by letter', async () => {
    const player = newPlayerId();
    const headers = { 'user-agent': 'CRM/1.0', origin: 'https://crm.example' };
    await post(player, change('email', true, ['sportsbook', 'casino']), headers);
    await post(player, [change('email', false), change('siteNotification', true)], headers);
    const answer = await read(player, '/history');
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    const { events } = answer.as<History>();
    const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
    for (const event of events) {
      expect(event.occurred_at).toMatch(instant);
      expect(event.recorded_at).toMatch(instant);
      expect(Math.abs(Date.now() - Date.parse(event.recorded_at))).toBeLessThan(10_000);
    }
    const times = (index: number) =>
      `"occurred_at":"${events[index]?.occurred_at}","recorded_at":"${events[index]?.recorded_at}"`;
    const rest = (index: number) =>
      `"actor":"client:demo","source":"userconsents",${times(index)},` +
      '"evidence":{"ip":"127.0.0.1","user_agent":"CRM/1.0","origin":"https://crm.example"}}';
    expect(answer.text).toBe(
      `{"events":[{"id":"${player}:3","channel":"siteNotification","before":{"opted_in":false},"after":{"opted_in":true},${rest(0)},` +
        `{"id":"${player}:2","channel":"email","before":{"opted_in":true,"products":["casino","sports"]},"after":{"opted_in":false},${rest(1)},` +
        `{"id":"${player}:1","channel":"email","before":{"opted_in":false},"after":{"opted_in":true,"products":["casino","sports"]},${rest(2)}],"next":null}`,
    );
  });

  it('is read page by page', async () => {
    const player = newPlayerId();
    for (let round = 0; round < 7; round++) await post(player, change('sms', round % 2 === 0));
    const pages: string[][] = [];
    for (let query = '?limit=3'; query; ) {
      const { events, next } = await history(player, query);
      pages.push(events.map(({ id }) => id.slice(player.length)));
      query = next === null ? '' : `?limit=3&cursor=${next}`;
    }
    expect(pages).toEqual([[':7', ':6', ':5'], [':4', ':3', ':2'], [':1']]);
    expect((await history(player, '?limit=7')).next).toBeNull();
    expect((await history(player)).events).toHaveLength(7);
  });

  it('is empty for a player with no event, and unknown for an unknown player or another brand’s', async () => {
    expectBody(await read('1004', '/history'), 200, '{"events":[],"next":null}');
    expectBody(await read('nobody', '/history'), 404, crmError(404, errorText.userNotFound));
    const foreign = await app.call('GET', '/userconsents/1001/history', { token: otherBrandKey });
    expectBody(foreign, 404, crmError(404, errorText.userNotFound));
  });

  it.each([
    ['limit=0', errorText.limitTooSmall],
    ['limit=1001', errorText.limitTooLarge],
    ['limit=1.5', errorText.limitNotInteger],
    ['limit=ten', errorText.limitNotInteger],
    ['cursor=zzz', errorText.badCursor],
    ['cursor=', errorText.badCursor],
    ['cursor=LTE', errorText.badCursor],
  ])('refuses %s', async (query, error) => {
    expectBody(await read('1001', `/history?${query}`), 400, crmError(400, error));
  });

  it('says that evidence was erased, and keeps the event', async () => {
    const player = newPlayerId();
    await post(player, change('email', true));
    await app.sql('delete from event_evidence where brand_id = 1 and player_id = $1', [player]);
    const { events } = await history(player);
    expect(events.map(({ evidence }) => evidence)).toEqual([{ erased: true }]);
  });

  it('tells of blocks and exclusions as events of their own', async () => {
    const player = newPlayerId();
    await post(player, change('email', true, ['casino']));
    const until = new Date(Date.now() + 86_400_000).toISOString();
    await setBlocks(player, { blocked: { active: true, note: 'chargeback' } });
    await setBlocks(player, { excluded: { active: true, note: 'asked by mail', until } });
    await setBlocks(player, { excluded: { active: false }, blocked: { active: false } });
    const { events } = await history(player);
    expect(events.map(({ channel, before, after, source }) => ({ channel, before, after, source }))).toEqual([
      { channel: 'excluded', before: { active: true }, after: { active: false }, source: 'internal' },
      { channel: 'blocked', before: { active: true }, after: { active: false }, source: 'internal' },
      {
        channel: 'email',
        before: { opted_in: true, products: ['casino'] },
        after: { opted_in: false },
        source: 'internal',
      },
      { channel: 'excluded', before: { active: false }, after: { active: true, until }, source: 'internal' },
      { channel: 'blocked', before: { active: false }, after: { active: true }, source: 'internal' },
      {
        channel: 'email',
        before: { opted_in: false },
        after: { opted_in: true, products: ['casino'] },
        source: 'userconsents',
      },
    ]);
  });
});

describe('GET /userconsents/:userid?at=', () => {
  it('prints what was in force then', async () => {
    const player = newPlayerId();
    const instants = [await databaseTime()];
    const acts: [unknown, string][] = [
      [change('email', true, ['casino', 'lottery']), printed({ email: ['casino', 'lottery'] })],
      [change('sms', true), printed({ email: ['casino', 'lottery'], sms: true })],
      [change('email', true, ['sports']), printed({ email: ['sports'], sms: true })],
      [[change('email', false), change('sms', false)], printed()],
    ];
    for (const [consents] of acts) {
      await post(player, consents);
      instants.push(await databaseTime());
    }
    const expected = [printed(), ...acts.map(([, body]) => body)];
    for (const [index, at] of instants.entries()) {
      expectBody(await read(player, `?at=${at}`), 200, expected[index] ?? '');
    }
    const shifted = (instants[2] ?? '').replace('Z', '%2B00:00');
    expectBody(await read(player, `?at=${shifted}`), 200, expected[2] ?? '');
  });

  it('counts the very instant of a change as after it', async () => {
    const player = newPlayerId();
    await post(player, change('email', true));
    await pause(5);
    await post(player, change('email', false));
    const { events } = await history(player);
    const rounded = new Date(Date.parse(events[1]?.occurred_at ?? '') + 1).toISOString();
    expectBody(await read(player, `?at=${rounded}`), 200, printed({ email: true }));
  });

  it('and the history tell what was recorded, whatever the brand requires today', async () => {
    const token = otherBrandKey;
    const player = newPlayerId();
    const send = (method: string, path: string, body?: unknown) => app.call(method, path, { token, body });
    await send('POST', `/userconsents/${player}`, { consents: change('telephone', true) });
    const at = await databaseTime();
    await send('PATCH', '/api/brands/2', { productsRequiredOn: ['telephone'] });
    expectBody(await send('GET', `/userconsents/${player}`), 200, printed());
    expectBody(await send('GET', `/userconsents/${player}?at=${at}`), 200, printed({ telephone: true }));
    const { events } = (await send('GET', `/userconsents/${player}/history`)).as<History>();
    expect(events.map(({ after }) => after)).toEqual([{ opted_in: true }]);
    await send('PATCH', '/api/brands/2', { productsRequiredOn: [] });
  });

  it('silences while a block or an exclusion held', async () => {
    const player = newPlayerId();
    await post(player, [change('email', true), change('sms', true)]);
    const granted = await databaseTime();
    await setBlocks(player, { blocked: { active: true, note: '' } });
    const blocked = await databaseTime();
    await setBlocks(player, { blocked: { active: false, note: '' } });
    const lifted = await databaseTime();
    await setBlocks(player, { excluded: { active: true, note: '' } });
    const excluded = await databaseTime();
    await setBlocks(player, { excluded: { active: false } });
    const ended = await databaseTime();
    const both = printed({ email: true, sms: true });
    expectBody(await read(player, `?at=${granted}`), 200, both);
    expectBody(await read(player, `?at=${blocked}`), 200, printed());
    expectBody(await read(player, `?at=${lifted}`), 200, both);
    expectBody(await read(player, `?at=${excluded}`), 200, printed());
    expectBody(await read(player, `?at=${ended}`), 200, printed());
  });

  it.each([
    ['', errorText.badInstant],
    ['yesterday', errorText.badInstant],
    ['2026-01-31', errorText.badInstant],
    ['2026-01-31T12:00:00', errorText.badInstant],
    ['2026-13-31T12:00:00Z', errorText.badInstant],
    ['2026-02-30T12:00:00Z', errorText.badInstant],
    ['2026-02-29T12:00:00Z', errorText.badInstant],
    ['2026-02-28T24:30:00Z', errorText.badInstant],
    ['0000-01-01T00:00:00Z', errorText.badInstant],
    ['1769860800', errorText.badInstant],
    ['2999-01-01T00:00:00Z', errorText.futureInstant],
    ['2026-01-01T00:00:00Z&at=2026-01-02T00:00:00Z', errorText.instantTwice],
  ])('refuses at=%s', async (at, error) => {
    expectBody(await read('1001', `?at=${at}`), 400, crmError(400, error));
  });

  it('knows no unknown player', async () => {
    expectBody(await read('nobody', '?at=2026-01-01T00:00:00Z'), 404, crmError(404, errorText.userNotFound));
  });
});

describe('GET /userconsents/:userid/decision', () => {
  const decide = (player: string, query: string, token?: string) =>
    app.call('GET', `/userconsents/${player}/decision?${query}`, { token });
  const expectDecision = (answer: Answer, allowed: boolean, reasons: Record<string, string>[]) =>
    expectBody(answer, 200, JSON.stringify({ allowed, reasons }));

  it('allows what was consented to, naming the event', async () => {
    const player = newPlayerId();
    await post(player, [change('email', true, ['casino', 'sports']), change('sms', true)]);
    const forSports = { code: 'opted_in_for_product', text: 'the player is opted in to email for sports' };
    expectDecision(await decide(player, 'channel=email&product=sports'), true, [
      { ...forSports, event_id: `${player}:1` },
    ]);
    const alias = await decide(player, 'channel=email&product=sportsbook');
    expect(alias.as<{ allowed: boolean }>().allowed).toBe(true);
    const open = {
      code: 'opted_in',
      text: 'the player is opted in to sms, not limited to products',
      event_id: `${player}:2`,
    };
    expectDecision(await decide(player, 'channel=sms&product=bingo'), true, [open]);
    expectDecision(await decide(player, 'channel=sms'), true, [open]);
  });

  it('refuses what was not, with the reason and the event', async () => {
    const player = newPlayerId();
    await post(player, [change('email', true, ['casino', 'sports']), change('sms', true)]);
    await post(player, change('sms', false));
    expectDecision(await decide(player, 'channel=email&product=bingo'), false, [
      {
        code: 'product_not_included',
        text: 'the player is opted in to email for casino, sports, not for bingo',
        event_id: `${player}:1`,
      },
    ]);
    expectDecision(await decide(player, 'channel=email'), false, [
      {
        code: 'product_not_named',
        text: 'the player is opted in to email only for casino, sports: name the product of the message',
        event_id: `${player}:1`,
      },
    ]);
    expectDecision(await decide(player, 'channel=sms&product=casino'), false, [
      { code: 'withdrawn', text: 'consent to sms was withdrawn', event_id: `${player}:3` },
    ]);
    expectDecision(await decide(player, 'channel=siteNotifiction'), false, [
      { code: 'no_choice_recorded', text: 'the player never consented to siteNotification' },
    ]);
  });

  it('refuses a consent without products where the brand requires them', async () => {
    const token = otherBrandKey;
    const player = newPlayerId();
    const body = { consents: [change('email', true), change('sms', true)] };
    await app.call('POST', `/userconsents/${player}`, { token, body });
    await app.call('PATCH', '/api/brands/2', { token, body: { productsRequiredOn: ['email'] } });
    const reason = {
      code: 'products_required',
      text: 'the brand requires consent by product on email, and the player gave it without products',
      event_id: `${player}:1`,
    };
    expectDecision(await decide(player, 'channel=email&product=casino', token), false, [reason]);
    expectDecision(await decide(player, 'channel=email', token), false, [reason]);
    const sms = await decide(player, 'channel=sms&product=casino', token);
    expect(sms.as<{ allowed: boolean }>().allowed).toBe(true);
  });

  it('refuses whatever was granted while the player is excluded or blocked, and gives every reason', async () => {
    const player = newPlayerId();
    await post(player, [change('email', true), change('sms', true)]);
    await setBlocks(player, { blocked: { active: true, note: '' } });
    const blocked = { code: 'blocked', text: 'the player is blocked', event_id: `${player}:3` };
    expectDecision(await decide(player, 'channel=sms'), false, [blocked]);
    await setBlocks(player, { excluded: { active: true, note: '' } });
    const answer = await decide(player, 'channel=email');
    const { allowed, reasons } = answer.as<{
      allowed: boolean;
      reasons: { code: string; event_id: string }[];
    }>();
    expect(allowed).toBe(false);
    expect(reasons.map(({ code }) => code)).toEqual(['excluded', 'blocked', 'withdrawn']);
    const { events } = await history(player);
    const channelOf = new Map(events.map(({ id, channel }) => [id, channel]));
    expect(reasons.map((reason) => channelOf.get(reason.event_id))).toEqual(['excluded', 'blocked', 'email']);
  });

  it.each([
    ['', errorText.unknownChannel('channel')],
    ['channel=chat', errorText.unknownChannel('channel')],
    ['channel=email&channel=sms', errorText.unknownChannel('channel')],
    ['channel=email&product=slots', errorText.unknownProduct('product', 'slots')],
  ])('refuses “%s”', async (query, error) => {
    expectBody(await decide('1001', query), 400, crmError(400, error));
  });

  it('knows no unknown player', async () => {
    expectBody(await decide('nobody', 'channel=email'), 404, crmError(404, errorText.userNotFound));
    expectBody(
      await decide('1001', 'channel=email', otherBrandKey),
      404,
      crmError(404, errorText.userNotFound),
    );
  });
});

describe('GET /userblocks/:userid', () => {
  const blocks = (player: string, token?: string) => app.call('GET', `/userblocks/${player}`, { token });
  const text = (excluded: [boolean, string], blocked: [boolean, string]) =>
    `{"blocks":[{"active":${excluded[0]},"type":"Excluded","note":${JSON.stringify(excluded[1])}},` +
    `{"active":${blocked[0]},"type":"Blocked","note":${JSON.stringify(blocked[1])}}]}`;

  it('prints exactly two items', async () => {
    expectBody(await blocks('1001'), 200, text([false, ''], [false, '']));
    expectBody(await blocks('1005'), 200, text([true, 'self-excluded in the demo'], [false, '']));
    const player = newPlayerId();
    await setBlocks(player, { blocked: { active: true, note: 'über "alles"' } });
    const answer = await blocks(player);
    expectBody(answer, 200, text([false, ''], [true, 'über "alles"']));
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('knows no unknown player, and none of another brand', async () => {
    expectBody(await blocks('nobody'), 404, crmError(404, errorText.userNotFound));
    expectBody(await blocks('1005', otherBrandKey), 404, crmError(404, errorText.userNotFound));
    expectBody(await blocks('import'), 400, crmError(400, errorText.badUserId));
  });
});

describe('an exclusion or a block', () => {
  it('silences every channel at once; the end of a block brings them back', async () => {
    const player = newPlayerId();
    const granted = printed({ email: ['casino'], telephone: true });
    await post(player, [change('email', true, ['casino']), change('telephone', true)]);
    await setBlocks(player, { blocked: { active: true, note: 'fraud' } });
    expectBody(await read(player), 200, printed());
    await setBlocks(player, { blocked: { active: false } });
    expectBody(await read(player), 200, granted);
  });

  it('refuses a grant, naming itself, and takes a withdrawal', async () => {
    const player = newPlayerId();
    await post(player, [change('email', true), change('sms', true)]);
    await setBlocks(player, { blocked: { active: true, note: '' } });
    const refusedAs = (reason: 'self-excluded' | 'blocked') =>
      crmError(400, errorText.cannotOptIn(player, reason));
    expectBody(await post(player, change('email', true)), 400, refusedAs('blocked'));
    expectBody(await post(player, change('postMail', true, ['casino'])), 400, refusedAs('blocked'));
    expectBody(
      await post(player, [change('sms', false), change('postMail', true)]),
      400,
      refusedAs('blocked'),
    );
    expectBody(await post(player, change('email', false)), 200, printed());
    await setBlocks(player, { blocked: { active: false } });
    expectBody(await read(player), 200, printed({ sms: true }));

    await setBlocks(player, { excluded: { active: true }, blocked: { active: true } });
    expectBody(await post(player, change('email', true)), 400, refusedAs('self-excluded'));
    expectBody(await post(player, change('sms', false)), 200, printed());
    expectBody(await post(player, change('sms', true, [])), 200, printed());
  });

  it('ends without bringing anything back, if it was a self-exclusion: only a later grant counts', async () => {
    const player = newPlayerId();
    await post(player, [change('email', true), change('sms', true, ['casino'])]);
    await setBlocks(player, { excluded: { active: true } });
    expectBody(await read(player), 200, printed());
    await setBlocks(player, { excluded: { active: false } });
    expectBody(await read(player), 200, printed());
    expectBody(await post(player, change('sms', true)), 200, printed({ sms: true }));
    const { events } = await history(player);
    expect(events.at(-1)?.after).toEqual({ opted_in: true });
  });

  it('with an end ends by itself, for readers and writers at once', async () => {
    const player = newPlayerId();
    await post(player, change('email', true));
    const until = new Date(Date.now() + 1_200).toISOString();
    const answer = await setBlocks(player, { excluded: { active: true, note: 'a second', until } });
    expectBody(
      answer,
      200,
      `{"excluded":{"active":true,"note":"a second","until":"${until}"},"blocked":{"active":false,"note":""}}`,
    );
    expectBody(
      await post(player, change('sms', true)),
      400,
      crmError(400, errorText.cannotOptIn(player, 'self-excluded')),
    );
    await pause(1_300);
    expectBody(
      await app.call('GET', `/userblocks/${player}`),
      200,
      '{"blocks":[{"active":false,"type":"Excluded","note":""},{"active":false,"type":"Blocked","note":""}]}',
    );
    expectBody(await read(player), 200, printed());
    const decision = await app.call('GET', `/userconsents/${player}/decision?channel=email`);
    const { reasons } = decision.as<{ reasons: { code: string }[] }>();
    expect(reasons.map(({ code }) => code)).toEqual(['withdrawn']);
    expectBody(await post(player, change('sms', true)), 200, printed({ sms: true }));
    const { events } = await history(player);
    expect(
      events
        .slice(0, 2)
        .map(({ channel, before, after, actor, source }) => [channel, before, after, actor, source]),
    ).toEqual([
      ['sms', { opted_in: false }, { opted_in: true }, 'client:demo', 'userconsents'],
      ['excluded', { active: true }, { active: false }, 'system', 'expiry'],
    ]);
    expect(events[1]?.occurred_at).toBe(until);
  });
});
