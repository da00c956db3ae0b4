import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../src/common/clock.js';
import { KeyedHash, sha256 } from '../../src/common/secrets.js';
import { developmentSecretKey } from '../../src/config/config.js';
import { newPlayerId } from '../support/consents.js';
import { eventually } from '../support/crm-server.js';
import { becomeJane, detailsPath, gatewayError, janesDetails, printedDetails } from '../support/details.js';
import { type Answer, createTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;
let smsGateway: Server;
const messages: { to: string; text: string }[] = [];
let player: string;
let token: string;

beforeAll(async () => {
  smsGateway = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      messages.push(JSON.parse(text) as { to: string; text: string });
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => smsGateway.listen(0, '127.0.0.1', resolve));
  const { port } = smsGateway.address() as AddressInfo;
  app = await createTestApp({ deliveries: true, environment: { SMS_URL: `http://127.0.0.1:${port}` } });
});
afterAll(async () => {
  await app?.close();
  smsGateway.closeAllConnections();
  smsGateway.close();
});
beforeEach(async () => {
  player = newPlayerId();
  token = await becomeJane(app, player);
});

const put = (body: unknown, method = 'PUT') =>
  app.call(method, detailsPath, { token, body, offDocument: method !== 'PUT' });
const read = async (as = token) => (await app.call('GET', detailsPath, { token: as })).text;
const setBrand = (body: object) => app.call('PATCH', '/api/brands/1', { body });
const expectBody = ({ status, text }: Answer, wanted: number, body = '') =>
  expect([status, text]).toEqual([wanted, body]);
const changesOf = (id = player) =>
  app.sql<{ field: string; before: string; after: string }>(
    `select field, before, after, actor, operator, comment from player_changes
     where brand_id = 1 and player_id = $1 order by id`,
    [id],
  );

describe('GET details', () => {
  it('prints exactly the documented keys', async () => {
    const answer = await app.call('GET', detailsPath, { token });
    expectBody(answer, 200, printedDetails());
    expect(answer.headers['cache-control']).toBe('no-store');
    await app.sql(
      `insert into player_credentials (brand_id, player_id, email, email_verified_at, is_2fa_required)
       values (1, $1, 'jane@example.com', now(), true)`,
      [player],
    );
    await app.sql(
      `update players set is_mobile_verified = true, mobile_verification_changed_at = '2022-01-01T10:20:30Z',
         mobile_verification_changed_by = 'system', pending_mobile_number = '44-7400654321' where player_id = $1`,
      [player],
    );
    const full = {
      eMail: { eMailAdress: 'jane@example.com', emailAddress: 'jane@example.com', isVerified: true },
      is2faRequired: true,
      mobileVerificationStatus: 1,
      mobileVerificationStatusDate: '2022-01-01 10:20:30',
      mobileVerificationStatusChangedBy: 'system',
      pendingMobileNumber: '44-7400654321',
    };
    expect(await read()).toBe(printedDetails(full));
  });

  it('prints empty values of a player without details, whose change is 404', async () => {
    const nobody = newPlayerId();
    await app.call('PUT', `/internal/players/${nobody}`, { body: {} });
    const session = (await app.openSession(nobody)).auth_token;
    const empty = Object.fromEntries(Object.keys(janesDetails).map((key) => [key, '']));
    expect(await read(session)).toBe(printedDetails(empty));
    const before = await app.countRows();
    const answer = await app.call('PUT', detailsPath, { token: session, body: { city: 'Leeds' } });
    expectBody(answer, 404, gatewayError.noDetails);
    expect(await app.countRows()).toEqual(before);
  });
});

