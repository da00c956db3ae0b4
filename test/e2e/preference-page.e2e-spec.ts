import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { change, type Consents, newPlayerId, printed } from '../support/consents.js';
import { errorText, problem } from '../support/errors.js';
import { form, type LinkToMint, mint } from '../support/links.js';
import { type Answer, createTestApp, type TestApp } from '../support/test-app.js';

const limit = 200;
let app: TestApp;

beforeAll(async () => {
  app = await createTestApp({ environment: { PUBLIC_RATE_LIMIT: String(limit), TRUST_PROXY: '1' } });
});
afterAll(() => app?.close());

const open = (path: string, headers: Record<string, string> = {}) =>
  app.call('GET', path, { token: null, headers });
const consentsOf = async (player: string) => (await app.call('GET', `/userconsents/${player}`)).text;
const post = (player: string, ...consents: object[]) =>
  app.call('POST', `/userconsents/${player}`, { body: { consents } });
const put = (player: string, body: object) => app.call('PUT', `/internal/players/${player}`, { body });

interface HistoryEvent {
  channel: string;
  source: string;
  evidence: Record<string, unknown>;
}

/** A new player with these consents, and a link of theirs. */
async function playerWith(consents: Consents, link: Partial<LinkToMint> = {}) {
  const player = newPlayerId();
  const changes = Object.entries(consents).map(([type, products]) =>
    change(type, true, products === true ? undefined : products),
  );
  if (changes.length > 0) await post(player, ...changes);
  return { player, path: await mint(app, { player_id: player, channel: 'email', ...link }) };
}

/** The words of the page, without its head and its marks. */
const wordsOf = ({ text }: Answer) =>
  text
    .replace(/^[^]*<body>/, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
const boxesOf = ({ text }: Answer) =>
  [...text.matchAll(/<input type="checkbox" name="on" value="([^"]*)"( checked)?>/g)].map(
    ([, name = '', checked]) => [name, checked !== undefined] as const,
  );
const tickedIn = (answer: Answer) => boxesOf(answer).flatMap(([name, isOn]) => (isOn ? [name] : []));
const hidden = ({ text }: Answer, name: string) =>
  new RegExp(`<input type="hidden" name="${name}" value="([^"]*)">`).exec(text)?.[1] ?? '';
const buttonsOf = ({ text }: Answer) =>
  [...text.matchAll(/<button class="button" name="act" value="([^"]*)">([^<]*)</g)].map(([, act, label]) => [
    act,
    label,
  ]);

/** Sends the page's form with these boxes ticked. */
const save = (path: string, page: Answer, ticked: string[], headers: Record<string, string> = {}) => {
  const fields: [string, string][] = [
    ['shown', hidden(page, 'shown')],
    ['statement', hidden(page, 'statement')],
    ['language', hidden(page, 'language')],
    ...ticked.map((name): [string, string] => ['on', name]),
    ['act', 'save'],
  ];
  const request = form(fields);
  return app.call('POST', path, { ...request, headers: { ...request.headers, ...headers } });
};
const eventsOf = async (player: string) =>
  (await app.call('GET', `/userconsents/${player}/history`)).as<{ events: HistoryEvent[] }>().events;
const press = (path: string, act: string) => app.call('POST', path, form([['act', act]]));

