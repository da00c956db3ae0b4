import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, createTestApp, type TestApp } from '../support/test-app.js';

const notFound = '{"errMsg":"not found"}';
const invalid = (what = '') => `{"errMsg":"invalid input${what}"}`;

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp({ environment: { PUBLIC_RATE_LIMIT: '100', TRUST_PROXY: '1' } });
});
afterAll(() => app?.close());

let address = 0;
const read = (
  name: string,
  query = '',
  { language, version = '1.0', from }: { language?: string; version?: string; from?: string } = {},
): Promise<Answer> =>
  app.call('GET', `/gateway/site-management/${version}/content/message/format/${name}${query}`, {
    token: null,
    headers: {
      'x-forwarded-for': from ?? `198.18.1.${++address}`,
      ...(language !== undefined && { 'accept-language': language }),
    },
  });

function expectAnswer(answer: Answer, status: number, text: string): void {
  expect([answer.status, answer.text]).toEqual([status, text]);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
}

const english =
  '{"type":"error","title":"Wrong password","content":"The password that you entered as your current one is not right.",' +
  '"button_1_text":"Try again"}';
const german =
  '{"type":"error","title":"Falsches Passwort","content":"Das eingegebene bisherige Passwort stimmt nicht.",' +
  '"button_1_text":"Noch einmal"}';

describe('a message format', () => {
  it('comes from the default storage without a brand, in the language that the browser names', async () => {
    const plain = await read('wrong_old_password');
    expectAnswer(plain, 200, english);
    expect(plain.headers).toMatchObject({
      'content-language': 'en',
      vary: 'Origin, Accept-Language',
      'cache-control': 'no-cache',
    });
    expectAnswer(await read('wrong_old_password', '', { language: 'de-CH, en;q=0.5' }), 200, german);
    for (const language of ['fi', '*', 'fi, *;q=0.5'])
      expectAnswer(await read('wrong_old_password', '', { language }), 200, english);
    for (const version of ['v1', '1'])
      expectAnswer(await read('wrong_old_password', '', { version }), 200, english);
  });

  it.each([
    ['forgot_email_sent', 'success'],
    ['email_required', 'error'],
    ['password_successfully_changed', 'success'],
    ['password_replaced', 'success'],
    ['wrong_old_password', 'error'],
    ['email_verified', 'success'],
    ['tnc_approval_required', 'info'],
    ['privacy_approval_required', 'info'],
    ['general_failure', 'error'],
  ])('%s has words in every language, for every brand', async (name, type) => {
    for (const language of ['en', 'de']) {
      const without = await read(name, '', { language });
      const words = without.as<Record<string, string>>();
      expect(words.type).toBe(type);
      expect(Object.keys(words)).toEqual(['type', 'title', 'content', 'button_1_text']);
      for (const text of Object.values(words)) expect(text).toMatch(/^\S.*\S$/);
      expect(without.headers['content-language']).toBe(language);
      expect((await read(name, '?brand_id=2', { language })).text).toBe(without.text);
    }
  });

  it('is the brand’s own where it has one, at once after the setting', async () => {
    const own = { type: 'info', title: 'Hm', content: 'Schon wieder?', button_1_text: 'Ja' };
    const bonus = { type: 'success', title: 'Bonus', content: 'Yours.', button_1_text: 'Wow' };
    const messageFormats = { wrong_old_password: { de: own }, welcome_bonus: { en: bonus, 'pt-BR': own } };
    const changed = await app.call('PATCH', '/api/brands/1', { body: { messageFormats } });
    expect(changed.json).toMatchObject({ messageFormats });
    const of = (name: string, language: string) => read(name, '?brand_id=1', { language });
    expectAnswer(await of('wrong_old_password', 'de'), 200, JSON.stringify(own));
    expectAnswer(await of('wrong_old_password', 'en'), 200, english);
    expectAnswer(await of('welcome_bonus', 'pt'), 200, JSON.stringify(own));
    expectAnswer(await of('welcome_bonus', 'fi'), 200, JSON.stringify(bonus));
    expectAnswer(await read('wrong_old_password', '', { language: 'de' }), 200, german);
    expectAnswer(await read('wrong_old_password', '?brand_id=2', { language: 'de' }), 200, german);
    expectAnswer(await read('welcome_bonus'), 404, notFound);
    await app.call('PATCH', '/api/brands/1', { body: { defaultLanguage: 'de' } });
    expectAnswer(await of('wrong_old_password', 'fi'), 200, JSON.stringify(own));
    expectAnswer(
      await of('general_failure', ''),
      200,
      (await read('general_failure', '', { language: 'de' })).text,
    );
    await app.call('PATCH', '/api/brands/1', { body: { defaultLanguage: 'en', messageFormats: {} } });
    expectAnswer(await of('wrong_old_password', 'de'), 200, german);
  });

  it('is 404 where there is none of the name', async () => {
    for (const name of ['nothing', 'constructor', '__proto__', 'WRONG_OLD_PASSWORD', 'x'.repeat(90), '%00'])
      expectAnswer(await read(name), 404, notFound);
  });

  it('of a brand that is none, or of another version, is refused', async () => {
    for (const brand of ['x', '0', '99', '', '1&brand_id=1'])
      expectAnswer(await read('general_failure', `?brand_id=${brand}`), 400, invalid(' - invalid brand id'));
    expectAnswer(await read('general_failure', '?brand_id=x', { version: '2' }), 400, invalid());
  });

  it('is for whoever asks, with any token or none', async () => {
    const path = '/gateway/site-management/1.0/content/message/format/email_required';
    for (const token of ['x', crypto.randomUUID()])
      expect(
        (await app.call('GET', path, { token, headers: { 'x-forwarded-for': '198.18.2.1' } })).status,
      ).toBe(200);
  });
});

