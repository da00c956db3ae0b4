import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newPlayerId } from '../support/consents.js';
import { customFieldsPath, gatewayError } from '../support/details.js';
import { errorText, problem } from '../support/errors.js';
import { createTestApp, demoKey, otherBrandKey, type TestApp } from '../support/test-app.js';

let app: TestApp;
let player: string;
let token: string;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());
beforeEach(async () => {
  player = newPlayerId();
  // Known by a consent alone: whoever has a session has custom fields.
  await app.call('POST', `/userconsents/${player}`, {
    body: { consents: [{ type: 'email', opted_in: true }] },
  });
  token = (await app.openSession(player)).auth_token;
});

const put = (body: unknown, method = 'PUT') =>
  app.call(method, customFieldsPath, { token, body, offDocument: method !== 'PUT' });
const read = async (as = token) => (await app.call('GET', customFieldsPath, { token: as })).text;
const success = '{"result":"success"}';
const printed = (team: string | null = null, number: number | null = null) =>
  JSON.stringify({
    strCustomFields: [{ id: 'favourite_team', name: 'Favourite team', value: team }],
    intCustomFields: [{ id: 'lucky_number', name: 'Lucky number', value: number }],
  });
const team = (value: unknown) => ({ strCustomFields: [{ id: 'favourite_team', value }] });
const number = (value: unknown) => ({ intCustomFields: [{ id: 'lucky_number', value }] });
const setFields = (customFields: unknown, key = demoKey) =>
  app.call('PATCH', `/api/brands/${key === demoKey ? 1 : 2}`, { token: key, body: { customFields } });

describe('custom fields', () => {
  it('are always listed, with or without a value', async () => {
    const answer = await app.call('GET', customFieldsPath, { token });
    expect([answer.status, answer.text]).toEqual([200, printed()]);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('are merged by id, and taken as they are printed', async () => {
    const steps: [object, string][] = [
      [team('Arsenal'), printed('Arsenal')],
      [number(7), printed('Arsenal', 7)],
      [{ ...team(''), ...number(Number.MIN_SAFE_INTEGER) }, printed('', Number.MIN_SAFE_INTEGER)],
      [{ ...team('Ärsenal 🎰'), ...number(0) }, printed('Ärsenal 🎰', 0)],
      [{}, printed('Ärsenal 🎰', 0)],
      [team(null), printed(null, 0)],
      [number(Number.MAX_SAFE_INTEGER), printed(null, Number.MAX_SAFE_INTEGER)],
    ];
    for (const [body, expected] of steps) {
      const { status, text } = await put(body);
      expect([status, text]).toEqual([200, success]);
      expect(await read()).toBe(expected);
    }
    const before = await app.countRows();
    expect((await put(await read())).text).toBe(success);
    expect(await app.countRows()).toEqual(before);
    const kept = await app.sql(
      `select field, before, after, actor from player_changes where player_id = $1 order by id limit 3`,
      [player],
    );
    expect(kept).toEqual([
      { field: 'customFields.favourite_team', before: null, after: 'Arsenal', actor: 'player' },
      { field: 'customFields.lucky_number', before: null, after: '7', actor: 'player' },
      { field: 'customFields.favourite_team', before: 'Arsenal', after: '', actor: 'player' },
    ]);
  });

  it('go by POST too', async () => {
    expect((await put(team('Leeds'), 'POST')).text).toBe(success);
    expect(await read()).toBe(printed('Leeds'));
  });

  const item = (id: unknown, value: unknown = 'x') => ({ id, value });
  const wrong: [string, unknown][] = [
    ['an id that there is not', { strCustomFields: [item('shoe_size')] }],
    ['a field of the other type', { strCustomFields: [item('lucky_number')] }],
    ['a text for a number', number('7')],
    ['a fraction', number(7.5)],
    ['a number that is not kept exactly', number(2 ** 53)],
    ['a number for a text', team(7)],
    ['a text too long', team('x'.repeat(2001))],
    ['no value', { strCustomFields: [{ id: 'favourite_team' }] }],
    ['no id', { strCustomFields: [{ value: 'x' }] }],
    ['a field twice', { strCustomFields: [item('favourite_team'), item('favourite_team', 'y')] }],
    ['an object for a list', { strCustomFields: item('favourite_team') }],
    ['null for a list', { strCustomFields: null }],
    ['null for a field', { strCustomFields: [null] }],
    ['a list', []],
    ['no JSON', '{'],
  ];
  it.each(wrong)('refuses %s, and saves nothing', async (_name, body) => {
    const before = await app.countRows();
    const all =
      typeof body === 'string' || Array.isArray(body) ? body : { ...number(3), ...(body as object) };
    const { status, text } = await put(all);
    expect([status, text]).toEqual([400, gatewayError.input]);
    expect(await read()).toBe(printed());
    expect(await app.countRows()).toEqual(before);
  });

  it('refuses a body too long, a brand that is none, and who has no session', async () => {
    const answers = [
      await put(team('x'.repeat(101_000))),
      await app.call('GET', customFieldsPath.replace(/1$/, '99'), { token }),
      await app.call('PUT', customFieldsPath.replace(/1$/, 'x'), { token, body: {} }),
      await app.call('GET', customFieldsPath, { token: null }),
      await app.call('PUT', customFieldsPath, { token: demoKey, body: {} }),
    ];
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [413, gatewayError.input],
      [400, gatewayError.brand],
      [400, gatewayError.brand],
      [401, gatewayError.token],
      [401, gatewayError.token],
    ]);
  });

  it('keep what each of many at once gave them', async () => {
    const bodies = Array.from({ length: 8 }, (_, index) =>
      index % 2 ? number(index) : team(`team ${index}`),
    );
    const answers = await Promise.all(bodies.map((body) => put(body)));
    expect(answers.map(({ text }) => text)).toEqual(bodies.map(() => success));
    const [kept] = await app.sql('select count(*)::integer as n from player_changes where player_id = $1', [
      player,
    ]);
    expect(kept).toEqual({ n: 8 });
  });
});

