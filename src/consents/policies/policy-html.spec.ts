import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { htmlEvasions } from '../../../test/support/html-evasions.js';
import { compilePolicyText, hasWords, sanitizePolicyHtml, UnreadableText } from './policy-html.js';

const tags =
  'h[1-6]|p|br|hr|blockquote|pre|div|section|article|ul|ol|li|dl|dt|dd|table|caption|thead|tbody|tfoot|tr|th|td|' +
  'a|abbr|b|strong|i|em|u|s|small|sub|sup|code|q|cite|span|time';
const attributes = 'lang|dir|id|title|href|start|reversed|value|colspan|rowspan|scope|datetime';
const tag = new RegExp(`^(</(${tags})>|<(${tags})( (${attributes})(="[^"<>]*")?)*( /)?>)$`);

/** Whether a browser would follow a link to a place that is no program. */
function isAddress(href: string): boolean {
  const text = href
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
  const base = 'https://policy.test/';
  return (
    !URL.canParse(text, base) || ['https:', 'http:', 'mailto:', 'tel:'].includes(new URL(text, base).protocol)
  );
}

/** Everything that is wrong with what should be safe. */
function listFaults(html: string): string[] {
  const found = html.match(/<[^>]*>?/g) ?? [];
  const valuesOf = (name: string) =>
    found.flatMap((each) => new RegExp(` ${name}="([^"]*)"`).exec(each)?.[1] ?? []);
  const ids = valuesOf('id');
  const hrefs = valuesOf('href');
  return [
    ...found.filter((each) => !tag.test(each)),
    ...ids.filter((id) => !id.startsWith('text-')),
    ...hrefs.filter((href) => !isAddress(href)),
  ];
}

/** What soups are made of: what means something to some parser. */
const pieces = [
  ...[
    '<',
    '>',
    '</',
    '/>',
    '"',
    "'",
    '=',
    ' ',
    '\n',
    '\t',
    '\0',
    '&',
    ';',
    '`',
    '--',
    '-->',
    '<!--',
    '<![CDATA[',
    ']]>',
    '<?',
    '<!',
  ],
  ...[
    'p',
    'a',
    'b',
    'svg',
    'math',
    'style',
    'script',
    'template',
    'noscript',
    'title',
    'textarea',
    'xmp',
    'iframe',
    'table',
    'tr',
    'td',
  ],
  ...[
    'select',
    'option',
    'form',
    'img',
    'mtext',
    'mglyph',
    'foreignObject',
    'plaintext',
    'li',
    'ul',
    'del',
    'ins',
    'br',
    'h1',
    'body',
  ],
  ...[
    '<p>',
    '</p>',
    '<a href="',
    '<b>',
    '<ul><li>',
    '<table>',
    '<svg>',
    '</svg>',
    '<math>',
    '<style>',
    '</style>',
    '<script>',
    '</script>',
  ],
  ...[
    'href=',
    'title="',
    'id=',
    'onerror=ran()',
    'style=',
    'src=x',
    'javascript:',
    'data:',
    '#',
    '//',
    'https://a.example/',
  ],
  ...[
    '&lt;',
    '&gt;',
    '&amp;',
    '&quot;',
    '&#106;',
    '&Tab;',
    '&colon;',
    '&amp;lt;',
    'word',
    '18+',
    'é',
    '漢',
    '\u2028',
    '\ud83c\udfb2',
  ],
];
const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((each) => each.join(''));

