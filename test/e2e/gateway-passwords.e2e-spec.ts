import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hash, verify } from '@node-rs/argon2';
import { newPlayerId } from '../support/consents.js';
import { registerPlayer } from '../support/gateway-players.js';
import {
  demoPassword,
  expectAnswer,
  gatewayError,
  logIn,
  putPlayer,
  readDetails,
} from '../support/gateway.js';
import { queuedMails } from '../support/mailed-links.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const path = '/gateway/admission/1.0/player/1/change/password';
const replaced = '{"message_format":"password_replaced"}';
const termsOpen = '{"message_format":"tnc_approval_required"}';
const wrongOld = '{"message_format":"wrong_old_password"}';
const newPassword = 'Secr3t-words';

let app: TestApp;
/** The demo password in a hash that took less than hashes take now, and in one as they are now. */
let weakHash: string;
let someHash: string;

beforeAll(async () => {
  app = await createTestApp();
  weakHash = await hash(demoPassword, { memoryCost: 8192, timeCost: 1, parallelism: 1 });
  someHash = await hash(demoPassword, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
});
afterAll(() => app?.close());

async function newPlayer(credentials: Record<string, unknown> = {}): Promise<{ id: string; token: string }> {
  const id = newPlayerId();
  await registerPlayer(app, id, { credentials: { password_hash: someHash, ...credentials } });
  return { id, token: (await app.openSession(id)).auth_token };
}
const change = (token: string, body: unknown) => app.call('PUT', path, { token, body });
const ask = (token: string, password = newPassword, old = demoPassword) =>
  change(token, { old_password: old, new_password: password });
const hashOf = async (id: string) => {
  const [row] = await app.sql<{ password_hash: string }>(
    'select password_hash from player_credentials where brand_id = 1 and player_id = $1',
    [id],
  );
  return row?.password_hash ?? '';
};
/** The demo terms are signed by the demo's players alone. */
const sign = (id: string, token: string) =>
  app.call('POST', '/gateway/player/multi/1.0/sign/tnc', {
    token,
    body: { brand_id: 1, player_id: id, language: 'en', type: 'tnc' },
  });

describe('a change of the password', () => {
  it('ends the other sessions, voids what was mailed, and tells the player', async () => {
    const { id, token } = await newPlayer();
    await sign(id, token);
    const others = await Promise.all([app.openSession(id), app.openSession(id)]);
    expectAnswer(await ask(token), 202, replaced);
    expect((await readDetails(app, token)).status).toBe(200);
    for (const { auth_token: other } of others)
      expectAnswer(await readDetails(app, other), 401, gatewayError.token);
    const stored = await hashOf(id);
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await verify(stored, newPassword)).toBe(true);
    expect((await logIn(app, { user_name: `player${id}`, password: demoPassword })).status).toBe(401);
    expect((await logIn(app, { user_name: `player${id}`, password: newPassword })).status).toBe(303);
    expect((await queuedMails(app, id)).map(({ to, template }) => [to, template])).toEqual([
      [`player${id}@example.com`, 'password-changed'],
    ]);
    const changes = await app.sql(
      'select field, before, after, actor from player_changes where player_id = $1',
      [id],
    );
    expect(changes).toEqual([{ field: 'password', before: null, after: null, actor: 'player' }]);
  });

  it('is 303 while the terms are open, without Location, and saved', async () => {
    const { id, token } = await newPlayer();
    const answer = await ask(token);
    expectAnswer(answer, 303, termsOpen);
    expect(answer.headers).not.toHaveProperty('location');
    expect(await verify(await hashOf(id), newPassword)).toBe(true);
  });

  it('is what a temporary password asks for', async () => {
    const { id, token } = await newPlayer({ is_password_temporary: true });
    const next = async (password: string) =>
      (await logIn(app, { user_name: `player${id}`, password })).as<{ result: string }>().result;
    expect(await next(demoPassword)).toBe('PASSWORD_CHANGE_REQUIRED');
    await sign(id, token);
    expectAnswer(await ask(token), 202, replaced);
    expect(await next(newPassword)).toBe('PRIVACY_APPROVAL_REQUIRED');
  });

  it('names every rule that the new password breaks, and saves nothing', async () => {
    const { id, token } = await newPlayer({
      username: 'jane',
      username_key: 'jane',
      email: 'ja@b.de',
      email_key: 'ja@b.de',
    });
    const cases: [string, string[]][] = [
      ['', ['password_short', 'password_same_letters', 'password_mix_characters']],
      ['aaa1', ['password_short', 'password_same_letters']],
      ['abcdefg1', []],
      ['abcdefgh', ['password_mix_characters']],
      ['12345678', ['password_mix_characters']],
      ['abcdefghijklmn12', ['password_long']],
      ['xJANEx123', ['password_match_user_name']],
      ['1ja@b.de', ['password_match_user_name']],
      ['aaaabbb1aaaaaaaaaa', ['password_long', 'password_same_letters']],
      ['ääääé123', []],
    ];
    for (const [password, codes] of cases) {
      if (codes.length === 0) continue;
      const broken = gatewayError.fields(...codes.map((code): [string, string] => ['password', code]));
      expectAnswer(await ask(token, password), 422, broken);
      // A wrong old password comes first and alone.
      if (password === '') expectAnswer(await ask(token, password, 'Wr0ngPass'), 422, wrongOld);
    }
    expect(await hashOf(id)).toBe(someHash);
    expect(await queuedMails(app, id)).toEqual([]);
  });

  it('of ten wrong old ones is too many, for the right one as well', async () => {
    const { token } = await newPlayer();
    for (let tries = 0; tries < 3; tries++)
      expectAnswer(await ask(token, 'short'), 422, (await ask(token, 'short')).text);
    for (let tries = 0; tries < 10; tries++)
      expectAnswer(await ask(token, newPassword, 'Wr0ngPass'), 422, wrongOld);
    const refused = await ask(token);
    expectAnswer(refused, 429, gatewayError.tooMany);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(840);
  });

  it('with another password meanwhile, or none, is a wrong old one', async () => {
    const nobody = await newPlayer({ password_hash: null });
    expectAnswer(await ask(nobody.token), 422, wrongOld);
    const { token } = await newPlayer();
    const answers = await Promise.all(['Secr3t-one', 'Secr3t-two'].map((password) => ask(token, password)));
    expect(answers.map(({ status, text }) => [status, text]).sort()).toEqual([
      [303, termsOpen],
      [422, wrongOld],
    ]);
  });

  it.each([
    ['nothing', {}],
    ['no new one', { old_password: demoPassword }],
    ['no old one', { new_password: newPassword }],
    ['a number', { old_password: 1, new_password: newPassword }],
    ['null', { old_password: demoPassword, new_password: null }],
    ['a text without end', { old_password: demoPassword, new_password: 'a1'.repeat(501) }],
    ['no JSON', '{'],
  ])('with %s is 400', async (_what, body) => {
    const { token } = await newPlayer();
    expectAnswer(await change(token, body), 400, gatewayError.input);
  });

  it('is for who is logged in, at a brand', async () => {
    const { token } = await newPlayer();
    const body = { old_password: demoPassword, new_password: newPassword };
    expectAnswer(await app.call('PUT', path, { token: null, body }), 401, gatewayError.token);
    expectAnswer(await app.call('PUT', path.replace('/1/', '/2/'), { token, body }), 401, gatewayError.token);
    expectAnswer(await app.call('PUT', path.replace('/1/', '/x/'), { token, body }), 400, gatewayError.brand);
    expectAnswer(await app.call('PUT', path.replace('1.0', '2.0'), { token, body }), 400, gatewayError.input);
  });
});

