import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readConfig } from '../../config/config.js';
import { MailTemplates, oneLine } from './mail-templates.js';

const publicUrl = 'https://consent.example';
const config = readConfig({ PUBLIC_URL: `${publicUrl}/` });
const folder = fileURLToPath(new URL('./templates/', import.meta.url));
const files = readdirSync(folder);
const folders: string[] = [];

/** A value for each variable that a template names; a new template brings its own. */
const link = (route: string, hours: number) => ({
  hours: String(hours),
  link_path: `/gateway/admission/1.0/${route}/1?hash=AbC-_9`,
});
const samples: Record<string, Record<string, string>> = {
  activation: link('verify/email', 72),
  'email-cancel': link('cancel/email', 24),
  'email-change': link('verify/email', 24),
  'password-changed': {},
  'password-reset': link('verify/password', 1),
  sample: { unsubscribe_path: '/unsubscribe/AbC-_9' },
  test: {},
};

/** Templates of a test's own, beside the real layout. */
function templatesOf(sources: Record<string, string>, layout = true): MailTemplates {
  const own = mkdtempSync(join(tmpdir(), 'player-consent-templates-'));
  folders.push(own);
  if (layout)
    writeFileSync(join(own, 'layout.html.liquid'), readFileSync(join(folder, 'layout.html.liquid')));
  for (const [name, source] of Object.entries(sources)) writeFileSync(join(own, `${name}.liquid`), source);
  return new MailTemplates(config, own);
}

const html = (content: string) =>
  `{% layout 'layout.html.liquid' %}{% block content %}${content}{% endblock %}`;
const mail = (language: string, word: string) => ({
  [`hello.${language}.text`]: `Subject: ${word} {{ name }}\n\n${word}, {{ name }}!\n`,
  [`hello.${language}.html`]: html(`<p title="{{ name }}">${word}, {{ name }}!</p>`),
});
const about = (name: string, language?: string, defaultLanguage = 'en') => ({
  template: 'hello',
  language,
  defaultLanguage,
  brandName: 'Demo Casino',
  variables: { name },
});

afterAll(() => {
  for (const each of folders) rmSync(each, { recursive: true });
});

