import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sha256 } from '../../src/common/secrets.js';
import { change, newPlayerId, printed } from '../support/consents.js';
import { errorText, problem } from '../support/errors.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

const expectBody = (answer: Answer, status: number, body: string) => {
  expect(answer.text).toBe(body);
  expect(answer.status).toBe(status);
};

const unknownPerson = {
  ...{
    firstName: null,
    lastName: null,
    birthdate: null,
    gender: null,
    country: null,
    city: null,
    address: null,
  },
  ...{ zipPostalCode: null, phone: null },
  ...{ email: null, emailVerified: false, is2faRequired: false, realityCheck: 'no_limit' },
};

describe('PUT /internal/players/:id', () => {
  const put = (player: string, body: unknown, token?: string) =>
    app.call('PUT', `/internal/players/${player}`, { body, token });
  const text = (player: string, values: Record<string, unknown> = {}) =>
    JSON.stringify({
      player_id: player,
      origin: null,
      currency: null,
      language: null,
      bTag: null,
      testAccount: false,
      ...unknownPerson,
      ...values,
    });

  it('creates a player, changes what is given, and clears what is null', async () => {
    const player = newPlayerId();
    expectBody(await put(player, {}), 200, text(player));
    const all = { origin: 'site.example', currency: 'SEK', language: 'sv', bTag: 'aff-1', testAccount: true };
    expectBody(await put(player, all), 200, text(player, all));
    expectBody(await put(player, { currency: 'NOK' }), 200, text(player, { ...all, currency: 'NOK' }));
    expectBody(
      await put(player, { origin: null, bTag: null }),
      200,
      text(player, { ...all, currency: 'NOK', origin: null, bTag: null }),
    );
    const { changes } = (await app.call('GET', `/internal/players/${player}/changes`)).as<{
      changes: Record<string, string | null>[];
    }>();
    expect(changes.map(({ field, before, after }) => [field, before, after]).reverse()).toEqual([
      ['origin', null, 'site.example'],
      ['currency', null, 'SEK'],
      ['bTag', null, 'aff-1'],
      ['testAccount', 'false', 'true'],
      ['language', null, 'sv'],
      ['currency', 'SEK', 'NOK'],
      ['origin', 'site.example', null],
      ['bTag', 'aff-1', null],
    ]);
    expectBody(await app.call('GET', `/userconsents/${player}`), 200, printed());
  });

  it('leaves the consents of a known player alone', async () => {
    const player = newPlayerId();
    await app.call('POST', `/userconsents/${player}`, { body: { consents: change('email', true) } });
    await put(player, { language: 'de' });
    expectBody(await app.call('GET', `/userconsents/${player}`), 200, printed({ email: true }));
  });

  it('keeps the brands apart', async () => {
    const player = newPlayerId();
    await put(player, { bTag: 'one' });
    expectBody(await put(player, { language: 'fr' }, otherBrandKey), 200, text(player, { language: 'fr' }));
    expectBody(await put(player, {}), 200, text(player, { bTag: 'one' }));
  });

  const cases: [string, unknown, string, string][] = [
    ['an unknown key', { shoeSize: 43 }, 'shoeSize', errorText.unknownKey('shoeSize')],
    ['another id', { player_id: 'x' }, 'player_id', errorText.unknownKey('player_id')],
    ['a currency that is none', { currency: 'Euro' }, 'currency', 'currency must be an ISO 4217 code'],
    ['a currency that could be', { currency: 'ZZZ' }, 'currency', 'currency must be an ISO 4217 code'],
    ['a language that is none', { language: 'english' }, 'language', 'language must be an ISO 639-1 code'],
    ['a number for a text', { origin: 5 }, 'origin', 'origin must be a string'],
    [
      'a text too long',
      { bTag: 'x'.repeat(201) },
      'bTag',
      'bTag must be shorter than or equal to 200 characters',
    ],
    ['null for a boolean', { testAccount: null }, 'testAccount', 'testAccount must be a boolean value'],
  ];
  it.each(cases)('refuses %s', async (_name, body, field, error) => {
    const before = await app.countRows();
    expectBody(await put('refused', body), 400, problem(400, error, '/internal/players/refused', field));
    expect(await app.countRows()).toEqual(before);
  });

  it('refuses ids that are none', async () => {
    for (const id of ['import', 'withdraw', 'a.b', 'x'.repeat(65)]) {
      const expected = problem(400, errorText.badPlayerId, `/internal/players/${id}`, 'id');
      expectBody(await put(id, {}), 400, expected);
    }
  });
});

