import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPlayerId } from '../support/consents.js';
import { registerPlayer } from '../support/gateway-players.js';
import { expectAnswer, gatewayError, putPlayer } from '../support/gateway.js';
import { follow, mailedLink, open, queuedMails } from '../support/mailed-links.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const path = '/gateway/player-personal-details/player/details/emailUpdate/1.0/1';
const verified = '{"message_format":"email_verified"}';
const cancelled = '{"message_format":"email_verified"}';
const uppercased = (address: string) => address.toUpperCase();

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp({ environment: { PUBLIC_RATE_LIMIT: '100000' } });
});
afterAll(() => app?.close());

interface Someone {
  id: string;
  token: string;
  address: string;
  /** An address that is nobody's. */
  wanted: string;
}

async function newPlayer(credentials: Record<string, unknown> = {}): Promise<Someone> {
  const id = newPlayerId();
  await registerPlayer(app, id, { credentials, details: { language: 'de' } });
  const { auth_token: token } = await app.openSession(id);
  return { id, token, address: `player${id}@example.com`, wanted: `new${id}@example.com` };
}

const change = ({ token }: { token: string }, body: unknown) => app.call('POST', path, { token, body });

async function begin(player: Someone, email = player.wanted): Promise<{ confirm: string; cancel: string }> {
  expectAnswer(await change(player, { email }), 204, '');
  return {
    confirm: await mailedLink(app, player.id, 'email-change'),
    cancel: await mailedLink(app, player.id, 'email-cancel'),
  };
}

async function addressOf({ id }: Someone): Promise<unknown> {
  const [row] = await app.sql(
    'select email, email_verified_at is not null as verified from player_credentials where brand_id = 1 and player_id = $1',
    [id],
  );
  return row;
}

async function rowsOf(): Promise<unknown> {
  return [
    await app.countRows(),
    await app.sql('select * from player_links order by id'),
    await app.sql('select * from player_credentials order by brand_id, player_id'),
  ];
}

