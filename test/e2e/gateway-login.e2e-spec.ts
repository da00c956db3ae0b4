import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sha256 } from '../../src/common/secrets.js';
import { Database } from '../../src/database/database.js';
import {
  demoPassword,
  expectAnswer,
  gatewayError,
  logIn,
  putPlayer,
  readDetails,
  uuidV4,
} from '../support/gateway.js';
import { type Answer, createTestApp, demoKey, type TestApp } from '../support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

const password = demoPassword;

describe('a log-in', () => {
  it('gives a session', async () => {
    const answer = await logIn(app, { user_name: 'player1001', password, language: 'en' });
    const { auth_token: token } = answer.as<{ auth_token: string }>();
    const rest = {
      result: 'OK',
      actions: ['marketing_preferences'],
      documents_required: false,
      identification_token: '',
      links: [],
    };
    expectAnswer(answer, 200, JSON.stringify({ auth_token: token, ...rest }));
    expect(token).toMatch(uuidV4);
    expect(answer.headers).not.toHaveProperty('location');
    expect(answer.headers['cache-control']).toBe('no-store');
    const sessions = await app.sql(
      'select brand_id, player_id, expires_at - created_at as life, idle_ttl from sessions where token_hash = $1',
      [sha256(token)],
    );
    expect(sessions).toEqual([
      { brand_id: 1, player_id: '1001', life: expect.objectContaining({ hours: 12 }), idle_ttl: 1800 },
    ]);
    expect((await readDetails(app, token)).status).toBe(200);
  });

  it.each([
    ['the user name in capitals', { user_name: 'PLAYER1002' }],
    ['the user name in wide letters', { user_name: 'ｐｌａｙｅｒ１００２' }],
    ['spaces around it', { user_name: ' player1002 ' }],
    ['the e-mail address', { email: 'player1002@example.com' }],
    ['the e-mail address in capitals', { email: 'Player1002@EXAMPLE.com' }],
    ['both', { user_name: 'player1002', email: 'player1002@example.com' }],
  ])('takes %s', async (_what, names) => {
    const answer = await logIn(app, { ...names, password, some_key: 'of another version' });
    expect([answer.status, answer.as<{ result: string }>().result]).toEqual([200, 'OK']);
  });

  it('lets an excluded player in', async () => {
    expect((await logIn(app, { user_name: 'player1005', password })).status).toBe(200);
  });

  it('does not mind a session that has run out', async () => {
    const { id, auth_token: token } = await app.openSession('1001');
    await app.call('DELETE', `/internal/sessions/${id}`);
    expect((await logIn(app, { user_name: 'player1001', password }, { token })).status).toBe(200);
  });

  it.each([
    ['nobody', { password }],
    ['no password', { user_name: 'player1001' }],
    ['an empty password', { user_name: 'player1001', password: '' }],
    ['an empty name', { user_name: '', password }],
    ['a name that is no text', { user_name: 1001, password }],
    ['an address that is no text', { user_name: 'player1001', email: null, password }],
    ['a password that is no text', { user_name: 'player1001', password: 1 }],
    ['NUL in the password', { user_name: 'player1001', password: 'a\0b' }],
    ['a password without end', { user_name: 'player1001', password: 'x'.repeat(1001) }],
    ['a list', []],
  ])('with %s is 400', async (_what, body) => {
    expectAnswer(await logIn(app, body), 400, gatewayError.input);
  });

  it('without JSON, in another version or at no brand is 400', async () => {
    const path = '/gateway/login/1.0/1/player';
    expectAnswer(await app.call('POST', path, { token: null, body: '{' }), 400, gatewayError.input);
    const body = { user_name: 'player1001', password };
    const at = (version: string, brand: string) =>
      app.call('POST', `/gateway/login/${version}/${brand}/player`, { token: null, body });
    for (const version of ['1.0', 'v1', '1']) expect((await at(version, '1')).status).toBe(200);
    expectAnswer(await at('2.0', 'x'), 400, gatewayError.input);
    expectAnswer(await at('1.0', '99'), 400, gatewayError.brand);
  });

  it('knows nobody of another brand', async () => {
    const answer = await logIn(app, { user_name: 'player1001', password }, { brand: 2 });
    expectAnswer(answer, 401, gatewayError.credentials);
  });
});

