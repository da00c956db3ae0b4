import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PlayerRequirementsService } from '../../src/players/player-requirements.service.js';
import { BrandCatalogue } from '../../src/brands/brand-catalogue.js';
import { defaultStatement } from '../../src/brands/statement.js';
import { type Consents, printed } from '../support/consents.js';
import { registerPlayer } from '../support/gateway-players.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

const invalid = '{"errMsg":"invalid input"}';
const products = ['casino', 'sports', 'lottery', 'bingo'];
const shownIn = (language: string) =>
  defaultStatement.texts[language]?.replaceAll('{brand}', 'Demo Casino') ?? '';
const [english, german] = [shownIn('en'), shownIn('de')];

type Channel = 'email' | 'sms' | 'telephone';

let app: TestApp;
let players = 4000;
let player: string;
let token: string;

beforeAll(async () => {
  app = await createTestApp();
  await app.call('PATCH', '/api/brands/1', {
    body: { crm: { enabled: true, baseUrl: 'http://127.0.0.1:9' } },
  });
});
afterAll(() => app?.close());
beforeEach(async () => {
  players += 1;
  player = String(players);
  await registerPlayer(app, player);
  token = (await app.openSession(player)).auth_token;
});

const path = '/gateway/player-personal-details/1.0/marketing-preferences/1';
const read = (language?: string): Promise<Answer> =>
  app.call('GET', path, { token, headers: language === undefined ? {} : { 'accept-language': language } });
const put = (body: object, headers: Record<string, string> = {}): Promise<Answer> =>
  app.call('PUT', path, { token, headers, body: { textVersion: 'default-1', ...body } });
/** A body with these boxes, on or off. */
const boxes = (channels: Partial<Record<Channel, Record<string, boolean>>>) => ({
  preferences: Object.entries(channels).map(([channel, own]) => ({
    channel,
    products: Object.entries(own).map(([product, on]) => ({ product, opted_in: on })),
  })),
});
/** The whole form letter by letter, on for these alone. */
const form = (on: Partial<Record<Channel, string[]>> = {}, text = english, version = 'default-1') =>
  JSON.stringify({
    preferences: (['email', 'sms', 'telephone'] as const).map((channel) => ({
      channel,
      products: products.map((product) => ({
        product,
        opted_in: on[channel]?.includes(product) ?? false,
      })),
    })),
    text,
    textVersion: version,
  });
const consent = (consents: object) => app.call('POST', `/userconsents/${player}`, { body: { consents } });
const expectConsents = async (consents: Consents) =>
  expect((await app.call('GET', `/userconsents/${player}`)).text).toBe(printed(consents));
const lastEvidence = async () => {
  const { json } = await app.call('GET', `/userconsents/${player}/history`);
  const [event] = (json as { events: { actor: string; source: string; evidence: Record<string, unknown> }[] })
    .events;
  return event;
};
const actions = async () => {
  const brand = await app.nest.get(BrandCatalogue, { strict: false }).get(1);
  return (await app.nest.get(PlayerRequirementsService, { strict: false }).find(brand, player)).actions;
};

function expectAnswer(answer: Answer, status: number, text: string): void {
  expect([answer.status, answer.text]).toEqual([status, text]);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(answer.headers['cache-control']).toBe('no-store');
}

describe('the form', () => {
  it('shows every product on every channel, all off, with what the player agrees to', async () => {
    const answer = await read();
    expectAnswer(answer, 200, form());
    expectAnswer(await read('de-CH, en;q=0.3'), 200, form({}, german));
    expectAnswer(await read('fi'), 200, form());
  });

  it('shows what stands, whichever door it came by; a consent to everything as one to each product', async () => {
    await consent([
      { type: 'email', opted_in: true },
      { type: 'sms', opted_in: true, products: ['bingo', 'sports'] },
      { type: 'postMail', opted_in: true },
    ]);
    expectAnswer(await read(), 200, form({ email: products, sms: ['bingo', 'sports'] }));
  });

  it('comes in the player’s language where the browser names none that there is', async () => {
    await app.sql(`update players set language = 'de' where brand_id = 1 and player_id = $1`, [player]);
    for (const language of [undefined, '*', 'fi']) expectAnswer(await read(language), 200, form({}, german));
    expectAnswer(await read('en'), 200, form());
  });

  it('shows a player who is excluded as out of everything', async () => {
    await put(boxes({ email: { casino: true } }));
    await block();
    expectAnswer(await read(), 200, form());
  });
});