describe('a log-in whose hash took less than hashes take now', () => {
  const signIn = (id: string, password = demoPassword) => logIn(app, { user_name: `player${id}`, password });

  it('hashes the password anew, many at once, and leaves the sessions alone', async () => {
    const { id, token } = await newPlayer({ password_hash: weakHash });
    expectAnswer(await signIn(id, 'Wr0ngPass'), 401, gatewayError.credentials);
    expect(await hashOf(id)).toBe(weakHash);
    const answers = await Promise.all(Array.from({ length: 8 }, () => signIn(id)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([303]));
    const renewed = await hashOf(id);
    expect(renewed).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await verify(renewed, demoPassword)).toBe(true);
    expect((await readDetails(app, token)).status).toBe(200);
    await signIn(id);
    expect(await hashOf(id)).toBe(renewed);
  });

  it('keeps a hash that took more', async () => {
    const strong = await hash(demoPassword, { memoryCost: 32_768, timeCost: 3, parallelism: 1 });
    const { id } = await newPlayer({ password_hash: strong });
    expect((await signIn(id)).status).toBe(303);
    expect(await hashOf(id)).toBe(strong);
  });
});

it('an operator’s new password still ends every session', async () => {
  const { id, token } = await newPlayer();
  await putPlayer(app, id, { password: newPassword });
  expectAnswer(await readDetails(app, token), 401, gatewayError.token);
});
