import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { errorText, problem } from '../support/errors.js';
import { publishPolicy, publishVersion } from '../support/policy-pages.js';
import { createTestApp, type Answer, type TestApp } from '../support/test-app.js';

let app: TestApp;
let policy: string;

beforeAll(async () => {
  app = await createTestApp();
  policy = await publishPolicy(app, {
    versions: [
      { version: '1', at: '2025-01-15T09:30:00Z', texts: { en: '<p>We keep data for ten years.</p>' } },
      {
        version: '2',
        at: '2025-06-01T00:00:00Z',
        texts: { en: '<p>We keep data for five years.</p>', de: '<p>Wir speichern Daten fünf Jahre.</p>' },
      },
      {
        version: '3.0 beta',
        at: '2026-02-01T14:05:00Z',
        texts: {
          en: '<h1>Your <em>privacy</em> &amp; you</h1><p>We keep data for five years, and no longer.</p>',
          de: '<p>Wir speichern Daten fünf Jahre und nicht länger.</p>',
          'pt-BR': '<p>Guardamos dados por cinco anos.</p>',
        },
      },
      { version: 'later', at: '2999-01-01T00:00:00Z', texts: { en: '<p>Not to be seen yet.</p>' } },
      { version: 'draft', at: null, texts: { en: '<p>Not to be seen at all.</p>' } },
    ],
  });
});
afterAll(() => app?.close());

const current = '3.0 beta';

function show(query: Record<string, string> = {}, headers: Record<string, string> = {}, id = policy) {
  const text = new URLSearchParams(query).toString();
  return app.call('GET', `/policies/${id}${text && `?${text}`}`, { token: null, headers });
}

/** The words of the page, without its head and its marks. */
const wordsOf = ({ text }: Answer) =>
  text
    .replace(/^[^]*<body>/, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');

describe('the page of a policy', () => {
  it('shows the current text, its version, and since when it is in force', async () => {
    const answer = await show();
    expect(answer.status).toBe(200);
    expect(wordsOf(answer)).toContain('Demo Casino');
    expect(wordsOf(answer)).toContain('We keep data for five years, and no longer.');
    expect(wordsOf(answer)).toContain('Version 3.0 beta In force since 1 February 2026 at 14:05 UTC');
    expect(answer.text).not.toMatch(/later|draft|Not to be seen/);
    expect(answer.text).not.toMatch(/<script|\b(src|style)=|https?:/);
  });

  it('is safe, for search engines, and asked for anew each time', async () => {
    const { headers, text } = await show();
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      vary: 'Accept-Language',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]+='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(headers['set-cookie']).toBeUndefined();
    expect(text).toContain('<meta name="robots" content="index">');
  });

  it('is headed by the text’s own heading, with the policy’s name above it, or by the name', async () => {
    const own = await show();
    expect(own.text).toContain('<title>Your privacy &amp; you – Demo Casino</title>');
    expect(own.text).toContain('<h1>Your <em>privacy</em> &amp; you</h1>');
    expect(own.text.match(/<h1/g)).toHaveLength(1);
    expect(wordsOf(own)).toContain('Privacy policy Your privacy &amp; you');
    const name = await show({ lang: 'de' });
    expect(name.text).toContain('<title>Privacy policy – Demo Casino</title>');
    expect(name.text).toContain('<h1>Privacy policy</h1>');
    expect(name.text).not.toContain('class="eyebrow"');
  });

  it.each([
    [undefined, undefined, 'en', 'en'],
    [undefined, 'de-AT,de;q=0.9,en;q=0.8', 'de', 'de'],
    [undefined, 'en;q=0.3,de;q=0.7', 'de', 'de'],
    [undefined, 'fr', 'en', 'en'],
    [undefined, '*', 'en', 'en'],
    [undefined, ';;;,,q=1', 'en', 'en'],
    [undefined, 'pt-PT,pt;q=0.9,de;q=0.5', 'pt-BR', 'de'],
    ['de', 'en', 'de', 'de'],
    ['DE-ch', 'en', 'de', 'de'],
    ['pt-BR', 'de', 'pt-BR', 'de'],
    ['pt-BR', undefined, 'pt-BR', 'en'],
    ['fr', 'de', 'de', 'de'],
    ['<script>', 'de', 'de', 'de'],
    ['', 'de', 'de', 'de'],
  ])(
    'asked for by %j, of a reader of %j, is text in %s with words in %s',
    async (lang, accept, text, page) => {
      const answer = await show(
        lang === undefined ? {} : { lang },
        accept ? { 'accept-language': accept } : {},
      );
      expect(answer.headers['content-language']).toBe(text);
      expect(answer.text).toContain(`<html lang="${page}" dir="ltr">`);
      expect(answer.text).toContain(`<article lang="${text}" dir="ltr">`);
      expect(answer.text).not.toContain('<script');
    },
  );

  it('says so when it is not in the language of the reader', async () => {
    const german = await show({ lang: 'de', version: '1' });
    expect(german.headers['content-language']).toBe('en');
    expect(wordsOf(german)).toContain('Diesen Text gibt es nicht auf Deutsch. Sie lesen ihn auf Englisch.');
    for (const lang of ['en', 'pt-BR', 'fr', '*'])
      expect(wordsOf(await show({ lang }))).not.toContain('not available in');
  });

  it('is written from right to left where the language is', async () => {
    const id = await publishPolicy(app, {
      defaultLanguage: 'he',
      versions: [{ version: '1', at: '2025-01-01T00:00:00Z', texts: { he: '<p>שלום</p>' } }],
    });
    const answer = await show({}, {}, id);
    expect(answer.text).toContain('<article lang="he" dir="rtl">');
    expect(answer.headers['content-language']).toBe('he');
  });

  it('links to its other languages, and keeps the language that was chosen', async () => {
    const chosen = await show({ lang: 'de' });
    expect(chosen.text).toContain('<a href="?lang=en" lang="en" hreflang="en" rel="alternate">English</a>');
    expect(chosen.text).toContain('<span lang="de" aria-current="true">Deutsch</span>');
    expect(chosen.text).toContain('>Português (Brasil)</a>');
    expect(chosen.text).toContain('href="?version=1&amp;lang=de"');
    expect((await show()).text).toContain('href="?version=1"');
    const old = await show({ version: '2', lang: 'de' });
    expect(old.text).toContain('href="?version=2&amp;lang=en"');
  });

  it('lists the versions there were, with their dates, and none that is to come', async () => {
    const words = wordsOf(await show());
    expect(words).toContain('Version 1 In force 15 January – 1 June 2025');
    expect(words).toContain('Version 2 In force 1 June 2025 – 1 February 2026');
    expect(words).toContain('(current version) In force since 1 February 2026');
    const german = wordsOf(await show({ lang: 'de' }));
    expect(german).toContain('Version 1 Gültig 15. Januar – 1. Juni 2025');
  });

  it('bears the name that the brand has now', async () => {
    await app.call('PATCH', '/api/brands/1', { body: { name: 'Käsino <&> Söhne' } });
    const renamed = await show();
    expect(renamed.text).toContain('<p class="brand">Käsino &lt;&amp;&gt; Söhne</p>');
    await app.call('PATCH', '/api/brands/1', { body: { name: 'Demo Casino' } });
  });

  it('is open to whatever else comes with its link or its request', async () => {
    const answer = await show({ utm_source: 'mail', fbclid: 'x'.repeat(500) }, { 'x-auth-token': 'wrong' });
    expect(answer.status).toBe(200);
    const twice = await app.call('GET', `/policies/${policy}?lang=de&lang=en`, { token: null });
    expect([twice.status, twice.headers['content-language']]).toEqual([200, 'en']);
    expect((await app.call('GET', `/policies/${policy.toUpperCase()}/`, { token: null })).status).toBe(200);
  });

  it('answers HEAD as GET, without the page', async () => {
    const [get, head] = [await show(), await app.call('HEAD', `/policies/${policy}`, { token: null })];
    expect([head.status, head.text]).toEqual([200, '']);
    for (const name of ['etag', 'content-language', 'content-length', 'content-security-policy', 'vary'])
      expect([name, head.headers[name]]).toEqual([name, get.headers[name]]);
  });
});