describe('the page', () => {
  it('says who may contact the player how and about what, and shows every choice as it stands', async () => {
    const { path } = await playerWith(
      { email: ['casino', 'sports'], sms: true, siteNotification: ['casino'] },
      { product: 'casino' },
    );
    const answer = await open(path);
    expect(answer.status).toBe(200);
    expect(wordsOf(answer)).toContain('Demo Casino may contact you with marketing by email about Casino.');
    expect(buttonsOf(answer)).toEqual([
      ['withdraw', 'Stop marketing by email about Casino'],
      ['withdraw-all', 'Stop all marketing'],
      ['save', 'Save choices'],
    ]);
    expect(boxesOf(answer).map(([name]) => name)).toEqual([
      ...['casino', 'sports', 'lottery', 'bingo'].flatMap((product) =>
        ['email', 'sms', 'telephone'].map((channel) => `${channel}.${product}`),
      ),
      'postMail',
      'pushNotification',
      'siteNotification',
    ]);
    expect(tickedIn(answer)).toEqual([
      ...['email.casino', 'sms.casino', 'email.sports', 'sms.sports', 'sms.lottery', 'sms.bingo'],
      'siteNotification',
    ]);
    expect(wordsOf(answer)).toContain('By ticking a box I agree that Demo Casino may contact me');
  });

  it('is nobody else’s: kept by nobody, listed nowhere, sent nowhere', async () => {
    const { player, path } = await playerWith({ email: true });
    const { headers, text } = await open(path);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-language': 'en',
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex, nofollow',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]+=' 'sha256-[\w+/]+='; base-uri 'none'; form-action 'self'; frame-ancestors 'none'$/,
    );
    expect([headers['set-cookie'], headers.etag]).toEqual([undefined, undefined]);
    expect(text).toContain('<meta name="robots" content="noindex">');
    expect(text).toContain('<title>Marketing preferences – Demo Casino</title>');
    expect(text).not.toContain(player);
    expect(text).not.toContain(path.split('/').at(-1));
    expect(text).not.toMatch(/<script|\b(src|style|action)=|https?:/);
  });

  it.each<[string | undefined, string, string, string]>([
    [undefined, '', '', 'en'],
    [undefined, '', 'de-AT,en;q=0.5', 'de'],
    ['de', '', 'en', 'de'],
    ['fr', '', 'de', 'de'],
    ['fr', '', 'fr', 'en'],
    ['de', '?lang=en', 'de', 'en'],
    ['en', '?lang=DE', '', 'de'],
    ['en', '?lang=%3Cscript%3E', 'de', 'en'],
    ['en', '?lang=de&lang=en', '', 'en'],
  ])(
    'for a player who speaks %s, asked for with %j and %j, is in %s',
    async (known, query, accept, language) => {
      const { player, path } = await playerWith({ email: true });
      if (known) await put(player, { language: known });
      const answer = await open(path + query, accept ? { 'accept-language': accept } : {});
      expect(answer.headers['content-language']).toBe(language);
      expect(answer.text).toContain(`<html lang="${language}" dir="ltr">`);
      expect(answer.text).not.toContain('<script');
      const saved = await save(path + query, answer, [], accept ? { 'accept-language': accept } : {});
      expect(saved.headers['content-language']).toBe(language);
    },
  );

  it('is in the brand’s name, colour and words', async () => {
    const { path } = await playerWith({ email: true }, { product: 'sports' });
    const set = (body: object) => app.call('PATCH', '/api/brands/1', { body });
    await set({
      name: 'Käsino <&> Söhne',
      colour: '#ffd200',
      productLabels: { sports: { en: 'Sports & racing', de: 'Sportwetten' } },
      marketingStatement: { texts: { en: 'Yes to {brand} {nothing}.', de: 'Ja.' } },
    });
    const answer = await open(path);
    expect(answer.text).toContain('<style>:root{--brand:#ffd200;--on-brand:#000}</style>');
    expect(wordsOf(answer)).toContain('Käsino &lt;&amp;&gt; Söhne may contact you');
    expect(wordsOf(answer)).toContain('Sports &amp; racing, Email');
    expect(wordsOf(answer)).toContain('Yes to Käsino &lt;&amp;&gt; Söhne {nothing}.');
    expect(wordsOf(await open(`${path}?lang=de`))).toContain('Sportwetten');
    await set({ name: 'Demo Casino', colour: null, productLabels: {} });
    const plain = await open(path);
    expect(plain.headers['content-security-policy']).toMatch(/style-src 'sha256-[\w+/]+=';/);
    expect(wordsOf(plain)).toContain('Sports, Email');
  });

  it('has no products where the brand has none, and one box a channel', async () => {
    const products = (names: string[]) =>
      app.call('PATCH', '/api/brands/2', { token: 'demo-service-key-2', body: { products: names } });
    await products([]);
    const path = await mint(app, { player_id: newPlayerId(), channel: 'sms' }, 'demo-service-key-2');
    const answer = await open(path);
    expect(answer.text).not.toContain('<table');
    expect(boxesOf(answer)).toHaveLength(6);
    const saved = await save(path, answer, ['sms', 'postMail']);
    expect(tickedIn(saved)).toEqual(['sms', 'postMail']);
    await products(['casino', 'sports']);
  });

  it('is 429 for who asks too often, and never for who withdraws', async () => {
    const { path } = await playerWith({ email: true });
    const headers = { 'x-forwarded-for': '198.18.0.1' };
    for (let time = 0; time < limit; time++) expect((await open(path, headers)).status).toBe(200);
    expect((await open(path, headers)).text).toBe(problem(429, errorText.tooManyRequests, path));
    const request = form([['List-Unsubscribe', 'One-Click']]);
    const sent = { ...request, headers: { ...request.headers, ...headers } };
    expect((await app.call('POST', path, sent)).status).toBe(200);
  });
});