describe('PUT /internal/players/:id/blocks', () => {
  const put = (player: string, body: unknown, token?: string) =>
    app.call('PUT', `/internal/players/${player}/blocks`, { body, token });
  const text = (excluded: object, blocked: object) =>
    JSON.stringify({
      excluded: { active: false, note: '', until: null, ...excluded },
      blocked: { active: false, note: '', ...blocked },
    });

  it('sets what is given and leaves the rest, creating an unknown player', async () => {
    const player = newPlayerId();
    expectBody(await put(player, {}), 200, text({}, {}));
    expectBody(
      await put(player, { blocked: { active: true, note: 'b' } }),
      200,
      text({}, { active: true, note: 'b' }),
    );
    const until = '2099-06-30T22:00:00.000Z';
    expectBody(
      await put(player, { excluded: { active: true, note: 'e', until: '2099-07-01T00:00:00+02:00' } }),
      200,
      text({ active: true, note: 'e', until }, { active: true, note: 'b' }),
    );
    expectBody(
      await put(player, { excluded: { active: true, note: 'longer' } }),
      200,
      text({ active: true, note: 'longer' }, { active: true, note: 'b' }),
    );
    expectBody(
      await put(player, { blocked: { active: false } }),
      200,
      text({ active: true, note: 'longer' }, {}),
    );
    expectBody(await put(player, { excluded: { active: false } }), 200, text({}, {}));
  });

  it('writes an event for each change, and tells the CRM of both kinds', async () => {
    const token = otherBrandKey;
    await app.call('PATCH', '/api/brands/2', {
      token,
      body: { crm: { enabled: true, baseUrl: 'https://crm.example' } },
    });
    const player = newPlayerId();
    const counts = async () => {
      const [row] = await app.sql(
        `select (select array_agg(kind order by seq) from consent_events where brand_id = 2 and player_id = $1) as events,
           (select array_agg(kind order by id) from outbox where brand_id = 2 and player_id = $1) as outbox`,
        [player],
      );
      return row;
    };
    await app.call('POST', `/userconsents/${player}`, {
      token,
      body: { consents: change('email', true, ['casino']) },
    });
    expect(await counts()).toEqual({ events: [1], outbox: [1] });
    await put(player, { blocked: { active: true, note: 'x' } }, token);
    expect(await counts()).toEqual({ events: [1, 8], outbox: [1, 1, 2] });
    await put(player, { blocked: { active: true, note: 'x' } }, token);
    expect(await counts()).toEqual({ events: [1, 8], outbox: [1, 1, 2] });
    await put(player, { blocked: { active: false } }, token);
    expect(await counts()).toEqual({ events: [1, 8, 9], outbox: [1, 1, 2, 1, 2] });
    await put(player, { excluded: { active: true, note: 'y' } }, token);
    const [, , , ...rest] = (await counts())?.events as number[];
    expect([...rest].sort()).toEqual([3, 5]);
    await put(player, { excluded: { active: false } }, token);
    expect((await counts())?.outbox).toEqual([1, 1, 2, 1, 2, 1, 2, 2]);
  });

  const future = '2099-01-01T00:00:00Z';
  const cases: [string, unknown, string, string][] = [
    ['an unknown key', { banned: { active: true } }, 'banned', errorText.unknownKey('banned')],
    [
      'an end for a block',
      { blocked: { active: true, until: future } },
      'blocked.until',
      errorText.unknownKey('until', 'blocked.until'),
    ],
    ['null for an exclusion', { excluded: null }, 'excluded', 'excluded must be an object'],
    ['a list for an exclusion', { excluded: [] }, 'excluded', 'excluded must be an object'],
    ['active missing', { excluded: {} }, 'excluded.active', 'excluded.active must be a boolean value'],
    [
      'active a text',
      { blocked: { active: 'yes' } },
      'blocked.active',
      'blocked.active must be a boolean value',
    ],
    [
      'a note that is no text',
      { blocked: { active: true, note: 5 } },
      'blocked.note',
      'blocked.note must be a string',
    ],
    [
      'a note too long',
      { blocked: { active: true, note: 'x'.repeat(1001) } },
      'blocked.note',
      'blocked.note must be shorter than or equal to 1000 characters',
    ],
    [
      'an end that is none',
      { excluded: { active: true, until: 'soon' } },
      'excluded.until',
      errorText.badUntil,
    ],
    [
      'a day of no calendar',
      { excluded: { active: true, until: '2099-02-30T00:00:00Z' } },
      'excluded.until',
      errorText.badUntil,
    ],
    [
      'an end in the past',
      { excluded: { active: true, until: '2020-01-01T00:00:00Z' } },
      'excluded.until',
      errorText.untilInPast,
    ],
    [
      'an end of no exclusion',
      { excluded: { active: false, until: future } },
      'excluded.until',
      errorText.untilWithoutExclusion,
    ],
  ];
  it.each(cases)('refuses %s', async (_name, body, field, error) => {
    const before = await app.countRows();
    expectBody(
      await put('refused', body),
      400,
      problem(400, error, '/internal/players/refused/blocks', field),
    );
    expect(await app.countRows()).toEqual(before);
  });
});

