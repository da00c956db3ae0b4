import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { verify } from '@node-rs/argon2';
import { Database } from '../../src/database/database.js';
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
import { follow, mailedLink, open, queuedMails } from '../support/mailed-links.js';
import { type CallOptions, createTestApp, type TestApp } from '../support/test-app.js';

const path = '/gateway/admission/1.0/forgot/password/1';
const sent = '{"message_format":"forgot_email_sent"}';
const isSet = '{"message_format":"password_successfully_changed"}';
const newPassword = 'Secr3t-words';

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp({ environment: { TRUST_PROXY: '1', PUBLIC_RATE_LIMIT: '100000' } });
});
afterAll(() => app?.close());
// Each test is a network of its own.
let network = 0;
beforeEach(() => {
  network++;
});

const from = (address = `198.51.100.${network}`): CallOptions => ({
  token: null,
  headers: { 'x-forwarded-for': address },
});
const forget = (mail: unknown, options = from()) => app.call('POST', path, { ...options, body: { mail } });
const set = (link: string, body: unknown = { new_password: newPassword }) =>
  app.call('PUT', link, { token: null, body });

/** A player without anything in the way of a log-in needs what the demo's players have. */
async function newPlayer(credentials: Record<string, unknown> = {}): Promise<string> {
  const id = newPlayerId();
  await registerPlayer(app, id, { credentials });
  return id;
}
async function resetLink(id: string): Promise<string> {
  expectAnswer(await forget(`player${id}@example.com`), 201, sent);
  return mailedLink(app, id, 'password-reset');
}

describe('a forgotten password', () => {
  it('is a mail to whoever has the address, however it is written', async () => {
    const id = await newPlayer();
    expectAnswer(await forget(` PLAYER${id}@Example.com `), 201, sent);
    expect(await queuedMails(app, id)).toMatchObject([
      { to: `player${id}@example.com`, template: 'password-reset', language: 'en' },
    ]);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty text', ' '],
  ])('without an address (%s) is 400', async (_what, mail) => {
    expectAnswer(await forget(mail), 400, '{"message_format":"email_required"}');
  });

  it('with what is no text, in another version or at no brand is 400', async () => {
    for (const mail of [5, {}, ['a@example.com'], 'x'.repeat(1001)])
      expectAnswer(await forget(mail), 400, gatewayError.input);
    expectAnswer(await app.call('POST', path, { token: null, body: '{' }), 400, gatewayError.input);
    expectAnswer(
      await app.call('POST', path.replace('1.0', '9'), { token: null, body: {} }),
      400,
      gatewayError.input,
    );
    expectAnswer(
      await app.call('POST', path.replace(/1$/, '99'), { token: null, body: {} }),
      400,
      gatewayError.brand,
    );
  });

  it('asks the same of the database, and answers the same, whether or not anybody has the address', async () => {
    const [known, blocked] = [await newPlayer(), await newPlayer()];
    await app.call('PUT', `/internal/players/${blocked}/blocks`, { body: { blocked: { active: true } } });
    const { pool } = app.nest.get(Database);
    const observe = async (mail: string) => {
      let statements = 0;
      const client = await pool.connect();
      const prototype = Object.getPrototypeOf(client) as { query: (...given: unknown[]) => unknown };
      client.release();
      const { query } = prototype;
      prototype.query = function count(...given: unknown[]) {
        statements++;
        return query.apply(this, given);
      };
      const hashes = async () =>
        /^password_hashes_total (\d+)$/m.exec((await app.call('GET', '/metrics')).text)?.[1];
      try {
        const before = await hashes();
        statements = 0;
        const { status, text, headers } = await forget(mail, from(`203.0.113.${network}`));
        const counted = statements;
        const { date: _date, 'x-request-id': _id, ...others } = headers;
        return { status, text, others, statements: counted, hashes: Number(await hashes()) - Number(before) };
      } finally {
        prototype.query = query;
      }
    };
    await forget('first@example.com');
    const seen = [];
    for (const mail of [
      `player${known}@example.com`,
      'nobody@example.com',
      `player${blocked}@example.com`,
      'no address',
    ])
      seen.push(await observe(mail));
    for (const each of seen) expect(each).toEqual(seen[0]);
    expect(seen[0]).toMatchObject({ status: 201, text: sent, statements: 4, hashes: 0 });
    expect((await queuedMails(app, known)).length).toBe(1);
    expect(await queuedMails(app, blocked)).toEqual([]);
  });

  it('is five for an address and 50 from a network in an hour, whoever has them', async () => {
    const id = await newPlayer();
    for (const mail of [`player${id}@example.com`, 'nobody.at.all@example.com']) {
      for (let tries = 0; tries < 5; tries++)
        expectAnswer(await forget(mail, from(`192.0.2.${tries}`)), 201, sent);
      for (const spelling of [mail, mail.toUpperCase()]) {
        const refused = await forget(spelling, from('192.0.2.77'));
        expectAnswer(refused, 429, gatewayError.tooMany);
        expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3500);
      }
    }
    expect(await queuedMails(app, id)).toHaveLength(5);
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => forget(`a${index}@example.com`)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(50);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(10);
  });
});

