import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sha256 } from '../../src/common/secrets.js';
import {
  demoPassword,
  expectAnswer,
  gatewayError,
  logIn,
  putPlayer,
  readDetails,
  sessionOf,
} from '../support/gateway.js';
import { detailsPath } from '../support/details.js';
import { createTestApp, type TestApp } from '../support/test-app.js';
import { otherBrandKey } from '../support/test-app.js';
import { errorText, problem } from '../support/errors.js';

let one: TestApp;
let two: TestApp;

beforeAll(async () => {
  one = await createTestApp();
  two = await createTestApp({ database: one.database });
});
afterAll(async () => {
  await two?.close();
  await one?.close();
});

const password = demoPassword;
const logOut = (app: TestApp, token: string) => app.call('POST', '/gateway/logout/1.0/1/player', { token });
const block = (app: TestApp, id: string, active: boolean) =>
  app.call('PUT', `/internal/players/${id}/blocks`, { body: { blocked: { active, note: 'test' } } });
const isLive = async (app: TestApp, token: string) => {
  const answer = await readDetails(app, token);
  if (answer.status !== 200) expectAnswer(answer, 401, gatewayError.token);
  return answer.status === 200;
};
const liveOnBoth = async (token: string) => [await isLive(one, token), await isLive(two, token)];

describe('a session', () => {
  it('ends with its log-out, at once on every instance, and no other with it', async () => {
    const [first, second] = [await sessionOf(one, '1001'), await sessionOf(two, '1001')];
    expect(await liveOnBoth(first)).toEqual([true, true]);
    expectAnswer(await logOut(one, first), 200, '{"result":"successful logout"}');
    expect(await liveOnBoth(first)).toEqual([false, false]);
    expectAnswer(await logOut(two, first), 401, gatewayError.token);
    expect(await liveOnBoth(second)).toEqual([true, true]);
  });

  it('is no way in beside another credential', async () => {
    const token = await sessionOf(one, '1001');
    const readWith = (headers: Record<string, string>) => one.call('GET', detailsPath, { token, headers });
    for (const [name, value] of [
      ['authorization', 'Bearer another'],
      ['authorization', 'x'],
      ['x-api-key', 'another'],
    ] as const)
      expectAnswer(await readWith({ [name]: value }), 401, gatewayError.token);
    expect((await readWith({ authorization: `Bearer ${token}` })).status).toBe(200);
  });

  it('is listed without its token, and ended, by operators of the brand', async () => {
    const token = await sessionOf(one, '1002');
    const { id } =
      (await one.sql<{ id: string }>('select id from sessions where token_hash = $1', [sha256(token)]))[0] ??
      {};
    const list = (key?: string) => one.call('GET', '/internal/sessions?player_id=1002', { token: key });
    const answer = await list();
    const [newest] = answer.as<{ sessions: Record<string, string>[] }>().sessions;
    expect(newest).toEqual({
      id,
      created_at: expect.stringMatching(/Z$/),
      seen_at: expect.stringMatching(/Z$/),
      expires_at: expect.stringMatching(/Z$/),
    });
    expect(answer.text).not.toContain(token);
    expectAnswer(await list(otherBrandKey), 200, '{"sessions":[]}');
    expect((await one.call('DELETE', `/internal/sessions/${id}`)).status).toBe(204);
    expect(await liveOnBoth(token)).toEqual([false, false]);
    expect(
      (await list()).as<{ sessions: { id: string }[] }>().sessions.map((session) => session.id),
    ).not.toContain(id);
    const text = 'player_id must be 1 to 64 letters, digits, _ or -';
    const refused = await one.call('GET', '/internal/sessions');
    expectAnswer(refused, 400, problem(400, text, '/internal/sessions', 'player_id'));
  });

  it('ends with the account’s block, in its transaction, on every instance', async () => {
    const tokens = [await sessionOf(one, '1003'), await sessionOf(two, '1003')];
    const others = await sessionOf(one, '1004');
    await block(two, '1003', true);
    for (const token of tokens) expect(await liveOnBoth(token)).toEqual([false, false]);
    expect(await liveOnBoth(others)).toEqual([true, true]);
    expectAnswer(await logIn(one, { user_name: 'player1003', password }), 401, gatewayError.credentials);
    const opened = await one.call('POST', '/internal/sessions', { body: { player_id: '1003' } });
    expectAnswer(opened, 409, problem(409, 'the player is blocked', '/internal/sessions'));
    await block(one, '1003', false);
    for (const token of tokens) expect(await liveOnBoth(token)).toEqual([false, false]);
    expect((await logIn(one, { user_name: 'player1003', password })).status).toBe(200);
  });

  it('is not left over by a log-in that meets a block', async () => {
    for (let turn = 0; turn < 5; turn++) {
      const [, ...answers] = await Promise.all([
        block(one, '1004', true),
        ...Array.from({ length: 6 }, (_, index) =>
          logIn(index % 2 ? one : two, { user_name: 'player1004', password }),
        ),
        two.call('POST', '/internal/sessions', { body: { player_id: '1004' } }),
      ]);
      for (const { status } of answers) expect([200, 201, 401, 409]).toContain(status);
      const [left] = await one.sql(
        'select count(*)::integer as live from sessions where player_id = $1 and ended_at is null',
        ['1004'],
      );
      expect(left).toEqual({ live: 0 });
      await block(one, '1004', false);
      await one.sql(`update attempt_counts set expires_at = now()`);
    }
  });

  it('ends when the operator sets a password, and the old one opens none', async () => {
    await putPlayer(one, '4001', { username: 'user4001', password: 'First-pass1' });
    const token = (await logIn(one, { user_name: 'user4001', password: 'First-pass1' })).as<{
      token: string;
    }>().token;
    expect(await liveOnBoth(token)).toEqual([true, true]);
    await putPlayer(two, '4001', { is2faRequired: false });
    expect(await liveOnBoth(token)).toEqual([true, true]);
    await putPlayer(two, '4001', { temporaryPassword: 'Second-pass2' });
    expect(await liveOnBoth(token)).toEqual([false, false]);
    expectAnswer(
      await logIn(one, { user_name: 'user4001', password: 'First-pass1' }),
      401,
      gatewayError.credentials,
    );
    const next = await logIn(one, { user_name: 'user4001', password: 'Second-pass2' });
    expect([next.status, next.as<{ result: string }>().result]).toEqual([303, 'PASSWORD_CHANGE_REQUIRED']);
  });
});