describe('a reader who has the page', () => {
  it('is answered 304, in that language alone', async () => {
    const { headers } = await show();
    const etag = headers.etag ?? '';
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await show({}, { 'if-none-match': known });
      expect([known, again.status, again.text]).toEqual([known, 304, '']);
      expect(again.headers).toMatchObject({ etag, vary: 'Accept-Language', 'cache-control': 'no-cache' });
    }
    for (const other of [{ 'accept-language': 'de' }, { 'if-none-match': '"other"' }] as object[])
      expect((await show({}, { 'if-none-match': etag, ...other })).status).toBe(200);
  });

  it('is sent the next version once it takes effect', async () => {
    const versions = [{ version: '1', at: '2025-01-01T00:00:00Z', texts: { en: '<p>old words</p>' } }];
    const id = await publishPolicy(app, { versions });
    const { headers } = await show({}, {}, id);
    const at = new Date().toISOString();
    await publishVersion(app, id, { version: '2', at, texts: { en: '<p>new words</p>' } });
    await new Promise((resolve) => setTimeout(resolve, 600));
    const next = await show({}, { 'if-none-match': headers.etag ?? '' }, id);
    expect([next.status, wordsOf(next).includes('new words')]).toEqual([200, true]);
  });
});

describe('an earlier version', () => {
  it('is shown, with a note that it is not the current one', async () => {
    const answer = await show({ version: '1' });
    const words = wordsOf(answer);
    expect(words).toContain('We keep data for ten years.');
    expect(words).toContain('Was in force 15 January – 1 June 2025');
    expect(words).toContain('This version is no longer in force.');
    expect(words).toContain('has been in force since 1 February 2026.');
    expect(answer.text).toContain('<meta name="robots" content="noindex">');
    expect(answer.text).toContain('<title>Privacy policy – Version 1 – Demo Casino</title>');
    expect(answer.text).toContain('<a href="?">Read the current version</a>');
  });

  it('named as the current one is the current page', async () => {
    const words = wordsOf(await show({ version: current }));
    expect(words).not.toContain('no longer in force');
  });
});