describe('a new password by the link', () => {
  it('logs in who may, ends every session, and works once, many at once', async () => {
    const { auth_token: old } = await app.openSession('1002');
    expectAnswer(await forget('player1002@example.com'), 201, sent);
    const link = await mailedLink(app, '1002', 'password-reset');
    const answers = await Promise.all(Array.from({ length: 50 }, () => set(link)));
    const right = answers.filter(({ status }) => status === 202);
    expect(right).toHaveLength(1);
    // Those who waited behind more than there are places for are told to come again.
    for (const { status, text } of answers.filter(({ status }) => status !== 202))
      expect([
        [400, gatewayError.failure],
        [429, gatewayError.tooMany],
      ]).toContainEqual([status, text]);
    const { token } = right[0]?.as<{ token: string }>() ?? { token: '' };
    expect(right[0]?.text).toBe(`{"token":"${token}","message_format":"password_successfully_changed"}`);
    expect((await readDetails(app, token)).status).toBe(200);
    expectAnswer(await readDetails(app, old), 401, gatewayError.token);
    expect((await logIn(app, { user_name: 'player1002', password: newPassword })).status).toBe(200);
    expectAnswer(await set(link), 400, gatewayError.failure);
    const templates = (await queuedMails(app, '1002')).map(({ template }) => template);
    expect(templates).toEqual(['password-reset', 'password-changed']);
  });

  it('is 200 without a session where something is open, or a code is to be shown', async () => {
    const open = await newPlayer();
    expectAnswer(await set(await resetLink(open)), 200, isSet);
    expectAnswer(await set(await resetLink(open), { new_password: 'An0ther-word' }), 200, isSet);
    await putPlayer(app, '1004', { is2faRequired: true });
    expectAnswer(await forget('player1004@example.com'), 201, sent);
    expectAnswer(await set(await mailedLink(app, '1004', 'password-reset')), 200, isSet);
    const challenge = await logIn(app, { user_name: 'player1004', password: newPassword });
    expect(challenge.as<{ result: string }>().result).toBe('2FA_REQUIRED');
  });

  it('names the rules that it breaks, and leaves the link', async () => {
    const id = await newPlayer();
    const link = await resetLink(id);
    const broken = gatewayError.fields(
      ['password', 'password_short'],
      ['password', 'password_mix_characters'],
    );
    for (const method of ['PUT', 'POST']) {
      const answer = await follow(app, link, method, { body: { new_password: 'abcd' } });
      expectAnswer(answer, 422, broken);
    }
    expectAnswer(await set(link), 200, isSet);
  });

  it('ends what is temporary', async () => {
    const id = await newPlayer({ is_password_temporary: true });
    expectAnswer(await set(await resetLink(id)), 200, isSet);
    const next = await logIn(app, { user_name: `player${id}`, password: newPassword });
    expect(next.as<{ result: string }>().result).toBe('TNC_APPROVAL_REQUIRED');
  });

  it('that is old, void or none is 400, in the same words as everything else that is wrong', async () => {
    const id = await newPlayer();
    const first = await resetLink(id);
    const link = await resetLink(id);
    expectAnswer(await set(first), 400, gatewayError.failure);
    const [route = '', query = ''] = link.split('?');
    const wrong = [
      route,
      `${route}?hash=x`,
      `${route}?hash=${'A'.repeat(43)}`,
      `${route.replace(/1$/, '2')}?${query}`,
    ];
    for (const bad of [...wrong, link.replace('1.0', '7'), link.replace('/1?', '/99?')])
      expectAnswer(await set(bad), 400, gatewayError.failure);
    for (const body of [
      {},
      { new_password: 5 },
      { new_password: null },
      { new_password: 'a1'.repeat(501) },
      '{',
      '[]',
    ]) {
      expectAnswer(await set(link, body), 400, gatewayError.failure);
      expectAnswer(await app.call('POST', link, { token: null, body }), 400, gatewayError.failure);
    }
    await app.sql('update player_links set expires_at = now() where player_id = $1', [id]);
    expectAnswer(await set(link), 400, gatewayError.failure);
  });

  it('is void after another password or address, and for who is blocked by then', async () => {
    const changed = await newPlayer();
    const moved = await newPlayer();
    const blocked = await newPlayer();
    const links = [await resetLink(changed), await resetLink(moved), await resetLink(blocked)];
    await putPlayer(app, changed, { password: demoPassword });
    await putPlayer(app, moved, { email: `moved${moved}@example.com` });
    await app.call('PUT', `/internal/players/${blocked}/blocks`, { body: { blocked: { active: true } } });
    for (const link of links) {
      expect((await open(app, link)).status).toBe(400);
      expectAnswer(await set(link), 400, gatewayError.failure);
    }
  });

  it('can be set by JSON that is posted, as by PUT', async () => {
    expectAnswer(await forget('player1003@example.com'), 201, sent);
    const link = await mailedLink(app, '1003', 'password-reset');
    const answer = await app.call('POST', link, { token: null, body: { new_password: newPassword } });
    const { token } = answer.as<{ token: string }>();
    expectAnswer(answer, 202, `{"token":"${token}","message_format":"password_successfully_changed"}`);
    expect((await readDetails(app, token)).status).toBe(200);
  });
});