describe('a change of the e-mail address', () => {
  it('waits until the link to the new address confirms it, and is kept with its comment', async () => {
    const player = await newPlayer();
    const { id, address, wanted } = player;
    expectAnswer(await change(player, { email: ` ${wanted} `, comment: 'moved house' }), 204, '');
    expect(await addressOf(player)).toEqual({ email: address, verified: true });
    const mails = await queuedMails(app, id);
    expect(mails.map(({ to, template, language }) => [to, template, language])).toEqual([
      [wanted, 'email-change', 'de'],
      [address, 'email-cancel', 'de'],
    ]);
    expectAnswer(await follow(app, await mailedLink(app, id, 'email-change')), 200, verified);
    expect(await addressOf(player)).toEqual({ email: wanted, verified: true });
    const changes = await app.sql(
      'select field, before, after, actor, comment from player_changes where player_id = $1',
      [id],
    );
    expect(changes).toEqual([
      { field: 'email', before: address, after: wanted, actor: 'player', comment: 'moved house' },
    ]);
    expect((await app.openSession(id)).auth_token).toBeDefined();
    expectAnswer(await follow(app, await mailedLink(app, id, 'email-cancel')), 400, gatewayError.failure);
  });

  it('verifies the address, also where only its letters change, and says `player request` where nothing is said', async () => {
    const player = await newPlayer({ email_verified_at: null });
    const { confirm, cancel } = await begin(player, uppercased(player.address));
    expectAnswer(await follow(app, confirm), 200, verified);
    expect(await addressOf(player)).toEqual({ email: uppercased(player.address), verified: true });
    const changes = await app.sql('select distinct comment from player_changes where player_id = $1', [
      player.id,
    ]);
    expect(changes).toEqual([{ comment: 'player request' }]);
    expectAnswer(await follow(app, cancel), 400, gatewayError.failure);
  });

  it('is cancelled by the link to the old address', async () => {
    const player = await newPlayer();
    const { confirm, cancel } = await begin(player);
    // Each link is for its own purpose.
    expectAnswer(await follow(app, cancel.replace('/cancel/', '/verify/')), 400, gatewayError.failure);
    expectAnswer(await follow(app, confirm.replace('/verify/', '/cancel/')), 400, gatewayError.failure);
    expectAnswer(await follow(app, cancel), 200, cancelled);
    for (const link of [cancel, confirm]) expectAnswer(await follow(app, link), 400, gatewayError.failure);
    expect(await addressOf(player)).toEqual({ email: player.address, verified: true });
  });

  it('takes the other spelling of the key, and not two addresses', async () => {
    const player = await newPlayer();
    expectAnswer(await change(player, { eMail: player.wanted }), 204, '');
    expectAnswer(await change(player, { eMail: player.wanted, email: player.wanted }), 204, '');
    expectAnswer(
      await change(player, { eMail: 'a@example.com', email: 'b@example.com' }),
      400,
      gatewayError.input,
    );
  });

  it('leaves one pending, where two are asked for at once', async () => {
    const player = await newPlayer();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => change(player, { email: `${index}${player.wanted}` })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 204));
    const pending = await app.sql<{ address: string }>(
      'select purpose, address from player_links where player_id = $1 and ended_at is null order by purpose',
      [player.id],
    );
    expect(pending).toHaveLength(2);
    expect(new Set(pending.map(({ address }) => address)).size).toBe(1);
    expectAnswer(await follow(app, await mailedLink(app, player.id, 'email-change')), 200, verified);
    expect(await addressOf(player)).toEqual({ email: pending[0]?.address, verified: true });
  });

  it('fails generically where somebody else has taken the address meanwhile, one of many at once', async () => {
    const [first, second] = [await newPlayer(), await newPlayer()];
    const links = [await begin(first, 'same@example.com'), await begin(second, 'SAME@example.com')];
    const answers = await Promise.all(links.map(({ confirm }) => follow(app, confirm)));
    expect(answers.map(({ status, text }) => [status, text]).sort()).toEqual([
      [200, verified],
      [400, gatewayError.failure],
    ]);
    const [row] = await app.sql<{ count: number }>(
      `select count(*)::integer as count from player_credentials where email_key = 'same@example.com'`,
    );
    expect(row?.count).toBe(1);
  });

  it('is void after another address or another password was set', async () => {
    for (const body of [{ email: 'by.operator@example.com' }, { password: 'Passw0rd2' }]) {
      const player = await newPlayer();
      const { confirm, cancel } = await begin(player);
      await putPlayer(app, player.id, body);
      for (const link of [confirm, cancel]) expectAnswer(await follow(app, link), 400, gatewayError.failure);
    }
  });

  it('is confirmed for nobody who is blocked, and cancelled all the same', async () => {
    const player = await newPlayer();
    const { confirm, cancel } = await begin(player);
    const block = (active: boolean) =>
      app.call('PUT', `/internal/players/${player.id}/blocks`, { body: { blocked: { active } } });
    expect((await block(true)).status).toBe(200);
    expect((await open(app, confirm)).status).toBe(400);
    expectAnswer(await follow(app, confirm), 400, gatewayError.failure);
    expect((await open(app, cancel)).status).toBe(200);
    expectAnswer(await follow(app, cancel), 200, cancelled);
    await block(false);
    expectAnswer(await follow(app, confirm), 400, gatewayError.failure);
    expect(await addressOf(player)).toMatchObject({ email: player.address });
  });

  it('is twenty in an hour, of which refused ones are none', async () => {
    const player = await newPlayer();
    for (let tries = 0; tries < 25; tries++) expect((await change(player, {})).status).toBe(422);
    for (let tries = 0; tries < 20; tries++)
      expect((await change(player, { email: player.wanted })).status).toBe(204);
    const refused = await change(player, { email: player.wanted });
    expectAnswer(refused, 429, gatewayError.tooMany);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3500);
  });
});

