import { hash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readerLanguages } from './languages.js';
import { type PageToRender, PageTemplates } from './page-templates.js';

const source = fileURLToPath(new URL('../', import.meta.url));
const ground = `${source}pages/layout/`;
/** Every folder of pages there is: a new door adds its own. */
const folders = ['policy-consent', 'personal-details', 'unsubscribe']
  .map((door) => `${source}${door}/pages/`)
  .concat(ground);
const made: string[] = [];

function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'player-consent-pages-'));
  made.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const layout = (content: string) =>
  `{% layout 'layout.html.liquid' %}{% block title %}T{% endblock %}{% block content %}${content}{% endblock %}`;
const hello: Record<string, string> = {
  'hello.html.liquid': layout('<p title="{{ name }}">{{ text.hello | fill: who: name }}</p>'),
  'en.json': '{ "hello": "Hello, {who}!" }',
  'de.json': '{ "hello": "Hallo {who}!" }',
};
const ask = (more: Partial<PageToRender> = {}): PageToRender => ({
  template: 'hello',
  language: 'en',
  variables: { brand_name: 'Käsino & Söhne', name: 'you' },
  ...more,
});

afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true });
});

describe('every folder of pages', () => {
  it.each(folders)('%s has the same texts in every language', (folder) => {
    const languages = readdirSync(folder).filter((file) => file.endsWith('.json'));
    expect(languages).toEqual(expect.arrayContaining(['de.json', 'en.json']));
    const keys = languages.map((file) =>
      Object.keys(JSON.parse(readFileSync(join(folder, file), 'utf8')) as object),
    );
    for (const each of keys) expect(each).toEqual(keys[0]);
    expect(() => new PageTemplates(folder)).not.toThrow();
  });

  it.each(folders)('%s uses every text, and prints raw only what is safe', (folder) => {
    const templates = readdirSync(folder).filter((file) => file.endsWith('.liquid'));
    const text = templates.map((file) => readFileSync(join(folder, file), 'utf8')).join('');
    const texts = JSON.parse(readFileSync(join(folder, 'en.json'), 'utf8')) as object;
    const named = [...text.matchAll(/\btext\.(\w+)/g)].map(([, name]) => name);
    // What only the code uses.
    const others = ['locale', 'instant'];
    const keys = Object.keys(texts).filter(
      (key) => !/^(by|channel|notice|stop|state|heading|explanation|button|rules|fault)_/.test(key),
    );
    expect([...named, ...others]).toEqual(expect.arrayContaining(keys));
    for (const [, name] of text.matchAll(/(\S+) \| raw\b/g)) expect(name).toMatch(/^(brand_)?style$|_html$/);
    expect(text).not.toMatch(/\bstyle="|\bon\w+=|<script|<img|\w:\/\//);
  });
});

describe('a page', () => {
  const pages = new PageTemplates(folderOf(hello));

  it('is in its language, in the layout, with its style allowed by hash and nothing else', () => {
    const { status, headers, html } = pages.renderPage(ask({ language: 'de' }));
    expect(status).toBe(200);
    expect(html).toContain('<html lang="de" dir="ltr">');
    expect(html).toContain('<title>T – Käsino &amp; Söhne</title>');
    expect(html).toContain('<p title="you">Hallo you!</p>');
    expect(html).toContain('<meta name="robots" content="noindex">');
    const style = /<style>([^]*?)<\/style>/.exec(html)?.[1] ?? '';
    expect(headers).toEqual({
      'content-type': 'text/html; charset=utf-8',
      'content-language': 'de',
      'content-security-policy':
        `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; ` +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    });
  });

  it('may say otherwise: status, robots, forms, and the language of its content', () => {
    const { status, headers, html } = pages.renderPage(
      ask({ status: 410, robots: 'index', formAction: "'self'", contentLanguage: 'fr' }),
    );
    expect(status).toBe(410);
    expect(html).toContain('<meta name="robots" content="index">');
    expect(headers['content-language']).toBe('fr');
    expect(headers['content-security-policy']).toContain("; form-action 'self'; ");
  });

  it('escapes what it is given, and takes it for no template and no placeholder', () => {
    const name = `<b onclick="x('y')">{{ text }}{who}$&</b>`;
    const { html } = pages.renderPage(ask({ variables: { brand_name: '</title>', name } }));
    const escaped = '&lt;b onclick=&#34;x(&#39;y&#39;)&#34;&gt;{{ text }}{who}$&amp;&lt;/b&gt;';
    expect(html).toContain(`<p title="${escaped}">Hello, ${escaped}!</p>`);
    expect(html).toContain('<title>T – &lt;/title&gt;</title>');
  });

  it('cannot be given another style or text', () => {
    const { html } = pages.renderPage(
      ask({ variables: { brand_name: '', name: 'you', style: 'evil', text: {}, language: 'evil' } }),
    );
    expect(html).not.toContain('evil');
  });

  it('is an error without what it names, and when there is none', () => {
    expect(() => pages.renderPage(ask({ variables: { brand_name: '' } }))).toThrow(
      'undefined variable: name',
    );
    for (const template of ['goodbye', '../hello', '__proto__', ''])
      expect(() => pages.renderPage(ask({ template }))).toThrow(`no page ${template}`);
    expect(() => pages.renderPage(ask({ language: 'fr' }))).toThrow('no page hello in fr');
  });
});

describe('the colour of a brand', () => {
  const pages = new PageTemplates(folderOf(hello));

  it('is the page’s as well, and allowed by hash', () => {
    const { headers, html } = pages.renderPage(ask({ colour: '#0b4fb3' }));
    const [, own = '', brand = ''] = /<style>([^]*?)<\/style>\s*<style>([^]*?)<\/style>/.exec(html) ?? [];
    expect(brand).toBe(':root{--brand:#0b4fb3;--on-brand:#fff}');
    const sources = [own, brand].map((style) => `'sha256-${hash('sha256', style, 'base64')}'`);
    expect(headers['content-security-policy']).toContain(`style-src ${sources.join(' ')};`);
    expect(pages.renderPage(ask({ colour: '#ffd200' })).html).toContain('--on-brand:#000');
    for (const colour of ['red', '#FFF', '#12345', '#123456}', ''])
      expect(() => pages.renderPage(ask({ colour }))).toThrow('#rrggbb');
  });
});

describe('the language of a page, and the page of what is not there', () => {
  const pages = new PageTemplates(folderOf(hello));

  it('is in the language that the reader asked for, or else in another that there is', () => {
    const choose = (header: string, fallback?: string) =>
      pages.chooseLanguage(readerLanguages(undefined, header), fallback);
    expect(choose('de-AT')).toBe('de');
    expect(choose('fr', 'de-CH')).toBe('de');
    expect(choose('fr', 'es')).toBe('en');
    expect(choose('')).toBe('en');
  });

  it('that stands for what is not there is the same for all of it', () => {
    const { status, html, headers } = pages.renderNotFound(readerLanguages('de', undefined));
    expect(status).toBe(404);
    expect(html).toContain('Diese Seite gibt es nicht');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  });
});

describe('a folder that cannot be used', () => {
  it.each<[string, Record<string, string>, string]>([
    ['with a language less', { 'de.json': '' }, 'must have the languages'],
    ['with a language more', { 'fr.json': '{ "hello": "Salut {who} !" }' }, 'must have the languages'],
    ['with a text less', { 'de.json': '{}' }, 'differ in hello {who}'],
    ['with a text more', { 'de.json': '{ "hello": "{who}", "more": "x" }' }, 'differ in more'],
    ['with another placeholder', { 'de.json': '{ "hello": "{wer}" }' }, 'differ in hello'],
    ['with an empty text', { 'de.json': '{ "hello": " " }' }, 'hello is no text'],
    ['with an odd name', { 'german.json': '{ "hello": "{who}" }' }, 'not named like a language'],
    ['with a broken template', { 'hello.html.liquid': layout('{% if %}') }, 'hello.html.liquid'],
    ['with a filter that is none', { 'hello.html.liquid': layout('{{ x | y }}') }, 'filter'],
  ])('%s stops the start', (_what, changes, message) => {
    const files = Object.fromEntries(Object.entries({ ...hello, ...changes }).filter(([, text]) => text));
    expect(() => new PageTemplates(folderOf(files))).toThrow(message);
  });

  it('is one whose texts want a value that is not given', () => {
    const pages = new PageTemplates(
      folderOf({ ...hello, 'hello.html.liquid': layout('{{ text.hello | fill }}{{ name }}') }),
    );
    expect(() => pages.renderPage(ask())).toThrow('no value for {who}');
  });
});