describe('PUT details', () => {
  const changes: [string, string, string?][] = [
    ['firstName', 'Zoë'],
    ['lastName', 'O’Neill-Smith'],
    ['birthdate', '2000-02-29', '2000-02-29 00:00:00'],
    ['birthdate', '1999-12-31 00:00:00', '1999-12-31 00:00:00'],
    ['gender', 'M'],
    ['language', 'de'],
    ['country', 'DE'],
    ['city', 'Köln'],
    ['address', '2 Low Road\nFlat 3'],
    ['zipPostalCode', '50667'],
    ['phone', '49-15112345678'],
  ];
  it('changes what is given and leaves the rest', async () => {
    const expected: Record<string, unknown> = {};
    for (const [field, value, shown = value] of changes) {
      expectBody(await put({ [field]: value }), 204);
      expected[field] = shown;
      expect(await read()).toBe(printedDetails(expected));
    }
    expect((await changesOf()).map(({ field, after }) => [field, after])).toEqual(
      changes.map(([field, value]) => [field, field === 'birthdate' ? value.slice(0, 10) : value]),
    );
  });

  it.each(['POST', 'PATCH'])('goes by %s too', async (method) => {
    expectBody(await put({ city: method }, method), 204);
    expect(await read()).toBe(printedDetails({ city: method }));
  });

  it('takes back what it printed, and changes nothing by it', async () => {
    const before = await app.countRows();
    expectBody(await put(JSON.parse(await read())), 204);
    expectBody(await put({}), 204);
    expectBody(await put({ unknown: 'key', eMail: 5 }), 204);
    expect(await app.countRows()).toEqual(before);
    expect(await read()).toBe(printedDetails());
  });

  it('takes an empty text for what is not known anyway', async () => {
    await app.sql('update players set city = null where player_id = $1', [player]);
    expectBody(await put({ city: '', firstName: 'Joan' }), 204);
    expect(await read()).toBe(printedDetails({ city: '', firstName: 'Joan' }));
  });

  const wrong: [string, unknown][] = [
    ['an empty name', { firstName: '' }],
    ['a name of spaces', { firstName: ' \u00a0 ' }],
    ['a name too long', { lastName: 'x'.repeat(201) }],
    ['a name that is a number', { firstName: 5 }],
    ['null', { city: null }],
    ['a day that is none', { birthdate: '1996-02-30' }],
    ['a day the other way round', { birthdate: '02/11/1996' }],
    ['a time of day', { birthdate: '1996-11-02 12:00:00' }],
    ['a birthdate of nobody alive', { birthdate: '1899-12-31' }],
    ['a gender', { gender: 'f' }],
    ['a language in three letters', { language: 'eng' }],
    ['a language that is none', { language: 'xx' }],
    ['a country that is none', { country: 'XX' }],
    ['a country in small letters', { country: 'gb' }],
    ['a post code too long', { zipPostalCode: 'x'.repeat(21) }],
    ['a phone without hyphen', { phone: '447400123456' }],
    ['a phone with letters', { phone: '44-74001234AB' }],
    ['a phone that its country does not have', { phone: '12-1231231' }],
    ['a phone under a part of its country code', { phone: '4-47400123456' }],
    ['a comment that is no text', { comment: {} }],
    ['a comment too long', { comment: 'x'.repeat(1001) }],
    ['an operator too long', { operator: 'x'.repeat(201) }],
    ['a list', []],
    ['no JSON', '{"city":'],
    ['a NUL', { city: 'a\0b' }],
  ];
  it.each(wrong)('refuses %s, and saves nothing', async (_name, body) => {
    const before = await app.countRows();
    const all =
      typeof body === 'string' || Array.isArray(body) ? body : { address: 'saved?', ...(body as object) };
    expectBody(await put(all), 400, gatewayError.input);
    expect(await read()).toBe(printedDetails());
    expect(await app.countRows()).toEqual(before);
  });

  it('refuses a body too long, a brand that is none, and who has no session', async () => {
    expectBody(await put({ comment: 'x'.repeat(101_000) }), 413, gatewayError.input);
    const elsewhere = detailsPath.replace(/1$/, '99');
    const options = { token, body: { city: 'Leeds' } };
    expectBody(await app.call('PUT', elsewhere, options), 400, gatewayError.brand);
    expectBody(await app.call('PUT', detailsPath, { ...options, token: null }), 401, gatewayError.token);
    expectBody(await app.call('PUT', detailsPath.replace('1.0', '2.0'), options), 400, gatewayError.input);
    expectBody(await app.call('PUT', detailsPath.replace('1.0', 'v1'), options), 204);
  });

  it('keeps every change, with who and why', async () => {
    expectBody(await put({ city: 'Leeds', gender: 'M', operator: 'Support', comment: 'on the phone' }), 204);
    const by = { actor: 'player', operator: 'Support', comment: 'on the phone' };
    expect(await changesOf()).toEqual([
      { field: 'gender', before: 'F', after: 'M', ...by },
      { field: 'city', before: 'London', after: 'Leeds', ...by },
    ]);
  });

  it('keeps each of many at once', async () => {
    const cities = Array.from({ length: 12 }, (_, index) => `City ${index}`);
    const answers = await Promise.all(cities.map((city) => put({ city })));
    expect(answers.map(({ status }) => status)).toEqual(cities.map(() => 204));
    const kept = await changesOf();
    expect(kept.map(({ after }) => after).sort()).toEqual([...cities].sort());
    const chain = ['London', ...kept.map(({ after }) => after)];
    expect(kept.map(({ before }) => before).sort()).toEqual(chain.slice(0, -1).sort());
    expect(await read()).toBe(printedDetails({ city: lastOf(kept) }));
  });
  /** The one that no other change came after. */
  const lastOf = (kept: { before: string; after: string }[]) =>
    kept.find(({ after }) => !kept.some(({ before }) => before === after))?.after;
});

