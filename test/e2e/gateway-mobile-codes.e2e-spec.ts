import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Clock } from '../../src/common/clock.js';
import { newPlayerId } from '../support/consents.js';
import { becomeJane, detailsPath, janesDetails } from '../support/details.js';
import {
  demoPassword,
  expectAnswer,
  gatewayError,
  logIn,
  putPlayer,
  readDetails,
} from '../support/gateway.js';
import { SmsGateway } from '../support/sms-gateway.js';
import { type Answer, createTestApp, type TestApp } from '../support/test-app.js';

const sms = new SmsGateway();
const password = demoPassword;
let app: TestApp;
let player: string;
let number: string;
/** Of a player of its own for each test, with a number and a network of its own. */
let session: string;
let network = 0;
let count = 0;

beforeAll(async () => {
  // One proxy in front, which says where callers are.
  app = await createTestApp({
    deliveries: true,
    environment: { SMS_URL: await sms.start(), TRUST_PROXY: '1' },
  });
});
afterAll(async () => {
  await app?.close();
  sms.stop();
});
beforeEach(async () => {
  player = newPlayerId();
  network++;
  number = newNumber();
  session = await becomeJane(app, player);
  await app.sql('update players set is_mobile_verification_on = true where player_id = $1', [player]);
});
afterEach(() => void jest.restoreAllMocks());

const newNumber = () => `44-7400${String(100_000 + ++count)}`;

interface Credentials {
  token: string | null;
  /** The session. */
  as?: string | null;
  brand?: string;
}
const headers = () => ({ 'x-forwarded-for': `198.51.100.${network}` });
const call = (method: string, path: string, body: unknown, { token, as = null, brand = '1' }: Credentials) =>
  app.call(method, `/gateway/player-data/1.0/${path}/${brand}`, {
    body,
    token: as,
    headers: { ...headers(), ...(token !== null && { '2fa-auth-token': token }) },
  });
const send = (credentials: Credentials, mobileNumber: unknown = number) =>
  call('POST', 'send/code', { mobile_number: mobileNumber }, credentials);
const validate = (credentials: Credentials, code: unknown) =>
  call('PUT', 'validate/code', { sms_code: code }, credentials);
const otherThan = (code: string) => (code === '000000' ? '111111' : '000000');
const failed = (description: string, remaining_time?: number) =>
  JSON.stringify({ status: 'Failed', data: { description, remaining_time } });
const sent = (token: string) =>
  JSON.stringify({ status: 'Success', data: { description: 'Success', '2fa_auth_token': token } });
const valid = (token: string, sessionToken: string, code = 'OK') =>
  JSON.stringify({
    status: 'Success',
    data: {
      description: 'Valid',
      '2fa_auth_token': token,
      updated_fields: { mobile_number: number, verification_status: '1' },
      result: code,
      token: sessionToken,
      auth_token: sessionToken,
      status: code === 'OK' ? 200 : 303,
    },
  });
const sessionIn = (answer: Answer) => answer.as<{ data: { auth_token: string } }>().data.auth_token;

/** Moves the service's clock on. */
function pass(seconds: number): void {
  const clock = app.nest.get(Clock, { strict: false });
  const now = clock.now().getTime();
  jest.restoreAllMocks();
  jest.spyOn(clock, 'now').mockImplementation(() => new Date(now + seconds * 1000));
}

/** Asks for another number, and is refused: answers the token. */
async function changeNumber(phone = number): Promise<string> {
  const answer = await app.call('PUT', detailsPath, {
    token: session,
    headers: headers(),
    body: { phone, city: 'Leeds' },
  });
  expect(answer.status).toBe(403);
  return answer.as<{ data: { '2fa_auth_token': string } }>().data['2fa_auth_token'];
}

/** Lets the player log in, with codes to its number; answers the token that a log-in gives. */
async function beginLogin(): Promise<string> {
  const name = `mobile${player}`;
  for (const type of ['tnc', 'privacy']) {
    const body = { brand_id: 1, player_id: player, language: 'en', type };
    await app.call('POST', '/gateway/player/multi/1.0/sign/tnc', { token: session, body });
  }
  await app.sql('update players set phone = $2 where player_id = $1', [player, number]);
  await putPlayer(app, player, { username: name, password, is2faRequired: true });
  return challenge();
}