describe('what changed', () => {
  it('since an earlier version is marked in the text, and the page says how', async () => {
    const answer = await show({ since: '2' });
    expect(answer.text).toContain('<p>We keep data for five years<ins>, and no longer</ins>.</p>');
    expect(answer.text).toContain('<article lang="en" dir="ltr" class="changes">');
    expect(wordsOf(answer)).toContain(
      'What has changed since version 2 of 1 June 2025 is marked in the text: ' +
        'added words are underlined and begin with a plus, removed words are struck through and begin with a minus',
    );
    expect(answer.text).toContain('<meta name="robots" content="noindex">');
    expect(answer.headers.etag).not.toBe((await show()).headers.etag);
  });

  it('is told between any two versions, in a language that both have', async () => {
    const both = await show({ version: '2', since: '1', lang: 'de' });
    expect(both.headers['content-language']).toBe('en');
    expect(both.text).toMatch(/<del>ten ?<\/del>/);
    expect(both.text).toMatch(/<ins>five ?<\/ins>/);
    expect(both.text).not.toContain('hreflang');
    expect((await show({ since: '2', lang: 'de' })).headers['content-language']).toBe('de');
  });

  it('can be nothing', async () => {
    const texts = { en: '<p>The same words.</p>' };
    const id = await publishPolicy(app, {
      versions: [
        { version: '1', at: '2025-01-01T00:00:00Z', texts },
        { version: '2', at: '2025-02-01T00:00:00Z', texts },
      ],
    });
    const answer = await show({ since: '1' }, {}, id);
    expect(wordsOf(answer)).toContain('The wording is the same as in version 1 of 1 January 2025.');
    expect(answer.text).not.toMatch(/<ins>|<del>|class="changes"/);
  });

  it('is linked to from every earlier version', async () => {
    const { text } = await show();
    expect(text).toContain('<a href="?since=1">Changes since version 1</a>');
    expect(text).toContain('<a href="?since=2">Changes since version 2</a>');
    expect((await show({ version: '2' })).text).toContain('<a href="?version=2&amp;since=1">');
  });
});

describe('what is not there', () => {
  it('is one page, whatever it is, in the language of the reader', async () => {
    const nothing = await publishPolicy(app, {
      versions: [
        { version: '1', at: '2999-01-01T00:00:00Z', texts: { en: '<p>x</p>' } },
        { version: '2', at: null, texts: { en: '<p>x</p>' } },
      ],
    });
    const ids = [randomUUID(), nothing, 'x', '1', "'; drop table policies; --", '..', '%00', '💥'];
    const answers = [
      ...(await Promise.all(ids.map((id) => show({}, {}, id.startsWith('%') ? id : encodeURIComponent(id))))),
      ...(await Promise.all(
        ['later', 'draft', '4', '', '%', '\0'].flatMap((version) => [
          show({ version }),
          show({ since: version }),
        ]),
      )),
      await show({ since: current }),
      await show({ version: '1', since: '1' }),
      await show({ version: '1', since: '2' }),
      await app.call('GET', `/policies/${policy}?version=1&version=2`, { token: null }),
    ];
    const [first] = answers;
    for (const { status, text } of answers) expect([status, text]).toEqual([404, first?.text]);
    expect(first?.text).toContain('This page is not here');
    expect(first?.text).not.toContain('Demo Casino');
    expect(first?.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-language': 'en',
      vary: 'Accept-Language',
    });
    expect(first?.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(first?.headers.etag).toBeUndefined();
    for (const german of [
      await show({ lang: 'de' }, {}, 'x'),
      await show({}, { 'accept-language': 'de' }, 'x'),
    ])
      expect(german.text).toContain('Diese Seite gibt es nicht');
    const head = await app.call('HEAD', '/policies/x', { token: null });
    expect([head.status, head.text]).toEqual([404, '']);
  });

  it('is never 304', async () => {
    expect((await show({}, { 'if-none-match': '*' }, 'x')).status).toBe(404);
  });
});

describe('the page under a prefix, and under load', () => {
  let other: TestApp;
  afterAll(() => other?.close());

  it('links to itself wherever it stands, and answers 429 beyond the limit', async () => {
    other = await createTestApp({ environment: { PATH_PREFIX: '/legal', PUBLIC_RATE_LIMIT: '2' } });
    const versions = ['1', '2'].map((version) => ({
      version,
      at: `2025-01-0${version}T00:00:00Z`,
      texts: { en: `<p>${version}</p>` },
    }));
    const id = await publishPolicy(other, { versions });
    const answer = await other.call('GET', `/policies/${id}`, { token: null });
    expect(answer.text).toContain('href="?version=1"');
    expect(answer.text).not.toMatch(/href="\//);
    await other.call('GET', `/policies/${id}`, { token: null });
    const refused = await other.call('GET', `/policies/${id}`, { token: null });
    expect([refused.status, refused.text]).toEqual([
      429,
      problem(429, errorText.tooManyRequests, `/policies/${id}`),
    ]);
  });
});