describe('/internal/sessions', () => {
  const open = (body: unknown, token?: string) => app.call('POST', '/internal/sessions', { body, token });

  it('gives the session’s id, its token and its end', async () => {
    const answer = await open({ player_id: '1001' });
    const { id, auth_token, expires_at } = answer.as<{
      id: string;
      auth_token: string;
      expires_at: string;
    }>();
    expectBody(answer, 201, JSON.stringify({ id, auth_token, expires_at }));
    expect(auth_token).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Math.abs(Date.parse(expires_at) - Date.now() - 43_200_000)).toBeLessThan(10_000);
    const [row] = await app.sql('select brand_id, player_id, token_hash from sessions where id = $1', [id]);
    expect(row).toEqual({ brand_id: 1, player_id: '1001', token_hash: sha256(auth_token) });
  });

  it('takes a length of its own', async () => {
    const { expires_at } = (await open({ player_id: '1001', ttl: 90 })).as<{ expires_at: string }>();
    expect(Math.abs(Date.parse(expires_at) - Date.now() - 90_000)).toBeLessThan(10_000);
  });

  it('knows only the brand’s players', async () => {
    const notFound = problem(404, errorText.userNotFound, '/internal/sessions');
    expectBody(await open({ player_id: 'nobody' }), 404, notFound);
    expectBody(await open({ player_id: '1001' }, otherBrandKey), 404, notFound);
  });

  it('ends a session once, by its id and never by its token', async () => {
    const { id, auth_token: token } = await app.openSession('1002');
    const end = (name: string, key?: string) =>
      app.call('DELETE', `/internal/sessions/${name}`, { token: key });
    expectBody(await end(token), 404, problem(404, errorText.noSuchSession, `/internal/sessions/${token}`));
    const notFound = problem(404, errorText.noSuchSession, `/internal/sessions/${id}`);
    expectBody(await end(id, otherBrandKey), 404, notFound);
    expect((await app.call('GET', '/userconsents/1002', { token })).status).toBe(403);
    expectBody(await end(id), 204, '');
    expect((await app.call('GET', '/userconsents/1002', { token })).status).toBe(401);
    expectBody(await end(id), 404, notFound);
    expectBody(await end('none'), 404, problem(404, errorText.notFound, '/internal/sessions/none'));
  });

  const cases: [string, unknown, string, string][] = [
    ['no player', {}, 'player_id', errorText.sessionPlayer],
    ['a player’s number', { player_id: 1001 }, 'player_id', errorText.sessionPlayer],
    ['no time at all', { player_id: '1001', ttl: 0 }, 'ttl', 'ttl must not be less than 1'],
    [
      'more than a year',
      { player_id: '1001', ttl: 31_536_001 },
      'ttl',
      'ttl must not be greater than 31536000',
    ],
    ['a text for a time', { player_id: '1001', ttl: '60' }, 'ttl', 'ttl must be an integer number'],
    ['an unknown key', { player_id: '1001', token: 'mine' }, 'token', errorText.unknownKey('token')],
  ];
  it.each(cases)('refuses %s', async (_name, body, field, error) => {
    expectBody(await open(body), 400, problem(400, error, '/internal/sessions', field));
  });
});