describe('nothing tells whether somebody is there', () => {
  const counted = async (work: () => Promise<Answer>) => {
    let statements = 0;
    const count = () => statements++;
    const hashes = async () => {
      const { text } = await app.call('GET', '/metrics');
      return Number(/^password_hashes_total (\d+)$/m.exec(text)?.[1]);
    };
    const { pool } = app.nest.get(Database);
    const before = await hashes();
    pool.on('acquire', count);
    const { status, text, headers } = await work();
    pool.off('acquire', count);
    const { date: _date, 'x-request-id': _id, ...others } = headers;
    return { status, text, headers: others, statements, hashes: (await hashes()) - before };
  };

  it('answers, hashes and asks the database the same for a wrong password, nobody, a blocked and a locked player', async () => {
    await putPlayer(app, '2001', { username: 'blocked2001', password, email: 'blocked2001@example.com' });
    await app.call('PUT', '/internal/players/2001/blocks', { body: { blocked: { active: true } } });
    await putPlayer(app, '2002', { username: 'nameless2002', email: 'nameless2002@example.com' });
    await putPlayer(app, '2003', { username: 'locked2003', password, email: 'locked2003@example.com' });
    for (let tries = 0; tries < 10; tries++) await logIn(app, { user_name: 'locked2003', password: 'wrong' });
    // What brands are remembered for five seconds is read anew, or not, by chance.
    const wrong = { password: 'Wr0ngPass' };
    const cases: Record<string, object> = {
      'a wrong password': { user_name: 'player1003', ...wrong },
      'a wrong password with the address': { email: 'player1003@example.com', ...wrong },
      'nobody’s name': { user_name: 'nobody', ...wrong },
      'nobody’s address': { email: 'nobody@example.com', ...wrong },
      'names of two players': { user_name: 'player1003', email: 'player1004@example.com', password },
      'a blocked player, with the right password': { user_name: 'blocked2001', password },
      'a blocked player, with a wrong one': { user_name: 'blocked2001', ...wrong },
      'a player without a password': { user_name: 'nameless2002', ...wrong },
      // Ten tries by the other name: were it refused for them, both names would be known to be the same player's.
      'a locked player, with the right password': { email: 'locked2003@example.com', password },
    };
    for (const [what, body] of Object.entries(cases)) {
      await logIn(app, { user_name: 'player1001', password });
      const seen = await counted(() => logIn(app, body));
      expect([what, seen]).toEqual([
        what,
        {
          status: 401,
          text: gatewayError.credentials,
          headers: expect.objectContaining({
            'www-authenticate': 'x-auth-token',
            'cache-control': 'no-store',
          }),
          statements: 2,
          hashes: 1,
        },
      ]);
      expect(Object.keys(seen.headers)).not.toContain('retry-after');
    }
  });
});

describe('2FA', () => {
  it('asks for a code, under a token of which only the hash is kept', async () => {
    await putPlayer(app, '1004', { is2faRequired: true });
    const answer = await logIn(app, { user_name: 'player1004', password });
    const token = answer.as<{ '2fa_auth_token': string }>()['2fa_auth_token'];
    expectAnswer(answer, 403, JSON.stringify({ result: '2FA_REQUIRED', '2fa_auth_token': token }));
    expect(token).toMatch(uuidV4);
    const rows = await app.sql<{ player_id: string; token_hash: Buffer; minutes: number }>(
      'select player_id, token_hash, extract(minutes from expires_at - created_at)::integer as minutes from login_challenges',
    );
    expect(rows).toEqual([{ player_id: '1004', token_hash: sha256(token), minutes: 10 }]);
    // It is no session.
    expectAnswer(await readDetails(app, token), 401, gatewayError.token);
    const wrong = await logIn(app, { user_name: 'player1004', password: 'Wr0ngPass' });
    expectAnswer(wrong, 401, gatewayError.credentials);
  });
});

describe('a log-in with something open', () => {
  it('is 303 with a session that can be used, without Location', async () => {
    await putPlayer(app, '3001', { username: 'temp3001', password, temporaryPassword: true });
    const answer = await logIn(app, { user_name: 'temp3001', password });
    const { token, actions } = answer.as<{ token: string; actions: string[] }>();
    expectAnswer(answer, 303, JSON.stringify({ token, result: 'PASSWORD_CHANGE_REQUIRED', actions }));
    expect(answer.headers).not.toHaveProperty('location');
    expect((await readDetails(app, token)).status).toBe(200);
    await putPlayer(app, '3001', { temporaryPassword: false });
    expect((await logIn(app, { user_name: 'temp3001', password })).as<{ result: string }>().result).toBe(
      'INCOMPLETE_REGISTRATION',
    );
  });
});

it('ignores keys of services, which are no players', async () => {
  const answer = await logIn(app, { user_name: 'player1001', password }, { token: demoKey });
  expect(answer.status).toBe(200);
});