describe('open routes of the gateway', () => {
  it('answer 429 to an address that asks without end', async () => {
    const from = '198.18.3.1';
    const tooMany = '{"errMsg":"too many requests"}';
    for (let time = 0; time < 100; time++) await read('email_required', '', { from });
    const message = await read('email_required', '', { from });
    expectAnswer(message, 429, tooMany);
    expect(Number(message.headers['retry-after'])).toBeGreaterThan(0);
    const headers = { 'x-forwarded-for': from };
    const path = '/gateway/tnc/1.0/document/revision/lastPublished/1/en/tnc';
    expectAnswer(await app.call('GET', path, { token: null, headers }), 429, tooMany);
  });
});

describe('messageFormats of a brand', () => {
  const message = { type: 'info', title: 'a', content: 'b', button_1_text: 'c' };
  const wrong =
    'messageFormats must map names of a-z, 0-9 and _ to objects of languages to ' +
    '{type: success, info or error, title, content, button_1_text}';

  it.each([
    ['a list', []],
    ['a text', 'x'],
    ['null', null],
  ])('are not %s', async (_what, messageFormats) => {
    expect((await app.call('PATCH', '/api/brands/1', { body: { messageFormats } })).status).toBe(400);
  });

  it.each([
    ['a name with a space', { 'a b': { en: message } }],
    ['what is no language', { a: { e: message } }],
    ['no message', { a: { en: 'x' } }],
    ['a type there is not', { a: { en: { ...message, type: 'x' } } }],
    ['no title', { a: { en: { ...message, title: undefined } } }],
    ['an empty title', { a: { en: { ...message, title: '' } } }],
    ['a long title', { a: { en: { ...message, title: 'x'.repeat(201) } } }],
    ['a long content', { a: { en: { ...message, content: 'x'.repeat(2001) } } }],
    ['a long button', { a: { en: { ...message, button_1_text: 'x'.repeat(61) } } }],
    ['a key too many', { a: { en: { ...message, more: 'x' } } }],
    ['201 names', Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`m${index}`, {}]))],
  ])('are refused with %s', async (_what, messageFormats) => {
    const answer = await app.call('PATCH', '/api/brands/1', { body: { messageFormats } });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ errors: [{ field: 'messageFormats', message: wrong }] });
  });
});