async function challenge(): Promise<string> {
  const answer = await logIn(app, { user_name: `mobile${player}`, password }, { headers: headers() });
  const { '2fa_auth_token': token } = answer.as<{ '2fa_auth_token': string }>();
  expectAnswer(answer, 403, JSON.stringify({ result: '2FA_REQUIRED', '2fa_auth_token': token }));
  return token;
}

const details = async () => (await readDetails(app, session)).as<Record<string, unknown>>();
const changesOf = () =>
  app.sql<{ field: string }>(
    `select field, before, after, actor from player_changes where brand_id = 1 and player_id = $1 order by id`,
    [player],
  );

describe('the code of a new number', () => {
  it('saves the number and nothing else of the refused change', async () => {
    const token = await changeNumber();
    expect(await details()).toMatchObject({ phone: janesDetails.phone, pendingMobileNumber: number });
    const code = await sms.code(number);
    const answer = await validate({ token, as: session }, code);
    expectAnswer(answer, 200, valid(token, session));
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(await details()).toMatchObject({
      phone: number,
      city: janesDetails.city,
      pendingMobileNumber: '',
      mobileVerificationStatus: 1,
      mobileVerificationStatusChangedBy: 'player',
      mobileVerificationStatusDate: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    });
    expect(await changesOf()).toEqual([
      { field: 'phone', before: janesDetails.phone, after: number, actor: 'player' },
      { field: 'mobileVerificationStatus', before: '0', after: '1', actor: 'player' },
    ]);
    expectAnswer(await validate({ token, as: session }, code), 401, gatewayError.token);
  });

  it('wants the token, and the session of its player', async () => {
    const token = await changeNumber();
    const code = await sms.code(number);
    const other = (await app.openSession('1001')).auth_token;
    const wrong: Credentials[] = [
      { token: null, as: session },
      { token: '', as: session },
      { token: randomUUID(), as: session },
      { token: session, as: session },
      { token },
      { token, as: randomUUID() },
      { token, as: other },
      { token, as: session, brand: '2' },
    ];
    for (const credentials of wrong) {
      expectAnswer(await send(credentials), 401, gatewayError.token);
      expectAnswer(await validate(credentials, code), 401, gatewayError.token);
      // What is in the body comes after who sends it.
      expectAnswer(await validate(credentials, 5), 401, gatewayError.token);
    }
    expectAnswer(await validate({ token, as: session, brand: '99' }, code), 400, gatewayError.brand);
    expectAnswer(
      await validate({ token: token.toUpperCase(), as: session }, code),
      200,
      valid(token, session),
    );
  });

  it.each([
    ['nothing', {}],
    ['a number', { mobile_number: 5, sms_code: 5 }],
    ['null', { mobile_number: null, sms_code: null }],
    ['an empty text', { mobile_number: '', sms_code: '' }],
    ['a text without end', { mobile_number: '1'.repeat(41), sms_code: '1'.repeat(41) }],
  ])('with %s in the body is 400', async (_what, body) => {
    const credentials = { token: await changeNumber(), as: session };
    expectAnswer(await call('POST', 'send/code', body, credentials), 400, gatewayError.input);
    expectAnswer(await call('PUT', 'validate/code', body, credentials), 400, gatewayError.input);
  });

  it('is sent again after a minute, under the same token, and only to its number', async () => {
    const credentials = { token: await changeNumber(), as: session };
    const first = await sms.code(number);
    pass(0);
    const wait = await send(credentials);
    const { remaining_time: left } = wait.as<{ data: { remaining_time: number } }>().data;
    expectAnswer(wait, 422, failed('Wait before you ask for another code', left));
    expect(left).toBeGreaterThan(30);
    expect(left).toBeLessThanOrEqual(60);
    expectAnswer(await send(credentials, janesDetails.phone), 422, failed('Invalid mobile number'));
    pass(left);
    expectAnswer(await send(credentials, `+${number.replace('-', ' ')}`), 200, sent(credentials.token));
    const second = await sms.code(number, 2);
    if (first !== second) expectAnswer(await validate(credentials, first), 422, failed('Invalid'));
    expectAnswer(await validate(credentials, second), 200, valid(credentials.token, session));
  });

  it('goes where the number is called, also if it was written as at home', async () => {
    const credentials = { token: await changeNumber(number.replace('-', '-0')), as: session };
    const answer = await validate(credentials, await sms.code(number));
    expect(answer.status).toBe(200);
  });

  it('may be wrong five times', async () => {
    const credentials = { token: await changeNumber(), as: session };
    const code = await sms.code(number);
    for (let time = 0; time < 5; time++)
      expectAnswer(await validate(credentials, otherThan(code)), 422, failed('Invalid'));
    expectAnswer(await validate(credentials, code), 422, failed('Expired'));
    expect(await details()).toMatchObject({ phone: janesDetails.phone });
    pass(60);
    expectAnswer(await send(credentials), 200, sent(credentials.token));
    const answer = await validate(credentials, await sms.code(number, 2));
    expectAnswer(answer, 200, valid(credentials.token, session));
  });

  it('is good for ten minutes, and the token for an hour', async () => {
    pass(0);
    const credentials = { token: await changeNumber(), as: session };
    const code = await sms.code(number);
    pass(599);
    expectAnswer(await validate(credentials, otherThan(code)), 422, failed('Invalid'));
    pass(1);
    expectAnswer(await validate(credentials, code), 422, failed('Expired'));
    pass(2999);
    expectAnswer(await validate(credentials, code), 422, failed('Expired'));
    pass(1);
    expectAnswer(await send(credentials), 401, gatewayError.token);
  });

  it('is void once the player asks for another number, or the operator sets one', async () => {
    const token = await changeNumber();
    const code = await sms.code(number);
    number = newNumber();
    const newer = await changeNumber();
    expectAnswer(await validate({ token, as: session }, code), 401, gatewayError.token);
    await putPlayer(app, player, { phone: '44-7400999999' });
    const other = await sms.code(number);
    expectAnswer(await validate({ token: newer, as: session }, other), 401, gatewayError.token);
    expectAnswer(await send({ token: newer, as: session }), 401, gatewayError.token);
    expect(await details()).toMatchObject({ phone: '44-7400999999', mobileVerificationStatus: 0 });
  });

  it('works once, when it comes fifty times at the same time', async () => {
    const credentials = { token: await changeNumber(), as: session };
    const code = await sms.code(number);
    const answers = await Promise.all(Array.from({ length: 50 }, () => validate(credentials, code)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200))
      expectAnswer(answer, 401, gatewayError.token);
    expect(await changesOf()).toHaveLength(2);
  });
});