describe('a change of the e-mail address that breaks rules', () => {
  const long = `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.com`;
  it.each<[string, unknown, string[]]>([
    ['none', undefined, ['email_required']],
    ['an empty one', ' ', ['email_required']],
    ['no address', 'nobody', ['email_syntax_error']],
    ['one too long', long, ['email_long']],
    ['one too long that is none', 'x'.repeat(300), ['email_long', 'email_syntax_error']],
    ['an impossible domain', 'a@example.nowhere', ['invalid_email']],
    ['a literal', 'a@[192.0.2.1]', ['invalid_email']],
    ['a name in quotes, which no mail reaches', '"a b"@example.com', ['invalid_email']],
    ['a letter that nobody sees', 'player1001\u200b@example.com', ['email_syntax_error']],
    ['a throw-away domain', 'a@mailinator.com', ['email_fraud']],
    ['somebody’s', 'Player1001@EXAMPLE.com', ['email_already_exists']],
    ['somebody’s in wide letters', 'ｐｌａｙｅｒ1001@example.com', ['email_already_exists']],
  ])('%s names them', async (_what, email, codes) => {
    const player = await newPlayer();
    const answer = await change(player, { email });
    expectAnswer(answer, 422, gatewayError.fields(...codes.map((code): [string, string] => ['email', code])));
    expect(await queuedMails(app, player.id)).toEqual([]);
  });

  it('names the brand’s own list', async () => {
    const setList = (fraudEmailDomains: string[]) =>
      app.call('PATCH', '/api/brands/1', { body: { fraudEmailDomains } });
    await setList(['example.org']);
    const answer = await change(await newPlayer(), { email: 'a@mail.example.org' });
    expectAnswer(answer, 422, gatewayError.fields(['email', 'email_fraud']));
    await setList([]);
  });

  it('takes throw-away domains of test players', async () => {
    const player = await newPlayer({ username: 'qqtst_a', username_key: 'qqtst_a' });
    expectAnswer(await change(player, { email: 'a@mailinator.com' }), 204, '');
  });

  it.each([
    ['a number', { email: 5 }],
    ['null', { email: null }],
    ['a comment that is no text', { email: 'a@example.com', comment: {} }],
    ['a text without end', { email: 'a'.repeat(1001) }],
    ['a list', []],
    ['no JSON', '{'],
  ])('%s is 400', async (_what, body) => {
    expectAnswer(await change(await newPlayer(), body), 400, gatewayError.input);
  });

  it('without a session of the brand is 401, and 404 for whoever has no address', async () => {
    const { token, wanted: email } = await newPlayer();
    for (const foreign of ['', '7e57ab1e-0000-4000-8000-000000000000'])
      expectAnswer(await change({ token: foreign }, { email }), 401, gatewayError.token);
    const elsewhere = await app.call('POST', path.replace(/1$/, '2'), { token, body: { email } });
    expectAnswer(elsewhere, 401, gatewayError.token);
    expectAnswer(
      await app.call('POST', path.replace(/1$/, '99'), { token, body: {} }),
      400,
      gatewayError.brand,
    );
    expectAnswer(
      await app.call('POST', path.replace('1.0', '2.0'), { token, body: {} }),
      400,
      gatewayError.input,
    );
    const player = await newPlayer({ email: null, email_key: null });
    expectAnswer(await change(player, {}), 404, '{"errMsg":"Player Personal Email not found"}');
  });
});