describe('a brand’s customFields', () => {
  const other = '/gateway/player-personal-details/1.0/custom-fields/2';

  it('are its own, in its order, and can be renamed and moved', async () => {
    await app.call('PUT', '/internal/players/theirs', { token: otherBrandKey, body: {} });
    const session = (await app.openSession('theirs', otherBrandKey)).auth_token;
    const get = async () => (await app.call('GET', other, { token: session })).text;
    expect(await get()).toBe('{"strCustomFields":[],"intCustomFields":[]}');
    const fields = [
      { id: 'b', name: 'Second', type: 'string' },
      { id: 'a', name: 'First', type: 'string' },
      { id: 'n', name: 'Number', type: 'int' },
    ];
    const answer = await setFields(fields, otherBrandKey);
    expect(answer.as<{ customFields: object[] }>().customFields).toEqual(fields);
    await app.call('PUT', other, {
      token: session,
      body: { strCustomFields: [{ id: 'a', value: 'kept' }] },
    });
    await setFields(
      [
        { id: 'a', name: 'Renamed', type: 'string' },
        { id: 'b', name: 'B', type: 'int' },
      ],
      otherBrandKey,
    );
    expect(await get()).toBe(
      '{"strCustomFields":[{"id":"a","name":"Renamed","value":"kept"}],"intCustomFields":[{"id":"b","name":"B","value":null}]}',
    );
    const path = '/api/brands/2';
    const refusals: [object[], string][] = [
      [[], '1 players still have a value of the custom field a: it cannot be removed'],
      [
        [{ id: 'a', name: 'A', type: 'int' }],
        '1 players still have a value of the custom field a: its type cannot be changed',
      ],
    ];
    for (const [body, error] of refusals) {
      const { status, text } = await setFields(body, otherBrandKey);
      expect([status, text]).toEqual([409, problem(409, error, path)]);
    }
    await app.call('PUT', other, {
      token: session,
      body: { strCustomFields: [{ id: 'a', value: null }] },
    });
    expect((await setFields([], otherBrandKey)).status).toBe(200);
    expect(await get()).toBe('{"strCustomFields":[],"intCustomFields":[]}');
  });

  const field = { id: 'a', name: 'A', type: 'string' };
  const idForm = 'must be 1 to 40 letters, digits, _ or -';
  const wrong: [string, unknown, string, string][] = [
    ['no list', 5, 'customFields', 'customFields must be an array'],
    ['an id twice', [field, field], 'customFields', errorText.unique('customFields')],
    ['a bad id', [{ ...field, id: 'a b' }], 'customFields[0].id', `customFields[0].id ${idForm}`],
    [
      'an empty name',
      [{ ...field, name: '' }],
      'customFields[0].name',
      'customFields[0].name must be longer than or equal to 1 characters',
    ],
    [
      'another type',
      [{ ...field, type: 'date' }],
      'customFields[0].type',
      'customFields[0].type must be one of the following values: string, int',
    ],
  ];
  it.each(wrong)('refuse %s', async (_name, body, name, error) => {
    const { status, text } = await setFields(body);
    expect([status, text]).toEqual([400, problem(400, error, '/api/brands/1', name)]);
  });
});