describe('the form for a new password', () => {
  const form = (fields: Record<string, string>): CallOptions => ({
    body: new URLSearchParams(fields).toString(),
    headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
  });
  const both = (password: string, again = password) =>
    form({ new_password: password, new_password_again: again });

  it('changes nothing when it is opened, says what is wrong, and sets the password', async () => {
    const id = await newPlayer();
    const link = await resetLink(id);
    const before = await app.sql('select * from player_links where player_id = $1', [id]);
    for (const method of ['GET', 'HEAD', 'GET']) expect((await open(app, link, method)).status).toBe(200);
    expect((await open(app, link)).text).toContain('name="new_password" autocomplete="new-password"');
    const cases: [CallOptions, string][] = [
      [both('abc'), 'It must have at least 8 characters.'],
      [both(newPassword, 'Secr3t-w0rds'), 'You entered two different passwords.'],
    ];
    for (const [sent, fault] of cases) {
      const page = await open(app, link, 'POST', sent);
      expect([page.status, page.headers['cache-control']]).toEqual([422, 'no-store']);
      expect(page.text).toContain(fault);
      expect(page.text).not.toContain('Secr3t');
    }
    expect(await app.sql('select * from player_links where player_id = $1', [id])).toEqual(before);
    const done = await open(app, link, 'POST', both(newPassword));
    expect(done.status).toBe(200);
    expect(done.text).toContain('Your new password with Demo Casino works from now on.');
    const [row] = await app.sql<{ password_hash: string }>(
      'select password_hash from player_credentials where player_id = $1',
      [id],
    );
    expect(await verify(row?.password_hash ?? '', newPassword)).toBe(true);
    expect(await app.sql('select 1 from sessions where player_id = $1', [id])).toEqual([]);
  });

  it('is the page of every bad link, where the link is bad', async () => {
    const link = '/gateway/admission/1.0/verify/password/1?hash=x';
    for (const [method, options] of [
      ['GET', {}],
      ['POST', both(newPassword)],
      ['POST', form({})],
    ] as const) {
      const page = await open(app, link, method, options);
      expect([page.status, page.text.includes('This link does not work')]).toEqual([400, true]);
    }
    expectAnswer(await follow(app, link, 'GET'), 400, gatewayError.failure);
    const long = await open(app, link, 'POST', form({ new_password: 'x'.repeat(100_000) }));
    expectAnswer(long, 413, gatewayError.input);
    const foreign = { ...form({}), headers: { 'content-type': 'text/xml' }, offDocument: true };
    expect((await open(app, link, 'POST', foreign)).status).toBe(415);
  });
});
