import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { demoPolicyIds } from '../../src/demo-policies.js';
import { newPlayerId, printed } from '../support/consents.js';
import { expectAnswer, gatewayError, logIn, putPlayer, readDetails, uuidV4 } from '../support/gateway.js';
import { type Answer, createTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

let count = 0;
/** A form that is right, of somebody new. */
const form = (changes: object = {}) => {
  const loginName = `newcomer${++count}`;
  return {
    loginName,
    email: `${loginName}@example.com`,
    password: 'Secr3t-words',
    over18: true,
    signTNC: true,
    language: 'en',
    currency: 'EUR',
    ...changes,
  };
};
const stepOne = (body: object, brand = '1') =>
  app.call('POST', `/gateway/reg-step-one/1.0/${brand}`, { token: null, body });
const stepTwo = (body: unknown, brand = '1') =>
  app.call('POST', `/gateway/reg-step-two/1.0/${brand}`, { token: null, body });
const details = {
  firstName: 'Jane',
  lastName: 'Doe',
  birthDate: '29/02/1996',
  gender: 'F',
  language: 'de',
  country: 'GB',
  city: 'London',
  address: '1 High Street',
  zipCode: 'SW1A 1AA',
  mobileNumber: '44-7400123456',
  uuid: 'a device of the caller',
};
const registered = async (changes: object = {}) => {
  const answer = await stepOne(form(changes));
  return answer.as<{ auth_token: string; player_id: number }>();
};
const result = (word: string) =>
  JSON.stringify({ message: '', result: word, auth_token: 'null', authToken: 'null' });
const countPlayers = async () => {
  const { players, marketing_states, sessions, consent_events } = await app.countRows();
  return { players, marketing_states, sessions, consent_events };
};

describe('the first step', () => {
  it('creates a player with a session, opted out of everything, whatever signOptOut says', async () => {
    const body = form({
      signOptOut: false,
      btag: 'aff-7',
      bonusCode: 'WELCOME',
      aff_extra_param: 'x=1',
      some_key: 'of another version',
    });
    const answer = await stepOne(body);
    const { auth_token: token, player_id: id } = answer.as<{ auth_token: string; player_id: number }>();
    expectAnswer(answer, 200, JSON.stringify({ auth_token: token, result: 'OK', player_id: id }));
    expect(token).toMatch(uuidV4);
    expect(id).toBeGreaterThanOrEqual(100_000_001);
    expect((await readDetails(app, token)).status).toBe(200);
    expectAnswer(await app.call('GET', `/userconsents/${id}`), 200, printed());
    const [row] = await app.sql(
      `select p.language, p.currency, p.b_tag, p.has_details, c.username, c.email, c.email_verified_at, c.signed_opt_out,
         c.bonus_code, c.affiliate_parameter, c.registered_at, c.password_hash ~ '^\\$argon2id\\$v=19\\$m=19456,t=2,p=1\\$' as hashed
       from players p join player_credentials c using (brand_id, player_id) where player_id = $1`,
      [String(id)],
    );
    expect(row).toEqual({
      ...{ language: 'en', currency: 'EUR', b_tag: 'aff-7', has_details: false, hashed: true },
      ...{ username: body.loginName, email: body.email, email_verified_at: null, registered_at: null },
      ...{ signed_opt_out: false, bonus_code: 'WELCOME', affiliate_parameter: 'x=1' },
    });
    const events = await app.sql(
      `select e.actor, e.source, c.policy_id from policy_consents c join subjects s on s.client_id = c.subject_id
       join consent_events e on e.brand_id = s.brand_id and e.player_id = s.player_id where s.player_id = $1`,
      [String(id)],
    );
    expect(events).toEqual([{ actor: 'player', source: 'gateway', policy_id: demoPolicyIds.terms }]);
  });

  it.each([
    [
      'an empty form',
      () => ({}),
      'loginName login_name_required, email email_required, password password_short, password password_same_letters, password password_mix_characters, over18 over18_required, signTNC sign_tnc_required, language language_required, currency currency_required',
    ],
    ['a short name', () => form({ loginName: 'ab' }), 'loginName login_name_short'],
    ['a long name', () => form({ loginName: 'x'.repeat(65) }), 'loginName login_name_long'],
    ['a name with a space', () => form({ loginName: 'jane doe' }), 'loginName login_name_syntax_error'],
    [
      'an address for a name',
      () => form({ loginName: 'jane@example.com' }),
      'loginName login_name_syntax_error',
    ],
    ['a name that is taken', () => form({ loginName: 'PLAYER1001' }), 'loginName login_name_already_exists'],
    [
      'an address that is taken',
      () => form({ email: 'Player1001@Example.com' }),
      'email email_already_exists',
    ],
    [
      'an address of 255 characters',
      () => form({ email: `${'x'.repeat(243)}@example.com` }),
      'email email_long',
    ],
    ['an address without @', () => form({ email: 'jane.example.com' }), 'email email_syntax_error'],
    [
      'a long address without @',
      () => form({ email: 'x'.repeat(255) }),
      'email email_long, email email_syntax_error',
    ],
    ['a domain that cannot be', () => form({ email: 'jane@example.nosuchtld' }), 'email invalid_email'],
    ['a domain without a dot', () => form({ email: 'jane@localhost' }), 'email invalid_email'],
    ['a domain literal', () => form({ email: 'jane@[192.0.2.1]' }), 'email invalid_email'],
    ['a throw-away address', () => form({ email: 'jane@mailinator.com' }), 'email email_fraud'],
    ['one under such a domain', () => form({ email: 'jane@x.Mailinator.com' }), 'email email_fraud'],
    ['a short password', () => form({ password: 'Abc1234' }), 'password password_short'],
    ['a long one', () => form({ password: 'Abcdefgh12345678' }), 'password password_long'],
    [
      'one with the name in it',
      () => form({ loginName: 'Jane', password: 'my-jANE-99' }),
      'password password_match_user_name',
    ],
    ['three different letters', () => form({ password: 'aabbcc11aab' }), ''],
    ['one of three letters', () => form({ password: 'ab1ab1ab1' }), 'password password_same_letters'],
    ['one without digits', () => form({ password: 'Abcdefgh' }), 'password password_mix_characters'],
    ['one without letters', () => form({ password: '12345678' }), 'password password_mix_characters'],
    [
      'all that can be wrong with one',
      () => form({ loginName: 'aaa', password: 'aaaaaaaaaaaaaaaa' }),
      'password password_long, password password_match_user_name, password password_same_letters, password password_mix_characters',
    ],
    ['a minor', () => form({ over18: false }), 'over18 over18_required'],
    ['unsigned terms', () => form({ signTNC: false }), 'signTNC sign_tnc_required'],
    ['no language', () => form({ language: 'english' }), 'language invalid_language'],
    ['no currency', () => form({ currency: 'eur' }), 'currency invalid_currency'],
  ])('of %s', async (_what, make, broken) => {
    const before = await countPlayers();
    const answer = await stepOne(make());
    if (broken === '') {
      expect(answer.status).toBe(200);
      return;
    }
    const codes = broken.split(', ').map((each) => each.split(' ') as [string, string]);
    expectAnswer(answer, 422, gatewayError.fields(...codes));
    expect(await countPlayers()).toEqual(before);
  });

  it('does not look up test players’ domains', async () => {
    expect((await stepOne(form({ loginName: 'qqtst_jane', email: 'jane@mailinator.com' }))).status).toBe(200);
  });

  it('takes no address of the brand’s own list, whoever sends it, but those of test players and those that are there', async () => {
    await putPlayer(app, '7001', { username: 'early7001', email: 'early@example.org' });
    const patched = await app.call('PATCH', '/api/brands/1', {
      body: { fraudEmailDomains: ['Example.ORG', 'xn--bcher-kva.example.net'] },
    });
    expect(patched.json).toMatchObject({ fraudEmailDomains: ['example.org', 'xn--bcher-kva.example.net'] });
    for (const email of ['jane@EXAMPLE.org', 'jane@x.example.org', 'jane@bücher.example.net'])
      expectAnswer(await stepOne(form({ email })), 422, gatewayError.fields(['email', 'email_fraud']));
    const refused = await app.call('PUT', '/internal/players/7002', { body: { email: 'jane@example.org' } });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('email_fraud')]);
    await putPlayer(app, '7001', { email: 'Early@example.org', city: 'Rome' });
    await putPlayer(app, '7001', { username: 'qqtst_7001', email: 'other@example.org' });
    await putPlayer(app, '7002', { email: 'other@mailinator.com' });
    await app.call('PATCH', '/api/brands/1', { body: { fraudEmailDomains: [] } });
  });

  it.each([
    ['a number for a name', { loginName: 5 }],
    ['null for an address', { email: null }],
    ['a text for a flag', { over18: 'true' }],
    ['a text without end', { btag: 'x'.repeat(201) }],
  ])('with %s is 400', async (_what, changes) => {
    expectAnswer(await stepOne(form(changes)), 400, gatewayError.input);
  });

  it('at no brand, or of no version, is 400', async () => {
    expectAnswer(await stepOne(form(), '99'), 400, gatewayError.brand);
    const answer = await app.call('POST', '/gateway/reg-step-one/3/1', { token: null, body: form() });
    expectAnswer(answer, 400, gatewayError.input);
  });

  it('takes a name and an address once, however many want them at once', async () => {
    const { loginName, email } = form();
    const race = async (make: (index: number) => object) => {
      const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => stepOne(form(make(index)))));
      return answers.map(({ status }) => status).sort();
    };
    const one = [200, ...Array.from({ length: 11 }, () => 422)];
    expect(await race(() => ({ loginName }))).toEqual(one);
    expect(await race((index) => ({ email: index % 2 ? email.toUpperCase() : email }))).toEqual(one);
  });

  it('takes a domain in letters and in ASCII for one', async () => {
    expect((await stepOne(form({ email: 'jane@bücher.de' }))).status).toBe(200);
    const again = await stepOne(form({ email: 'Jane@XN--BCHER-KVA.de' }));
    expectAnswer(again, 422, gatewayError.fields(['email', 'email_already_exists']));
  });

  it('steps over the ids that the operator has', async () => {
    const { player_id: id } = await registered();
    for (const next of [1, 2, 3]) await putPlayer(app, String(id + next), {});
    expect((await registered()).player_id).toBe(id + 4);
  });
});