describe('credentials by PUT /internal/players/:id', () => {
  it('are kept, changed with the details, and shown to nobody', async () => {
    const answer = await putPlayer(one, '5001', {
      ...{
        username: ' User.5001 ',
        password: 'Some-pass1',
        email: 'User5001@Example.com',
        emailVerified: true,
      },
      ...{
        firstName: 'Una',
        birthdate: '1990-01-02',
        country: 'GB',
        phone: '44-7400123456',
        realityCheck: '30_min',
      },
      ...{ optOut: { email: false }, comment: 'came by letter', operator: 'support-7' },
    });
    expect(answer.as<object>()).toEqual(
      expect.objectContaining({
        ...{ player_id: '5001', firstName: 'Una', birthdate: '1990-01-02', email: 'User5001@Example.com' },
        ...{ emailVerified: true, is2faRequired: false, realityCheck: '30_min' },
      }),
    );
    expect(answer.text).not.toMatch(/pass1|argon|username|password/i);
    const token = (await logIn(one, { email: 'user5001@example.com', password: 'Some-pass1' })).as<{
      token: string;
    }>().token;
    const seen = (await readDetails(one, token)).as<{ eMail: object; optOut: object }>();
    expect(seen.eMail).toEqual({
      ...{ eMailAdress: 'User5001@Example.com', emailAddress: 'User5001@Example.com' },
      isVerified: true,
    });
    expect(seen.optOut).toEqual({ chat: true, sms: true, email: false, phone: true });
    const changes = await one.sql<Record<string, string | null>>(
      'select field, before, after, actor, operator, comment from player_changes where player_id = $1 order by field',
      ['5001'],
    );
    const by = { actor: 'client:demo', operator: 'support-7', comment: 'came by letter' };
    const change = (field: string, before: string | null, after: string | null) => ({
      field,
      before,
      after,
      ...by,
    });
    expect(changes).toEqual([
      change('birthdate', null, '1990-01-02'),
      change('country', null, 'GB'),
      change('email', null, 'User5001@Example.com'),
      change('emailVerified', null, 'true'),
      change('firstName', null, 'Una'),
      change('optOut.email', 'true', 'false'),
      change('password', null, null),
      change('phone', null, '44-7400123456'),
      change('realityCheck', 'no_limit', '30_min'),
      change('username', null, 'User.5001'),
    ]);
    const changed = await putPlayer(one, '5001', { email: 'other5001@example.com' });
    expect(changed.as<{ emailVerified: boolean }>().emailVerified).toBe(false);
    await putPlayer(one, '5001', { username: null });
    expectAnswer(
      await logIn(one, { user_name: 'user.5001', password: 'Some-pass1' }),
      401,
      gatewayError.credentials,
    );
  });

  it('refuses what breaks a rule, and the name of another, with nothing saved', async () => {
    const path = '/internal/players/5002';
    const put = (body: object) => one.call('PUT', path, { body });
    const rules = (field: string, codes: string) =>
      problem(400, `${field} breaks the rules: ${codes}`, path, field);
    const before = await one.countRows();
    const cases: [object, string][] = [
      [{ username: 'a b' }, rules('username', 'login_name_syntax_error')],
      [{ email: 'x' }, rules('email', 'email_syntax_error')],
      [{ password: 'short' }, rules('password', 'password_short, password_mix_characters')],
      [
        { username: 'Somebody', temporaryPassword: 'somebody-1' },
        rules('password', 'password_match_user_name'),
      ],
      [
        { password: 'Some-pass1', temporaryPassword: 'Some-pass2' },
        problem(400, 'password and temporaryPassword are both passwords', path, 'password'),
      ],
      [
        { temporaryPassword: 5 },
        problem(400, 'temporaryPassword must be a boolean or a password', path, 'temporaryPassword'),
      ],
      [{ passwordHash: 'x' }, problem(400, errorText.unknownKey('passwordHash'), path, 'passwordHash')],
      [
        { realityCheck: '5_min' },
        problem(
          400,
          'realityCheck must be one of the following values: 15_min, 30_min, 60_min, no_limit',
          path,
          'realityCheck',
        ),
      ],
    ];
    for (const [body, text] of cases) expectAnswer(await put(body), 400, text);
    const taken = (name: string) => problem(409, `another player of the brand has this ${name}`, path);
    expectAnswer(await put({ username: 'PLAYER1001', firstName: 'Not' }), 409, taken('username'));
    expectAnswer(await put({ email: 'PLAYER1001@example.com' }), 409, taken('email'));
    expect(await one.countRows()).toEqual(before);
  });
});