describe('a button', () => {
  it('withdraws what the link is for', async () => {
    const { player, path } = await playerWith(
      { email: ['casino', 'sports'], sms: true },
      { product: 'casino' },
    );
    const answer = await press(path, 'withdraw');
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('<title>Done: marketing preferences – Demo Casino</title>');
    expect(wordsOf(answer)).toContain(
      'Done. Demo Casino no longer contacts you with marketing by email about Casino.',
    );
    expect(wordsOf(answer)).toContain('A message that is already on its way may still reach you.');
    expect(tickedIn(answer)).not.toContain('email.casino');
    expect(buttonsOf(answer).map(([act]) => act)).toEqual(['withdraw-all', 'save']);
    expect(await consentsOf(player)).toBe(printed({ email: ['sports'], sms: true }));
    const [event] = await eventsOf(player);
    expect(event?.source).toBe('unsubscribe-page');
    const rows = await app.countRows();
    expect(wordsOf(await press(path, 'withdraw'))).toContain('no longer contacts you');
    expect(await app.countRows()).toEqual(rows);
  });

  it('says what it does where consent is not limited to products', async () => {
    const { player, path } = await playerWith({ email: true }, { product: 'casino' });
    expect(buttonsOf(await open(path))[0]).toEqual(['withdraw', 'Stop marketing by email']);
    expect(wordsOf(await press(path, 'withdraw'))).toContain(
      'no longer contacts you with marketing by email.',
    );
    expect(await consentsOf(player)).toBe(printed());
  });

  it('withdraws everything, also what only the gateway shows, an event a channel', async () => {
    const { player, path } = await playerWith({ email: ['casino'], sms: true, postMail: true });
    await app.sql('update marketing_states set chat = 1 where player_id = $1', [player]);
    const answer = await press(path, 'withdraw-all');
    expect(wordsOf(answer)).toContain(
      'Done. Demo Casino no longer contacts you with marketing on any channel.',
    );
    expect(tickedIn(answer)).toEqual([]);
    expect(buttonsOf(answer).map(([act]) => act)).toEqual(['save']);
    expect(await consentsOf(player)).toBe(printed());
    const events = await app.sql<{ act_id: string }>(
      'select act_id from consent_events where player_id = $1 and kind = 3',
      [player],
    );
    expect([events.length, new Set(events.map(({ act_id }) => act_id)).size]).toEqual([4, 1]);
  });

  it('is not there for what there is nothing to withdraw of', async () => {
    const { path } = await playerWith({});
    const answer = await open(path);
    expect(buttonsOf(answer).map(([act]) => act)).toEqual(['save']);
    expect(wordsOf(answer)).toContain('Demo Casino does not contact you with marketing by email.');
  });
});