describe('a mailed link', () => {
  it('changes nothing when it is opened, also by HEAD, and says in the player’s language what it will do', async () => {
    const player = await newPlayer();
    const { confirm, cancel } = await begin(player);
    const before = await rowsOf();
    for (const [link, heading] of [
      [confirm, 'Neue E‑Mail-Adresse bestätigen'],
      [cancel, 'Änderung der E‑Mail-Adresse abbrechen'],
    ] as const) {
      for (let visits = 0; visits < 3; visits++) {
        const page = await open(app, link);
        expect([page.status, page.headers['content-language']]).toEqual([200, 'de']);
        expect(page.text).toContain(`<h1>${heading}</h1>`);
        expect(page.headers['cache-control']).toBe('no-store');
        expect(page.headers['referrer-policy']).toBe('no-referrer');
        expect(page.headers['content-security-policy']).toMatch(
          /^default-src 'none'; style-src( 'sha256-[^ ]+'){2}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'$/,
        );
        expect((await open(app, link, 'HEAD')).status).toBe(200);
      }
    }
    expect(await rowsOf()).toEqual(before);
    // A browser sends the button as a form, and reads a page.
    const form = { 'content-type': 'application/x-www-form-urlencoded', 'accept-language': 'en' };
    const done = await open(app, confirm, 'POST', { headers: form, body: 'act=yes' });
    expect([done.status, done.headers['content-language']]).toEqual([200, 'de']);
    expect(done.text).toContain('Ihre E‑Mail-Adresse bei Demo Casino ist bestätigt');
    expect(await addressOf(player)).toEqual({ email: player.wanted, verified: true });
  });

  it('works once, however many follow it at once', async () => {
    const player = await newPlayer();
    const { confirm } = await begin(player);
    const answers = await Promise.all(Array.from({ length: 50 }, () => follow(app, confirm)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const others = answers.filter(({ status }) => status !== 200);
    expect(new Set(others.map(({ status, text }) => `${status} ${text}`))).toEqual(
      new Set([`400 ${gatewayError.failure}`]),
    );
  });

  it('that is old, of another brand, or none has one and the same answer', async () => {
    const player = await newPlayer();
    const { confirm } = await begin(player);
    const [route = ''] = confirm.split('?');
    const none = ['', '?hash=', '?hash=x', `?hash=${'A'.repeat(43)}`, '?hash=a&hash=b', '?hash[x]=1'];
    const bad = [
      ...none.map((query) => route + query),
      confirm.replace(`${route}?`, `${route.replace(/1$/, '2')}?`),
    ];
    for (const link of bad) {
      expectAnswer(await follow(app, link, 'GET'), 400, gatewayError.failure);
      expectAnswer(await follow(app, link), 400, gatewayError.failure);
    }
    await app.sql(`update player_links set expires_at = now() where player_id = $1`, [player.id]);
    expectAnswer(await follow(app, confirm), 400, gatewayError.failure);
    const page = await open(app, confirm);
    expect([page.status, page.headers['content-type']]).toEqual([400, 'text/html; charset=utf-8']);
    expect(page.text).toContain('This link does not work');
    expect((await open(app, confirm, 'POST')).text).toBe(page.text);
    for (const [from, to] of [
      ['/1?', '/99?'],
      ['1.0', '3.0'],
    ] as const) {
      const lost = await open(app, confirm.replace(from, to));
      expect([lost.status, lost.headers['content-language']]).toEqual([400, 'en']);
    }
    expectAnswer(await follow(app, confirm.replace('/1?', '/99?')), 400, gatewayError.brand);
  });

  it('stands in no table, nor in the outbox', async () => {
    const player = await newPlayer();
    const { confirm } = await begin(player);
    const secret = /hash=(.+)$/.exec(confirm)?.[1] ?? '';
    const hex = Buffer.from(secret, 'base64url').toString('hex');
    const tables = ['player_links', 'outbox', 'player_changes', 'player_credentials'];
    for (const table of tables) {
      const [row] = await app.sql<{ found: number }>(
        `select count(*)::integer as found from ${table} t where t::text like any ($1)`,
        [[`%${secret}%`, `%${hex}%`, `%${Buffer.from(secret).toString('hex')}%`]],
      );
      expect([table, row?.found]).toEqual([table, 0]);
    }
  });
});

describe('the activation mail', () => {
  const resend = '/gateway/admission/1.0/resend/activation/email/1';
  const sent = '{"msg":"Activation Email was sent."}';

  it('goes out with registration, and verifies the address by its link', async () => {
    const registration = {
      ...{ loginName: 'activated', email: 'Activated@example.com', password: 'Secr3t-words' },
      ...{ over18: true, signTNC: true, language: 'de', currency: 'EUR' },
    };
    const answer = await app.call('POST', '/gateway/reg-step-one/1.0/1', { token: null, body: registration });
    const { player_id: id, auth_token: token } = answer.as<{ player_id: number; auth_token: string }>();
    const [mail] = await queuedMails(app, String(id));
    expect(mail).toMatchObject({ to: 'Activated@example.com', template: 'activation', language: 'de' });
    const link = await mailedLink(app, String(id), 'activation');
    expectAnswer(await app.call('POST', resend, { token }), 200, sent);
    expectAnswer(await follow(app, link), 400, gatewayError.failure);
    const newer = await mailedLink(app, String(id), 'activation');
    expect((await open(app, newer)).text).toContain('Activated@example.com');
    expectAnswer(await follow(app, newer), 200, verified);
    const details = await app.call('GET', '/gateway/player-personal-details/player/details/1.0/1', { token });
    expect(details.as<{ eMail: object }>().eMail).toMatchObject({ isVerified: true });
    // Verified: the same answer, and no mail.
    const count = (await queuedMails(app, String(id))).length;
    expectAnswer(await app.call('PUT', resend, { token, offDocument: true }), 200, sent);
    expect(await queuedMails(app, String(id))).toHaveLength(count);
  });

  it('is void once the address is another', async () => {
    const player = await newPlayer({ email_verified_at: null });
    await app.call('POST', resend, { token: player.token });
    const link = await mailedLink(app, player.id, 'activation');
    await putPlayer(app, player.id, { email: 'moved.on@example.com' });
    expectAnswer(await follow(app, link), 400, gatewayError.failure);
    expect(await addressOf(player)).toMatchObject({ verified: false });
  });

  it('is five in an hour, whether or not there is anything to send', async () => {
    for (const at of [null, '2026-01-01T00:00:00Z']) {
      const { token } = await newPlayer({ email_verified_at: at });
      for (let tries = 0; tries < 5; tries++)
        expectAnswer(await app.call('POST', resend, { token }), 200, sent);
      const refused = await app.call('POST', resend, { token });
      expectAnswer(refused, 429, gatewayError.tooMany);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3500);
    }
  });

  it('is for who is logged in, at a brand', async () => {
    const { token } = await newPlayer();
    expectAnswer(await app.call('POST', resend, { token: null }), 401, gatewayError.token);
    expectAnswer(await app.call('POST', resend.replace(/1$/, 'x'), { token }), 400, gatewayError.brand);
    expectAnswer(await app.call('POST', resend.replace('1.0', '0'), { token }), 400, gatewayError.input);
  });
});