describe('a choice', () => {
  it('is what the CRM reads and is told, with the text that was shown as evidence', async () => {
    const headers = { 'user-agent': 'Form/1', origin: 'https://demo.example' };
    const answer = await put(boxes({ email: { casino: true, bingo: true, sports: false } }), headers);
    expectAnswer(answer, 200, form({ email: ['casino', 'bingo'] }));
    expectAnswer(await read(), 200, form({ email: ['casino', 'bingo'] }));
    await expectConsents({ email: ['casino', 'bingo'] });
    expect(await lastEvidence()).toMatchObject({
      actor: 'player',
      source: 'gateway',
      channel: 'email',
      evidence: {
        user_agent: 'Form/1',
        origin: 'https://demo.example',
        statement: { version: 'default-1', language: 'en', text: english },
      },
    });
    const waiting = await app.call('GET', '/api/deliveries?kind=crm_consents');
    expect(waiting.text).toContain(`"playerId":"${player}"`);
  });

  it('leaves what it does not name, and closes the channel with its last product', async () => {
    await put(boxes({ email: { casino: true }, sms: { casino: true, sports: true } }));
    expectAnswer(
      await put(boxes({ sms: { sports: false } })),
      200,
      form({ email: ['casino'], sms: ['casino'] }),
    );
    expectAnswer(await put(boxes({ sms: { casino: false } })), 200, form({ email: ['casino'] }));
    await expectConsents({ email: ['casino'] });
    expectAnswer(await put({ preferences: [] }), 200, form({ email: ['casino'] }));
  });

  it('of products leaves the others of a consent to everything', async () => {
    await consent({ type: 'telephone', opted_in: true });
    const answer = await put(boxes({ telephone: { lottery: false } }));
    expectAnswer(answer, 200, form({ telephone: ['casino', 'sports', 'bingo'] }));
  });

  it('takes a product’s other name, and keys it does not know', async () => {
    const answer = await put({ ...boxes({ email: { sportsbook: true } }), more: 1 });
    expectAnswer(answer, 200, form({ email: ['sports'] }));
  });

  it('names the language that was shown, by its words', async () => {
    await put({ ...boxes({ email: { casino: true } }), text: german });
    expect(await lastEvidence()).toMatchObject({
      evidence: { statement: { version: 'default-1', language: 'de', text: german } },
    });
  });

  it('to be asked no more than once at a time is kept whole', async () => {
    const answers = await Promise.all(
      products.map((product) => put(boxes({ email: { [product]: true }, sms: { [product]: true } }))),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expectAnswer(await read(), 200, form({ email: products, sms: products }));
  });

  it.each([
    ['another version', { textVersion: 'default-0' }],
    ['no version', { textVersion: undefined }],
    ['other words', { text: 'I agree to everything.' }],
  ])('under %s opts nobody in, but is taken where it withdraws', async (_what, shown) => {
    expectAnswer(await put({ ...boxes({ email: { casino: true } }), ...shown }), 400, invalid);
    await expectConsents({});
    await put(boxes({ email: { casino: true, bingo: true } }));
    const mixed = { ...boxes({ email: { casino: true, bingo: false } }), ...shown };
    expectAnswer(await put(mixed), 200, form({ email: ['casino'] }));
    expectAnswer(await put({ ...boxes({ email: { casino: true, sports: true } }), ...shown }), 400, invalid);
    await expectConsents({ email: ['casino'] });
  });

  it('opts nobody in who is excluded, and is taken where it withdraws', async () => {
    await block();
    expectAnswer(await put(boxes({ email: { casino: true } })), 400, invalid);
    expectAnswer(await put(boxes({ email: { casino: false } })), 200, form());
  });

  it.each([
    ['no preferences', { preferences: undefined }],
    ['preferences that are no list', { preferences: {} }],
    ['a channel there is not', { preferences: [{ channel: 'fax', products: [] }] }],
    [
      'a channel of the CRM’s alone',
      { preferences: [{ channel: 'postMail', products: [], opted_in: false }] },
    ],
    ['no products', { preferences: [{ channel: 'email' }] }],
    ['an unknown product', boxes({ email: { poker: false } })],
    ['a product of every object', boxes({ email: { constructor: true } })],
    [
      'a text for yes',
      { preferences: [{ channel: 'email', products: [{ product: 'casino', opted_in: 'true' }] }] },
    ],
    [
      'a product twice',
      {
        preferences: [
          ...boxes({ email: { casino: true } }).preferences,
          ...boxes({ email: { casino: false } }).preferences,
        ],
      },
    ],
    ['a product under two names', boxes({ email: { sports: true, sportsbook: false } })],
    [
      'a channel as a whole where there are products',
      { preferences: [{ channel: 'email', products: [], opted_in: true }] },
    ],
    [
      'eleven channels',
      { preferences: Array.from({ length: 11 }, () => ({ channel: 'email', products: [] })) },
    ],
    ['a version that is no text', { ...boxes({ email: { casino: true } }), textVersion: 1 }],
  ])('is refused with %s, and nothing of it is kept', async (_what, body) => {
    expectAnswer(await put({ ...boxes({ sms: { casino: true } }), ...body }), 400, invalid);
    await expectConsents({});
    expect(await actions()).toEqual(['marketing_preferences']);
  });
});

describe('a brand without products', () => {
  it('asks for each channel as a whole', async () => {
    const { json } = await app.call('PATCH', '/api/brands/2', {
      token: otherBrandKey,
      body: { products: [] },
    });
    expect(json).toMatchObject({ products: [] });
    await registerPlayer(app, player, { brandId: 2 });
    const { auth_token: other } = await app.openSession(player, otherBrandKey);
    const there = path.replace(/1$/, '2');
    const preferences = ['email', 'sms', 'telephone'].map((channel) => ({
      channel,
      products: [],
      opted_in: channel === 'sms',
    }));
    const body = { textVersion: 'default-1', preferences };
    const answer = await app.call('PUT', there, { token: other, body });
    expect(answer.text).toContain(`{"preferences":${JSON.stringify(preferences)},`);
    expect((await app.call('GET', there, { token: other })).text).toBe(answer.text);
    const consents = await app.call('GET', `/userconsents/${player}`, { token: otherBrandKey });
    expect(consents.text).toBe(printed({ sms: true }));
  });
});

describe('log-in', () => {
  it('asks who was never asked, until there is an answer, whatever it is', async () => {
    expect(await actions()).toEqual(['marketing_preferences']);
    await read();
    expect(await actions()).toEqual(['marketing_preferences']);
    await put({ preferences: [] });
    expect(await actions()).toEqual([]);
  });

  it('asks who gets marketing on the strength of an older question', async () => {
    await consent({ type: 'email', opted_in: true });
    expect(await actions()).toEqual(['marketing_preferences']);
    await put(boxes({ email: { casino: true } }));
    expect(await actions()).toEqual([]);
  });

  it('asks nobody who has opted out, or is excluded', async () => {
    await consent({ type: 'email', opted_in: true });
    await consent({ type: 'email', opted_in: false });
    expect(await actions()).toEqual([]);
    player = '1005';
    expect(await actions()).toEqual([]);
  });
});

describe('the text', () => {
  it('is under the brand’s own text as soon as it has one', async () => {
    const texts = { en: '{brand} may write to me.', de: '{brand} darf mir schreiben.' };
    await app.call('PATCH', '/api/brands/1', { body: { marketingStatement: { texts } } });
    expectAnswer(await read(), 200, form({}, 'Demo Casino may write to me.', '1'));
    expectAnswer(await put(boxes({ email: { casino: true } })), 400, invalid);
    const answer = await put({ ...boxes({ email: { casino: true } }), textVersion: '1' });
    expectAnswer(answer, 200, form({ email: ['casino'] }, 'Demo Casino may write to me.', '1'));
  });
});

async function block(): Promise<void> {
  const body = { excluded: { active: true, note: 'asked for it' } };
  await app.call('PUT', `/internal/players/${player}/blocks`, { body });
  token = (await app.openSession(player)).auth_token;
}