describe('sanitizePolicyHtml', () => {
  it('has enough to resist', () => {
    expect(Object.keys(htmlEvasions).length).toBeGreaterThanOrEqual(60);
  });

  it.each(Object.entries(htmlEvasions))('makes %s harmless, once and for all', (_name, html) => {
    for (const given of [html, `<p>before ${html} after</p>`, `<table><tr><td>${html}`]) {
      const safe = sanitizePolicyHtml(given);
      expect([safe, listFaults(safe)]).toEqual([safe, []]);
      expect(sanitizePolicyHtml(safe)).toBe(safe);
    }
  });

  it.each(Object.entries(htmlEvasions))('makes %s harmless in markdown', (_name, html) => {
    for (const text of [html, `# Title\n\n${html}\n\n- ${html}`, `[x](${html})`, `![${html}](x "${html}")`]) {
      const { html: safe } = compilePolicyText('markdown', text);
      expect([safe, listFaults(safe)]).toEqual([safe, []]);
      expect(sanitizePolicyHtml(safe)).toBe(safe);
    }
  });

  it('makes any soup harmless, and leaves what it made as it is', () => {
    fc.assert(
      fc.property(soup, (html) => {
        const safe = sanitizePolicyHtml(html);
        expect([safe, listFaults(safe)]).toEqual([safe, []]);
        expect(sanitizePolicyHtml(safe)).toBe(safe);
      }),
      { numRuns: 3000 },
    );
  });

  it('makes any soup in markdown harmless', () => {
    fc.assert(
      fc.property(soup, (text) => {
        const { html } = compilePolicyText('markdown', text);
        expect([html, listFaults(html)]).toEqual([html, []]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('what sanitizePolicyHtml leaves', () => {
  it('keeps what a contract needs', () => {
    const text =
      '<h1 id="text-top">Terms</h1><p lang="en">You <strong>must</strong> be <em>18</em>.<br />See <a href="#text-top">above</a>, ' +
      '<a title="more" href="https://demo.example/x?a=1&amp;b=2">here</a>, <a href="mailto:a@demo.example">us</a>, <a href="/help">help</a>.</p>' +
      '<ol start="3"><li value="4">a</li></ol><table><thead><tr><th scope="col" colspan="2">b</th></tr></thead></table>' +
      '<time datetime="2026-01-31">today</time> 1 &lt; 2 &amp; "three"';
    expect(sanitizePolicyHtml(text)).toBe(text);
  });

  it('gives anchors names of their own, and keeps links to them', () => {
    expect(sanitizePolicyHtml('<h2 id=a>x</h2><a href="#a" id="b">y</a>')).toBe(
      '<h2 id="text-a">x</h2><a id="text-b" href="#text-a">y</a>',
    );
  });

  it('keeps what is struck and underlined, without the marks that differences are shown by', () => {
    expect(sanitizePolicyHtml('no <del>right</del> <ins>duty</ins> <strike>x</strike>')).toBe(
      'no <s>right</s> <u>duty</u> <s>x</s>',
    );
  });

  it('takes no more than a hundred levels, and no text that cannot be read', () => {
    const deep = sanitizePolicyHtml(`${'<div>'.repeat(900)}x`);
    expect(deep).toBe(`${'<div>'.repeat(100)}x${'</div>'.repeat(100)}`);
    const startedAt = Date.now();
    for (const deep of ['> ', '- > ', '<div>', '<li><p>', '<svg>', '1. '])
      for (const format of ['markdown', 'html'] as const)
        if (format === 'markdown' || deep.startsWith('<'))
          expect(() => compilePolicyText(format, `${deep.repeat(200_000)}x`)).toThrow(UnreadableText);
    expect(Date.now() - startedAt).toBeLessThan(10_000);
  });
});

describe('compilePolicyText', () => {
  it('reads markdown, tables and raw HTML included', () => {
    const { html, hash } = compilePolicyText(
      'markdown',
      '# A\n\n~~b~~ **c** <u>d</u> <img src=x>\n\n|e|\n|-|\n|f|',
    );
    expect(html.replaceAll('\n', '')).toBe(
      '<h1>A</h1><p><s>b</s> <strong>c</strong> <u>d</u> </p><table><thead><tr><th>e</th></tr></thead><tbody><tr><td>f</td></tr></tbody></table>',
    );
    expect(hash).toHaveLength(32);
  });

  it('says whether anything is left', () => {
    for (const nothing of ['', ' ', '<script>x</script>', '<p> <br></p>', '<img alt="x">', '&nbsp;'])
      expect(hasWords(compilePolicyText('html', nothing).html)).toBe(false);
    expect(hasWords('<p>1</p>')).toBe(true);
  });
});
