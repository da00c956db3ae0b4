import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RegisteredPlayer, registerPlayer } from '../support/gateway-players.js';
import { createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

let app: TestApp;
let players = 3000;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

/** What GET player/info answers to a new player of brand 2, which has no policies, or of brand 1, which has two. */
async function infoOf(player: RegisteredPlayer = {}, playerId = String(++players)) {
  await registerPlayer(app, playerId, { brandId: 2, ...player });
  return read(playerId, player.brandId);
}

async function read(playerId: string, brandId = 2) {
  const { auth_token: token } = await app.openSession(playerId, brandId === 2 ? otherBrandKey : undefined);
  const answer = await app.call('GET', `/gateway/online-player/1.0/${brandId}/player/info`, { token });
  expect(answer.headers['cache-control']).toBe('no-store');
  return [answer.status, answer.text];
}

const required = (code: string) => [401, JSON.stringify({ result: code })];
const withoutDetails = { details: { has_details: false } };
const withTemporaryPassword = { credentials: { is_password_temporary: true } };
const withoutEmail = { credentials: { email_verified_at: null } };

describe('player info', () => {
  it('prints the keys of the seed, in its order and types', async () => {
    const details = { b_tag: 'PQ4YXsO2q5kWqcfzu', vip_level: 1 };
    expect(await infoOf({ details, credentials: { username: 'itamar1' } }, '33003139')).toEqual([
      200,
      '{"playerID":{"username":"itamar1","ID":33003139,"brand":2},"firstName":"Nadya","lastName":"Mag","gender":"F",' +
        '"email":"player33003139@example.com","vip_level":1,"country":"IT","test_account":0,"currencyName":"EUR",' +
        '"currencySymbol":"€","bTag":"PQ4YXsO2q5kWqcfzu"}',
    ]);
  });

  it('prints what is not known as an empty text or 0, and the brand’s currency where the player has none', async () => {
    const details = { first_name: null, last_name: null, gender: null, country: null, currency: null };
    const credentials = { username: null, username_key: null, email: null, email_key: null };
    expect(await infoOf({ details: { ...details, test_account: true }, credentials }, 'jane_doe-1')).toEqual([
      200,
      '{"playerID":{"username":"","ID":"jane_doe-1","brand":2},"firstName":"","lastName":"","gender":"","email":"",' +
        '"vip_level":0,"country":"","test_account":1,"currencyName":"EUR","currencySymbol":"€","bTag":""}',
    ]);
  });

  it.each([
    ['9007199254740991', '9007199254740991'],
    ['9007199254740992', '"9007199254740992"'],
    ['0', '0'],
    ['007', '"007"'],
    ['-5', '"-5"'],
    ['1e5', '"1e5"'],
  ])('prints the id %s as %s', async (id, printed) => {
    expect((await infoOf({}, id))[1]).toContain(`"ID":${printed},`);
  });

  it.each([
    ['GBP', '£'],
    ['USD', '$'],
    ['SEK', 'kr'],
    ['CHF', 'CHF'],
    ['XYZ', 'XYZ'],
  ])('knows how %s is written', async (currency, symbol) => {
    const [, text] = await infoOf({ details: { currency } });
    expect(text).toContain(`"currencyName":"${currency}","currencySymbol":"${symbol}"`);
  });
});

describe('what has to be done first', () => {
  it('is said one at a time, in the order of precedence', async () => {
    await app.call('PATCH', '/api/brands/2', {
      token: otherBrandKey,
      body: { emailVerificationRequired: true },
    });
    await app.call('PATCH', '/api/brands/1', { body: { emailVerificationRequired: true } });
    const everything = {
      details: { has_details: false },
      credentials: { is_password_temporary: true, email_verified_at: null },
    };
    const playerId = String(++players);
    expect(await infoOf({ brandId: 1, ...everything }, playerId)).toEqual(
      required('PASSWORD_CHANGE_REQUIRED'),
    );
    const key = [1, playerId];
    await app.sql(
      'update player_credentials set is_password_temporary = false where brand_id = $1 and player_id = $2',
      key,
    );
    expect(await read(playerId, 1)).toEqual(required('INCOMPLETE_REGISTRATION'));
    await app.sql('update players set has_details = true where brand_id = $1 and player_id = $2', key);
    expect(await read(playerId, 1)).toEqual(required('TNC_APPROVAL_REQUIRED'));
    await sign(playerId, 'tnc');
    expect(await read(playerId, 1)).toEqual(required('PRIVACY_APPROVAL_REQUIRED'));
    await sign(playerId, 'privacy');
    expect(await read(playerId, 1)).toEqual(required('EMAIL_NOT_VERIFIED'));
    await app.sql(
      'update player_credentials set email_verified_at = now() where brand_id = $1 and player_id = $2',
      key,
    );
    expect((await read(playerId, 1))[0]).toBe(200);
    expect(await infoOf(withoutEmail)).toEqual(required('EMAIL_NOT_VERIFIED'));
  });

  it('is nothing of what the brand does not ask', async () => {
    await app.call('PATCH', '/api/brands/2', {
      token: otherBrandKey,
      body: { emailVerificationRequired: false },
    });
    expect((await infoOf(withoutEmail))[0]).toBe(200);
    expect(await infoOf(withoutDetails)).toEqual(required('INCOMPLETE_REGISTRATION'));
    expect(await infoOf(withTemporaryPassword)).toEqual(required('PASSWORD_CHANGE_REQUIRED'));
  });

  it('is the second step of registration for a player of whom only consents are known', async () => {
    const body = { consents: [{ type: 'email', opted_in: true }] };
    await app.call('POST', '/userconsents/only-consents', { token: otherBrandKey, body });
    expect(await read('only-consents')).toEqual(required('INCOMPLETE_REGISTRATION'));
  });
});

async function sign(playerId: string, type: string): Promise<void> {
  const { auth_token: token } = await app.openSession(playerId);
  const body = { brand_id: 1, player_id: playerId, language: 'en', type };
  await app.call('POST', '/gateway/player/multi/1.0/sign/tnc', { token, body });
}