describe('the second step', () => {
  it('completes the player, once', async () => {
    const { auth_token, player_id: id } = await registered();
    const body = { auth_token, ...details };
    expectAnswer(await stepTwo(body), 200, result('OK'));
    const answer = await readDetails(app, auth_token);
    expect(answer.as<object>()).toEqual(
      expect.objectContaining({
        ...{
          firstName: 'Jane',
          lastName: 'Doe',
          birthdate: '1996-02-29 00:00:00',
          gender: 'F',
          language: 'de',
        },
        ...{ country: 'GB', city: 'London', address: '1 High Street', zipPostalCode: 'SW1A 1AA' },
        ...{ phone: '44-7400123456', mobileVerificationStatus: 0 },
        optOut: { chat: true, sms: true, email: true, phone: true },
      }),
    );
    const changes = await app.sql(
      'select distinct field, actor from player_changes where player_id = $1 order by field',
      [String(id)],
    );
    expect(changes.map(({ field }) => field as string)).toEqual(
      expect.arrayContaining(['address', 'birthdate', 'phone', 'zipPostalCode']),
    );
    expectAnswer(await stepTwo(body), 422, gatewayError.fields(['auth_token', 'already_registered']));
    const [row] = await app.sql('select registered_at from player_credentials where player_id = $1', [
      String(id),
    ]);
    expect(row?.registered_at).toBeInstanceOf(Date);
  });

  it('completes a player of whom only consents were known', async () => {
    const id = newPlayerId();
    await app.call('POST', `/userconsents/${id}`, {
      body: { consents: [{ type: 'email', opted_in: true }] },
    });
    const { auth_token } = await app.openSession(id);
    expectAnswer(await stepTwo({ auth_token, ...details }), 200, result('OK'));
    expect((await readDetails(app, auth_token)).as<object>()).toMatchObject({
      firstName: 'Jane',
      optOut: { chat: true, sms: true, email: false, phone: true },
    });
    const again = await stepTwo({ auth_token, ...details });
    expectAnswer(again, 422, gatewayError.fields(['auth_token', 'already_registered']));
  });

  it('is what a log-in asks for until it is done; then the privacy policy is open', async () => {
    const { loginName, email, password } = form();
    const { auth_token } = await registered({ loginName, email });
    const next = async () => (await logIn(app, { email, password })).as<{ result: string }>().result;
    expect(await next()).toBe('INCOMPLETE_REGISTRATION');
    await stepTwo({ auth_token, ...details, birthDate: undefined, birthdate: '02/11/1996' });
    expect(await next()).toBe('PRIVACY_APPROVAL_REQUIRED');
  });

  it.each([
    ['no token', undefined],
    ['a token that is none', 'x'],
    ['a number', 5],
    ['an unknown one', '7e57ab1e-0000-4000-8000-000000000000'],
  ])('with %s is 401, whatever else is wrong', async (_what, auth_token) => {
    expectAnswer(await stepTwo({ auth_token }), 401, result('malformed_token'));
    const { auth_token: token } = await registered();
    expectAnswer(await stepTwo({ auth_token: token, ...details }, '2'), 401, result('malformed_token'));
  });

  it('with a body that is none is 400 in its own words, and at no brand in the common ones', async () => {
    const { auth_token } = await registered();
    const malformed: unknown[] = [
      '{',
      '[]',
      { auth_token },
      { auth_token, ...details, firstName: 5 },
      { auth_token, ...details, city: null },
      { auth_token, ...details, uuid: 5 },
    ];
    for (const body of malformed) expectAnswer(await stepTwo(body), 400, result('malformed_request'));
    expectAnswer(await stepTwo({ auth_token, ...details }, '99'), 400, gatewayError.brand);
    const answer = await app.call('POST', '/gateway/reg-step-two/3/1', { token: null, body: details });
    expectAnswer(answer, 400, gatewayError.input);
  });

  it('names every rule that is broken, and saves nothing', async () => {
    const { auth_token } = await registered();
    const cases: [object, [string, string][]][] = [
      [{ firstName: '' }, [['firstName', 'first_name_required']]],
      [{ lastName: ' \t\u00a0' }, [['lastName', 'last_name_required']]],
      [{ birthDate: '30/02/1990' }, [['birthDate', 'invalid_birth_date']]],
      [{ birthDate: '1990-02-03T' }, [['birthDate', 'invalid_birth_date']]],
      [{ birthDate: '01/01/2020' }, [['birthDate', 'under_age']]],
      [
        { gender: 'X', language: 'xx1', country: 'XX', zipCode: '', mobileNumber: '44-1' },
        [
          ['gender', 'invalid_gender'],
          ['language', 'invalid_language'],
          ['country', 'invalid_country'],
          ['zipCode', 'zip_code_required'],
          ['mobileNumber', 'invalid_mobile_number'],
        ],
      ],
    ];
    for (const [changes, codes] of cases) {
      const answer = await stepTwo({ auth_token, ...details, ...changes });
      expectAnswer(answer, 422, gatewayError.fields(...codes));
    }
    expect((await readDetails(app, auth_token)).as<{ firstName: string }>().firstName).toBe('');
  });
});

it('keeps no password in clear, wherever it was', async () => {
  const answer: Answer = await stepOne(form({ password: 'Plainly-5een' }));
  expect(answer.status).toBe(200);
  const [row] = await app.sql<{ found: number }>(
    `select count(*)::integer as found from player_credentials c where c::text like '%Plainly-5een%'`,
  );
  expect(row?.found).toBe(0);
});
