import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { diffPolicyTexts } from './policy-diff.js';
import { diffPolicyHtml } from './policy-diff-html.js';
import { sanitizePolicyHtml } from './policy-html.js';
import { toTokens } from './policy-tokens.js';

const plain = (html: string) =>
  html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/\s/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
const without = (html: string, tag: 'ins' | 'del') =>
  plain(html.replaceAll(new RegExp(`<${tag}>.*?</${tag}>`, 'gs'), ''));
const tagsOf = (html: string) => html.match(/<[^>]*>/g) ?? [];

/** Whether every tag is closed where it was opened, none of them within <ins> or <del>. */
function isWellFormed(html: string): boolean {
  const open: string[] = [];
  for (const tag of tagsOf(html)) {
    const name = tag.replaceAll(/^<\/?|[ >].*$/g, '');
    if (tag.endsWith('/>')) continue;
    if (tag.startsWith('</')) {
      if (open.pop() !== name) return false;
    } else {
      if (['ins', 'del'].includes(open.at(-1) ?? '')) return false;
      open.push(name);
    }
  }
  return open.length === 0;
}

function isSubsequence(part: string[], whole: string[]): boolean {
  let found = 0;
  for (const item of whole) if (item === part[found]) found++;
  return found === part.length;
}

const words = fc
  .array(
    fc.constantFrom(
      'you',
      'must',
      'not',
      '18',
      '21',
      'play.',
      '&amp;',
      '1 &lt; 2',
      '漢字',
      'naïve',
      '–',
      '"so"',
      '🎲',
      'a-b',
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((each) => each.join(' '));
const phrase = fc.oneof(
  words,
  words.map((text) => `<b>${text}</b>`),
  words.map((text) => `<a href="https://a.example/">${text}</a>`),
  words.map((text) => `<a href="https://b.example/"><i>${text}</i></a>, `),
  words.map((text) => `${text}<br />${text}`),
);
const line = fc.array(phrase, { maxLength: 3 }).map((each) => each.join(' '));
const block = fc.oneof(
  line.map((text) => `<p>${text}</p>`),
  line.map((text) => `<h2>${text}</h2>\n`),
  line,
  fc
    .array(line, { minLength: 1, maxLength: 4 })
    .map((each) => `<ul>\n${each.map((text) => `<li>${text}</li>\n`).join('')}</ul>`),
  fc
    .array(line, { minLength: 1, maxLength: 4 })
    .map((each) => `<ol>${each.map((text) => `<li><p>${text}</p></li>`).join('')}</ol>`),
  fc
    .array(fc.tuple(line, line), { minLength: 1, maxLength: 3 })
    .map(
      (rows) =>
        `<table><tbody>${rows.map(([a, b]) => `<tr><td>${a}</td><td>${b}</td></tr>`).join('')}</tbody></table>`,
    ),
  fc.tuple(line, line).map(([a, b]) => `<dl><dt>${a}</dt><dd>${b}</dd></dl>`),
  line.map((text) => `<blockquote><div>${text}</div>${text}</blockquote><hr />`),
);
const blocks = fc.array(block, { maxLength: 6 });
/** Two texts that have something in common. */
const pair = fc.tuple(blocks, blocks, fc.array(fc.nat(5), { maxLength: 6 })).map(([a, b, kept]) => {
  const newer = [...kept.flatMap((index) => a[index] ?? []), ...b];
  return [sanitizePolicyHtml(a.join('')), sanitizePolicyHtml(newer.join(''))] as const;
});

describe('the difference of two texts', () => {
  it('holds the newer text without <del>, and the older one without <ins>', () => {
    fc.assert(
      fc.property(pair, ([from, to]) => {
        const html = diffPolicyHtml(from, to);
        expect(without(html, 'del')).toBe(plain(to));
        expect(without(html, 'ins')).toBe(plain(from));
      }),
      { numRuns: 500 },
    );
  });

  it('is as well-formed as the newer text, and has its tags', () => {
    fc.assert(
      fc.property(pair, ([from, to]) => {
        const html = diffPolicyHtml(from, to);
        expect([html, isWellFormed(html)]).toEqual([html, true]);
        expect(isSubsequence(tagsOf(to), tagsOf(html))).toBe(true);
        expect(plain(sanitizePolicyHtml(html))).toBe(plain(html));
      }),
      { numRuns: 300 },
    );
  });

  it('of a text and itself is that text', () => {
    fc.assert(
      fc.property(pair, ([text]) => {
        expect(diffPolicyHtml(text, text)).toBe(text);
        expect(diffPolicyTexts(text, text).filter(({ kind }) => kind !== 'same')).toEqual([]);
      }),
    );
  });

  it('takes a text apart without losing anything', () => {
    fc.assert(
      fc.property(pair, ([text]) => {
        expect(
          toTokens(text)
            .map(({ html, space }) => html + space)
            .join(''),
        ).toBe(text);
      }),
    );
  });
});

describe('what is shown of a difference', () => {
  const cases: [what: string, from: string, to: string, html: string][] = [
    [
      'a word',
      '<p>You must be 18.</p>',
      '<p>You must be 21.</p>',
      '<p>You must be <del>18</del><ins>21</ins>.</p>',
    ],
    ['a word more', '<p>be kind</p>', '<p>be very kind</p>', '<p>be <ins>very</ins> kind</p>'],
    ['a word less', '<p>be very kind</p>', '<p>be kind</p>', '<p>be <del>very </del>kind</p>'],
    ['a sentence more', '<p>One.</p>', '<p>One. Two three.</p>', '<p>One. <ins>Two three.</ins></p>'],
    [
      'a paragraph more',
      '<p>One</p>\n<p>Two</p>',
      '<p>One</p>\n<p>New</p>\n<p>Two</p>',
      '<p>One</p>\n<p><ins>New</ins></p>\n<p>Two</p>',
    ],
    [
      'a paragraph less',
      '<p>One</p><p>Old</p><p>Two</p>',
      '<p>One</p><p>Two</p>',
      '<p>One</p><p><del>Old</del></p><p>Two</p>',
    ],
    [
      'an entry less',
      '<ul><li>a</li><li>b</li></ul>',
      '<ul><li>a</li></ul>',
      '<ul><li>a</li><li><del>b</del></li></ul>',
    ],
    [
      'a row less',
      '<table><tbody><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></tbody></table>',
      '<table><tbody><tr><td>c</td><td>d</td></tr></tbody></table>',
      '<table><tbody><tr><td><del>a</del></td></tr><tr><td><del>b</del></td></tr><tr><td>c</td><td>d</td></tr></tbody></table>',
    ],
    [
      'where a link leads',
      'See <a href="https://a.example/">our rules</a>.',
      'See <a href="https://b.example/">our rules</a>.',
      'See <del>our rules</del><a href="https://b.example/"><ins>our rules</ins></a>.',
    ],
    ['how it looks', '<p>You <b>must</b></p>', '<h2>You must</h2>', '<h2>You must</h2>'],
    ['signs without spaces', '<p>漢字表</p>', '<p>漢語表</p>', '<p>漢<del>字</del><ins>語</ins>表</p>'],
    ['everything', '', '<p>a b</p>', '<p><ins>a b</ins></p>'],
    ['all of it gone', '<p>a</p><p>b</p>', '', '<p><del>a</del></p><p><del>b</del></p>'],
  ];
  it.each(cases)('shows %s', (_what, from, to, html) => {
    expect(diffPolicyHtml(from, to)).toBe(html);
  });
});

describe('texts as long as they may be', () => {
  const words = (word: string) => Array.from({ length: 150_000 }, (_, index) => `${word}${index}`).join(' ');

  it.each([
    ['of many words', `<p>${words('a')}</p>`, `<p>${words('b')}</p>`],
    ['of many paragraphs', '<p>a</p>'.repeat(150_000), '<p>b</p>'.repeat(150_000)],
  ])('%s are shown as replaced', (_what, from, to) => {
    const html = diffPolicyHtml(from, to);
    expect(without(html, 'del')).toBe(plain(to));
    expect(without(html, 'ins')).toBe(plain(from));
  });
});

describe('the difference in plain text', () => {
  it('holds the newer text and the older one', () => {
    fc.assert(
      fc.property(pair, ([from, to]) => {
        const changes = diffPolicyTexts(from, to);
        const saying = (...kinds: string[]) =>
          changes
            .filter(({ kind }) => kinds.includes(kind))
            .map(({ text }) => text)
            .join('')
            .replaceAll(/\s/g, '');
        expect(saying('same', 'added')).toBe(plain(to));
        expect(saying('same', 'removed')).toBe(plain(from));
        expect(
          changes.filter(
            ({ text }, index) => text === '' || changes[index + 1]?.kind === changes[index]?.kind,
          ),
        ).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