describe('the code of a log-in', () => {
  it('opens a session, and shows the number to be the player’s', async () => {
    const token = await beginLogin();
    // No session is asked for, and one that is over does not matter.
    expectAnswer(await validate({ token }, '123456'), 422, failed('Expired'));
    expectAnswer(await send({ token, as: randomUUID() }), 200, sent(token));
    const code = await sms.code(number);
    expectAnswer(await validate({ token }, otherThan(code)), 422, failed('Invalid'));
    const answer = await validate({ token }, code);
    const opened = sessionIn(answer);
    expectAnswer(answer, 200, valid(token, opened));
    const read = await readDetails(app, opened);
    expect(read.as<object>()).toMatchObject({
      phone: number,
      is2faRequired: true,
      mobileVerificationStatus: 1,
    });
    expect((await changesOf()).map(({ field }) => field)).toContain('mobileVerificationStatus');
    expectAnswer(await validate({ token }, code), 401, gatewayError.token);
    // Once it is verified nothing is written of it.
    const written = (await changesOf()).length;
    pass(60);
    const next = await challenge();
    expectAnswer(await send({ token: next }), 200, sent(next));
    expect((await validate({ token: next }, await sms.code(number, 2))).status).toBe(200);
    expect(await changesOf()).toHaveLength(written);
  });

  it('goes to the player’s number alone, and guesses at it count', async () => {
    const token = await beginLogin();
    for (let guess = 0; guess < 5; guess++)
      expectAnswer(await send({ token }, newNumber()), 422, failed('Invalid mobile number'));
    expectAnswer(await send({ token }), 429, gatewayError.tooMany);
  });

  it('goes nowhere for a player without a number', async () => {
    const token = await beginLogin();
    await app.sql('update players set phone = null where player_id = $1', [player]);
    expectAnswer(await send({ token }), 422, failed('Invalid mobile number'));
  });

  it('says what the player has to do first', async () => {
    const token = await beginLogin();
    await putPlayer(app, player, { temporaryPassword: true });
    await send({ token });
    const answer = await validate({ token }, await sms.code(number));
    expectAnswer(answer, 200, valid(token, sessionIn(answer), 'PASSWORD_CHANGE_REQUIRED'));
    expect((await readDetails(app, sessionIn(answer))).status).toBe(200);
  });

  it.each([
    ['has another password', () => putPlayer(app, player, { password: 'An0therPass' })],
    [
      'is blocked',
      () => app.call('PUT', `/internal/players/${player}/blocks`, { body: { blocked: { active: true } } }),
    ],
  ])('is void once the player %s', async (_what, act) => {
    const token = await beginLogin();
    await send({ token });
    const code = await sms.code(number);
    await act();
    expectAnswer(await validate({ token }, code), 401, gatewayError.token);
  });

  it('works once, when it comes fifty times at the same time', async () => {
    const token = await beginLogin();
    await send({ token });
    const code = await sms.code(number);
    const answers = await Promise.all(Array.from({ length: 50 }, () => validate({ token }, code)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const [row] = await app.sql<{ sessions: number }>(
      'select count(*)::integer as sessions from sessions where player_id = $1 and ended_at is null',
      [player],
    );
    expect(row?.sessions).toBe(1);
  });
});

describe('codes are limited', () => {
  const expectThrottled = (answer: Answer, least: number, most: number) => {
    expectAnswer(answer, 429, gatewayError.tooMany);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(least);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(most);
  };

  it('to five of a player in an hour', async () => {
    const credentials = { token: await changeNumber(), as: session };
    for (let time = 0; time < 4; time++) {
      pass(60);
      expect((await send(credentials)).status).toBe(200);
    }
    pass(60);
    network++;
    expectThrottled(await send(credentials), 3500, 3600);
  });

  it('to five to a number, however many players ask for them', async () => {
    for (let time = 0; time < 5; time++) {
      session = await becomeAnother();
      await changeNumber();
    }
    session = await becomeAnother();
    network++;
    const body = { phone: number };
    expectThrottled(
      await app.call('PUT', detailsPath, { token: session, body, headers: headers() }),
      3500,
      3600,
    );
    expect(await details()).toMatchObject({ phone: janesDetails.phone, pendingMobileNumber: '' });
  });

  it('to fifty from a network', async () => {
    for (let time = 0; time < 50; time++) {
      if (time % 5 === 0) session = await becomeAnother();
      await changeNumber(newNumber());
    }
    session = await becomeAnother();
    const body = { phone: newNumber() };
    const refused = await app.call('PUT', detailsPath, { token: session, body, headers: headers() });
    expectThrottled(refused, 3500, 3600);
    network++;
    await changeNumber();
  });

  it('and tries to a hundred of a network', async () => {
    const credentials = { token: await changeNumber(), as: session };
    const tries = await Promise.all(Array.from({ length: 110 }, () => validate(credentials, '12345')));
    expect(tries.filter(({ status }) => status === 422)).toHaveLength(100);
    expectThrottled(await validate(credentials, '12345'), 800, 900);
    network++;
    expectAnswer(await validate(credentials, '12345'), 422, failed('Expired'));
  });

  async function becomeAnother(): Promise<string> {
    const another = newPlayerId();
    const token = await becomeJane(app, another);
    await app.sql('update players set is_mobile_verification_on = true where player_id = $1', [another]);
    return token;
  }
});

it('no table holds a code, or a token', async () => {
  const token = await changeNumber();
  const code = await sms.code(number);
  const rows = await app.sql<{ row: string }>(
    `select c::text as row from player_codes c where player_id = $1
     union all select o::text from outbox o where player_id = $1`,
    [player],
  );
  expect(rows.length).toBeGreaterThan(0);
  const plain = rows.map(({ row }) => row.replaceAll(number, '')).join(' ');
  expect(plain).not.toContain(token);
  expect(plain.split(/\W/)).not.toContain(code);
});