describe('saving', () => {
  beforeAll(() =>
    app.call('PATCH', '/api/brands/1', {
      body: { marketingStatement: { texts: { en: 'Yes.', de: 'Ja.' } } },
    }),
  );

  it('is one act, an event a channel that changes, with the words that were shown', async () => {
    const { player, path } = await playerWith(
      { email: ['casino', 'sports'], sms: ['bingo'] },
      { campaign: 'spring' },
    );
    const page = await open(path, { 'accept-language': 'de' });
    const answer = await save(path, page, ['email.sports', 'sms.bingo', 'telephone.casino', 'postMail'], {
      'accept-language': 'de',
      origin: 'null',
    });
    expect(wordsOf(answer)).toContain('Gespeichert. Ihre Auswahl ist so, wie sie unten steht.');
    expect(await consentsOf(player)).toBe(
      printed({ email: ['sports'], sms: ['bingo'], telephone: ['casino'], postMail: true }),
    );
    const own = (await eventsOf(player)).filter(({ source }) => source === 'unsubscribe-page');
    expect(own.map(({ channel }) => channel).sort()).toEqual(['email', 'postMail', 'telephone']);
    const version = hidden(page, 'statement');
    expect(own[0]?.evidence).toMatchObject({
      ip: '127.0.0.1',
      link: { campaign: 'spring' },
      statement: { version, language: 'de', text: 'Ja.' },
    });
    const asks = await app.sql('select statement_version, source from marketing_asks where player_id = $1', [
      player,
    ]);
    expect(asks).toEqual([{ statement_version: version, source: 'unsubscribe-page' }]);
  });

  it('of what was shown changes nothing, and neither does a repeat', async () => {
    const { path } = await playerWith({ email: true, siteNotification: ['casino'] });
    const page = await open(path);
    await save(path, page, tickedIn(page));
    const rows = await app.countRows();
    expect((await save(path, page, tickedIn(page))).status).toBe(200);
    expect(await app.countRows()).toEqual(rows);
    await save(path, page, [...tickedIn(page), 'sms.casino']);
    const after = await app.countRows();
    await save(path, page, [...tickedIn(page), 'sms.casino']);
    expect(await app.countRows()).toEqual(after);
  });

  it('of a page that was open for long brings back nothing that was withdrawn since', async () => {
    const { player, path } = await playerWith({ email: ['casino', 'sports'] });
    const old = await open(path);
    await press(path, 'withdraw');
    const answer = await save(path, old, ['email.casino', 'email.sports', 'sms.casino']);
    expect(tickedIn(answer)).toEqual(['sms.casino']);
    expect(await consentsOf(player)).toBe(printed({ sms: ['casino'] }));
  });

  it('does not switch on under words that have changed since, and still switches off', async () => {
    const { player, path } = await playerWith({ email: ['casino', 'sports'] });
    const page = await open(path);
    await app.call('PATCH', '/api/brands/1', {
      body: { marketingStatement: { texts: { en: 'Other words.' } } },
    });
    const answer = await save(path, page, ['email.sports', 'sms.casino']);
    expect(wordsOf(answer)).toContain('What you switched off is saved; what you switched on is not.');
    expect(wordsOf(answer)).toContain('Other words.');
    expect(await consentsOf(player)).toBe(printed({ email: ['sports'] }));
    const [withdrawal] = await eventsOf(player);
    const version = hidden(page, 'statement');
    // Not the new words, which nobody had read yet.
    expect(withdrawal?.evidence.statement).toEqual({ version, language: 'en', text: '' });
    await save(path, answer, ['email.sports', 'sms.casino']);
    expect(await consentsOf(player)).toBe(printed({ email: ['sports'], sms: ['casino'] }));
  });

  it('keeps the words that were shown, whatever language the player has got meanwhile', async () => {
    const texts = { en: 'Yes again.', de: 'Ja.' };
    await app.call('PATCH', '/api/brands/1', { body: { marketingStatement: { texts } } });
    const { player, path } = await playerWith({});
    const page = await open(path);
    await put(player, { language: 'de' });
    const answer = await save(path, page, ['sms.casino']);
    expect(wordsOf(answer)).toContain('Gespeichert.');
    const [grant] = await eventsOf(player);
    expect(grant?.evidence.statement).toEqual({
      version: hidden(page, 'statement'),
      language: 'en',
      text: 'Yes again.',
    });
  });

  it('passes over boxes that the brand does not have', async () => {
    const { player, path } = await playerWith({});
    const page = await open(path);
    await save(path, page, ['email.poker', 'fax', 'chat', '__proto__', 'email', 'sms.bingo']);
    expect(await consentsOf(player)).toBe(printed({ sms: ['bingo'] }));
  });

  it('of an excluded player switches nothing on, and the page says why', async () => {
    const { player, path } = await playerWith({ email: ['casino'] });
    const before = await open(path);
    await app.call('PUT', `/internal/players/${player}/blocks`, {
      body: { excluded: { active: true, note: '' } },
    });
    const page = await open(path);
    expect(wordsOf(page)).toContain('At the moment Demo Casino contacts you with no marketing at all');
    expect(wordsOf(page)).not.toMatch(/exclu/i);
    expect(page.text).toContain('<fieldset disabled');
    expect([tickedIn(page), buttonsOf(page)]).toEqual([[], []]);
    const answer = await save(path, before, ['email.casino', 'sms.casino']);
    expect(answer.status).toBe(200);
    expect(wordsOf(answer)).toContain('At the moment Demo Casino contacts you with no marketing at all');
    expect(await consentsOf(player)).toBe(printed());
  });
});