describe('a birthdate', () => {
  afterEach(() => {
    Reflect.deleteProperty(app.nest.get(Clock, { strict: false }), 'now');
  });
  const cases: [string, string, number][] = [
    ['2008-05-17', '2026-05-16T23:59:59.999Z', 400],
    ['2008-05-17', '2026-05-17T00:00:00.000Z', 204],
    ['2008-02-29', '2026-02-28T23:59:59.999Z', 400],
    ['2008-02-29', '2026-03-01T00:00:00.000Z', 204],
  ];
  it.each(cases)('of %s at %s is %i', async (birthdate, now, status) => {
    app.nest.get(Clock, { strict: false }).now = () => new Date(now);
    expectBody(await put({ birthdate }), status, status === 400 ? gatewayError.input : '');
  });
});

describe('a phone number', () => {
  afterEach(() => setBrand({ libraryPhoneCheck: true, mobileVerificationRequired: false }));

  it('need only be digits, a hyphen and digits where the brand says so', async () => {
    await setBrand({ libraryPhoneCheck: false });
    expectBody(await put({ phone: '12-1231231' }), 204);
    for (const phone of ['12', '12-', '-12', '12-12-12', '12345-1', `1-${'1'.repeat(16)}`])
      expectBody(await put({ phone }), 400, gatewayError.input);
    expect(await read()).toBe(printedDetails({ phone: '12-1231231' }));
  });

  it('that is new is not verified any more', async () => {
    await app.sql('update players set is_mobile_verified = true where player_id = $1', [player]);
    expectBody(await put({ phone: '44-7400654321' }), 204);
    const details = JSON.parse(await read()) as Record<string, unknown>;
    expect(details).toMatchObject({ phone: '44-7400654321', mobileVerificationStatus: 0 });
    expect(details.mobileVerificationStatusChangedBy).toBe('system');
    expect(details.mobileVerificationStatusDate).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    expect((await changesOf()).map(({ field, before, after }) => [field, before, after])).toEqual([
      ['phone', '44-7400123456', '44-7400654321'],
      ['mobileVerificationStatus', '1', '0'],
    ]);
  });

  const credentials = (columns: string, values: string) =>
    app.sql(`insert into player_credentials (brand_id, player_id, ${columns}) values (1, $1, ${values})`, [
      player,
    ]);
  const switches: [string, () => Promise<unknown>, boolean][] = [
    ['the brand', () => setBrand({ mobileVerificationRequired: true }), false],
    [
      'the player',
      () => app.sql('update players set is_mobile_verification_on = true where player_id = $1', [player]),
      false,
    ],
    ['the player’s log-in', () => credentials('is_2fa_required', 'true'), true],
  ];
  it.each(switches)('waits for its code where %s has it verified', async (_name, turnOn, is2faRequired) => {
    await turnOn();
    const body = { phone: '44-7400654321', city: 'Leeds', optOut: { email: true } };
    const { status, text, json } = await put(body);
    const code = json as { data: { '2fa_auth_token': string } };
    const uuid = code.data['2fa_auth_token'];
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const data = { mobile_number: '44-7400654321', '2fa_auth_token': uuid };
    expect([status, text]).toEqual([403, JSON.stringify({ status: 'mobile_verification_required', data })]);
    expect(await read()).toBe(printedDetails({ is2faRequired, pendingMobileNumber: '44-7400654321' }));
    expect(await changesOf()).toEqual([]);
    const { rows } = { rows: await codesOf() };
    expect(rows).toEqual([
      { number: '44-7400654321', token: sha256(uuid), live: true, hash: rows[0]?.hash, id: rows[0]?.id },
    ]);
    // What is not the number goes through, and so does the number there is.
    expectBody(await put({ phone: '44-7400123456', city: 'York' }), 204);
    expect(await codesOf()).toHaveLength(1);
  });
  interface Code {
    id: string;
    number: string;
    token: Buffer;
    hash: Buffer;
    live: boolean;
  }
  const codesOf = () =>
    app.sql<Code>(
      `select number, token_hash as token, ended_at is null and expires_at > now() as live, code_hash as hash, id
       from player_codes where brand_id = 1 and player_id = $1 order by id`,
      [player],
    );

  it('gets a code in the player’s language that stands in no table', async () => {
    await setBrand({ mobileVerificationRequired: true });
    for (const [language, to, number, wording] of [
      [
        'de',
        '+4915112345678',
        '49-15112345678',
        /^(\d{6}) ist Ihr Code für Demo Casino\. Er gilt 10 Minuten\./,
      ],
      [
        'fr',
        '+33612345678',
        '33-612345678',
        /^(\d{6}) is your code for Demo Casino\. It is good for 10 minutes\./,
      ],
    ] as const) {
      expectBody(await put({ language }), 204);
      expect((await put({ phone: number })).status).toBe(403);
      const message = await eventually(() => messages.find((sent) => sent.to === to));
      const [, digits = ''] = wording.exec(message.text) ?? [];
      const codes = await codesOf();
      expect(codes.map(({ live }) => live)).toEqual(codes.map((_, index) => index === codes.length - 1));
      const last = codes.at(-1);
      expect(last?.hash).toEqual(
        new KeyedHash(developmentSecretKey, 'mobile-code-hash').digest(`${last?.id} ${digits}`),
      );
    }
  });

  it('is sent no more than five codes an hour', async () => {
    await setBrand({ mobileVerificationRequired: true });
    for (let time = 0; time < 5; time++)
      expect((await put({ phone: `44-740065432${time}` })).status).toBe(403);
    const answer = await put({ phone: '44-7400654329' });
    expectBody(answer, 429, gatewayError.tooMany);
    const seconds = Number(answer.headers['retry-after']);
    expect(seconds).toBeGreaterThan(3000);
    expect(seconds).toBeLessThanOrEqual(3600);
    expect(await read()).toBe(printedDetails({ pendingMobileNumber: '44-7400654324' }));
  });
});