describe('every template', () => {
  const templates = new MailTemplates(config);
  const texts = files.filter((file) => file.endsWith('.text.liquid')).map((file) => file.split('.'));

  it('is among the samples, in English and German', () => {
    expect([...new Set(texts.map(([name]) => name))].sort()).toEqual(Object.keys(samples).sort());
    for (const name of Object.keys(samples))
      expect(texts.filter(([each]) => each === name).map(([, language]) => language)).toEqual(
        expect.arrayContaining(['en', 'de']),
      );
  });

  it.each(texts)('%s renders in %s, links to PUBLIC_URL alone, and loads nothing', (name = '', language) => {
    const rendered = templates.render({
      template: name,
      language,
      defaultLanguage: 'xx',
      brandName: 'Käsino & Söhne',
      variables: samples[name],
    });
    expect(rendered).toMatchSnapshot();
    expect(rendered.subject).toMatch(/^\S.*\S$/);
    expect(rendered.html).toContain(`<html lang="${language}"`);
    expect(rendered.html).toContain('Käsino &amp; Söhne');
    expect(rendered.text).toContain('Käsino & Söhne');
    for (const text of [rendered.text, rendered.html]) {
      const addresses = text.match(/\b[a-z]+:\/\/[^\s"<]+/gi) ?? [];
      for (const each of addresses) expect(`${each}/`.startsWith(`${publicUrl}/`)).toBe(true);
      expect(text).not.toMatch(/\{\{|\{%|undefined|\[object/);
    }
    const targets = [...rendered.html.matchAll(/\b(?:href|action)\s*=\s*(?:"([^"]*)"|\S*)/gi)];
    for (const [, target] of targets) expect(`${target}/`.startsWith(`${publicUrl}/`)).toBe(true);
    expect(rendered.html).not.toMatch(
      /<(img|script|link|iframe|object|form|table|base)\b|\bsrc=|url\(|@import/i,
    );
  });

  it('takes links from PUBLIC_URL, and never turns escaping off', () => {
    for (const file of files) {
      const source = readFileSync(join(folder, file), 'utf8');
      expect(source).not.toMatch(/\|\s*(raw|unescape)|\w:\/\//);
      for (const [, target] of source.matchAll(/\b(?:href|action)="([^"]*)"/g))
        expect(target).toMatch(/^\{\{ public_url \}\}/);
    }
  });
});

describe('the language', () => {
  const templates = templatesOf({ ...mail('en', 'Hello'), ...mail('de', 'Hallo'), ...mail('pt-br', 'Olá') });
  it.each([
    ['de', 'en', 'Hallo'],
    ['DE-at', 'en', 'Hallo'],
    ['de_CH', 'en', 'Hallo'],
    ['pt-BR', 'de', 'Olá'],
    ['pt', 'de', 'Hallo'],
    ['fr', 'de', 'Hallo'],
    ['fr', 'de-AT', 'Hallo'],
    ['fr', 'it', 'Hello'],
    ['', '', 'Hello'],
    [undefined, 'de', 'Hallo'],
    ['__proto__', 'constructor', 'Hello'],
    ['../../de', 'en', 'Hello'],
  ])('%j with the brand’s %j is %s', (language, brandLanguage, word) => {
    const { subject, text, html } = templates.render(about('you', language, brandLanguage));
    expect([subject, text]).toEqual([`${word} you`, `${word}, you!\n`]);
    expect(html).toContain(`>${word}, you!</p>`);
  });
});

describe('a variable', () => {
  const templates = templatesOf(mail('en', 'Hello'));

  it('is escaped in HTML and only there', () => {
    const name = `<b onclick="x('y')">& co</b>`;
    const escaped = '&lt;b onclick=&#34;x(&#39;y&#39;)&#34;&gt;&amp; co&lt;/b&gt;';
    const { subject, text, html } = templates.render(about(name));
    expect([subject, text]).toEqual([`Hello ${name}`, `Hello, ${name}!\n`]);
    expect(html).toContain(`<p title="${escaped}">Hello, ${escaped}!</p>`);
    expect(html).toContain(`<title>Hello ${escaped}</title>`);
    expect(html).not.toContain('<b ');
  });

  it('is not read as a template', () => {
    const { text } = templates.render(about('{{ brand_name }}{% raw %}'));
    expect(text).toBe('Hello, {{ brand_name }}{% raw %}!\n');
  });

  it.each([
    '\r\nBcc: victim@example.com',
    '\n\nbody',
    '\rX',
    '\u2028X',
    '\u2029X',
    '\u0085X',
    '\0X',
    '\u001b[0m',
    '\t',
  ])('breaks no line with %j', (attempt) => {
    const both = templatesOf({
      'hello.en.text': 'Subject: {{ brand_name }}, {{ name }}\n\n{{ brand_name }}, {{ name }}\n',
      'hello.en.html': html('x'),
    });
    const { subject, text } = both.render({ ...about(`a${attempt}b`), brandName: `c${attempt}d` });
    const rest = attempt.replaceAll(/[^ -~]+/g, '');
    expect(subject).toBe(`c ${rest}d, a ${rest}b`);
    expect(text).toBe(`${subject}\n`);
  });
});

describe('a set of variables', () => {
  const templates = templatesOf({
    ...mail('en', 'Hello'),
    'link.en.text':
      'Subject: Link\n\n{{ public_url }}/verify?hash={{ hash }}\n{{ language }} {{ brand_name }}\n',
    'link.en.html': html('<a href="{{ public_url }}/verify?hash={{ hash }}">Verify</a>'),
  });

  it('with one missing is an error, in every part', () => {
    const { variables: _none, ...nothing } = about('');
    expect(() => templates.render(nothing)).toThrow('undefined variable: name');
    const parts = {
      subject: { 'hello.en.text': 'Subject: {{ name }}\n\nx', 'hello.en.html': html('x') },
      text: { 'hello.en.text': 'Subject: x\n\n{{ name }}', 'hello.en.html': html('x') },
      html: { 'hello.en.text': 'Subject: x\n\nx', 'hello.en.html': html('{{ name }}') },
      condition: { 'hello.en.text': 'Subject: x\n\n{% if name %}x{% endif %}', 'hello.en.html': html('x') },
    };
    for (const sources of Object.values(parts))
      expect(() => templatesOf(sources).render(nothing)).toThrow('undefined variable: name');
  });

  it('cannot replace what links, language and brand come from', () => {
    const stolen = {
      public_url: 'https://evil.example',
      brand_name: 'Evil',
      language: 'xx',
      subject: 'Evil',
    };
    const { text, html } = templates.render({
      ...about(''),
      template: 'link',
      variables: { ...stolen, hash: 'abc' },
    });
    expect(text).toBe(`${publicUrl}/verify?hash=abc\nen Demo Casino\n`);
    expect(html).toContain(`<a href="${publicUrl}/verify?hash=abc">`);
    expect(html).not.toMatch(/evil/i);
  });
});

describe('a template that cannot be used', () => {
  const { 'hello.en.html': _html, ...textOnly } = mail('en', 'Hello');
  const { 'hello.en.text': _text, ...htmlOnly } = mail('en', 'Hello');
  const [text, page] = [`Subject: x\n\nx`, html('x')];
  it.each<[string, Record<string, string>, string]>([
    ['without HTML', textOnly, 'hello.en needs a text and an html file'],
    ['without text', htmlOnly, 'hello.en needs a text and an html file'],
    ['without English', mail('de', 'Hallo'), 'hello is missing in en'],
    [
      'without a subject',
      { 'hello.en.text': 'x\n\nx', 'hello.en.html': page },
      'must start with "Subject: …"',
    ],
    ['without an empty line', { 'hello.en.text': 'Subject: x\nx', 'hello.en.html': page }, 'must start with'],
    ['with an odd name', { ...mail('en', 'Hello'), 'hello.html': page }, 'not named like a mail template'],
    ['with a filter that is none', { 'hello.en.text': text, 'hello.en.html': html('{{ x | y }}') }, 'filter'],
    ['with a broken tag', { 'hello.en.text': text, 'hello.en.html': html('{% if %}') }, 'hello.en.html'],
    ['in a broken layout', { ...mail('en', 'Hello'), 'layout.html': '{% block %}{{' }, 'layout.html'],
  ])('%s stops the start', (_what, sources, message) => {
    expect(() => templatesOf(sources)).toThrow(message);
  });

  it('stops the start when the layout is missing', () => {
    expect(() => templatesOf(mail('en', 'Hello'), false)).toThrow('no layout.html.liquid');
  });

  it('is an error when it is asked for', () => {
    const templates = templatesOf(mail('en', 'Hello'));
    for (const template of ['goodbye', '__proto__', '../hello', 'hello.en', ''])
      expect(() => templates.render({ ...about('you'), template })).toThrow(`no mail template ${template}`);
  });
});

describe('PUBLIC_URL', () => {
  it('is this instance’s address when it is not given', () => {
    const { text } = new MailTemplates(readConfig({ PORT: '3456' })).render({
      ...about(''),
      template: 'test',
    });
    expect(text).toContain('\nhttp://127.0.0.1:3456\n');
  });
});

describe('oneLine', () => {
  it('leaves what people write alone', () => {
    const name = 'Zoë  O’Neill-Müller 👩‍👩‍👧 (東京)';
    expect(oneLine(name)).toBe(name);
  });
});
