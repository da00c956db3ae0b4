import { hash } from 'node:crypto';
import { marked } from 'marked';
import sanitizeHtml, { type Attributes, type IOptions } from 'sanitize-html';
import type { TextFormat } from './policy.js';

const blocks = ['p', 'div', 'section', 'article', 'blockquote', 'pre', 'br', 'hr'];
const headings = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];
const lists = ['ul', 'ol', 'li', 'dl', 'dt', 'dd'];
const tables = ['table', 'caption', 'thead', 'tbody', 'tfoot', 'tr', 'th', 'td'];
const phrases = [
  'a',
  'abbr',
  'b',
  'strong',
  'i',
  'em',
  'u',
  's',
  'small',
  'sub',
  'sup',
  'code',
  'q',
  'cite',
  'span',
  'time',
];

/** What goes with all that is in it: none of it is a word of the text, or a browser would not take it for HTML. */
const dropped = [
  ...[
    'script',
    'style',
    'noscript',
    'template',
    'title',
    'svg',
    'math',
    'object',
    'applet',
    'canvas',
    'audio',
    'video',
  ],
  ...[
    'iframe',
    'frameset',
    'noframes',
    'noembed',
    'xmp',
    'listing',
    'plaintext',
    'textarea',
    'select',
    'option',
  ],
];

/**
 * What a policy's text may hold: words in the forms that a contract needs, and links to elsewhere. No script, style, frame, form,
 * picture or other thing that a browser fetches, and no attribute that runs, lays out or covers anything.
 */
const allowList: IOptions = {
  allowedTags: [...blocks, ...headings, ...lists, ...tables, ...phrases],
  allowedAttributes: {
    '*': ['lang', 'dir', 'id', 'title'],
    a: ['href'],
    ol: ['start', 'reversed'],
    li: ['value'],
    td: ['colspan', 'rowspan'],
    th: ['colspan', 'rowspan', 'scope'],
    time: ['datetime'],
  },
  allowedSchemes: ['https', 'http', 'mailto', 'tel'],
  allowProtocolRelative: false,
  disallowedTagsMode: 'discard',
  nonTextTags: dropped,
  // Beyond, browsers rearrange what they read.
  nestingLimit: 100,
  transformTags: {
    // These two are the difference between versions; struck and underlined words stay so.
    ins: 'u',
    del: 's',
    strike: 's',
    // What a text says of itself must not take the place of what the page says.
    '*': (tagName, attributes) => ({ tagName, attribs: withOwnAnchors(attributes) }),
  },
};

/** Beyond, reading costs the square of the depth. */
const maxReadDepth = 1000;
/** The same in markdown: quotations in quotations and lists in lists, on one line or by how far it is indented. */
const deepMarkdown = /^(?:[ \t]{400,}(?:[-*+>]|\d)|(?:[ \t]*(?:>|[-*+]|\d{1,9}[.)])){200})/m;

function withOwnAnchors({ id, href, ...others }: Attributes): Attributes {
  return {
    ...others,
    ...(id !== undefined && { id: ownAnchor(id) }),
    ...(href !== undefined && { href: href.startsWith('#') ? `#${ownAnchor(href.slice(1))}` : href }),
  };
}

const ownAnchor = (name: string) => `text-${name.replace(/^(text-)+/, '')}`;

/** A text that cannot be made safe as it is, such as one nested thousands of levels deep. */
export class UnreadableText extends Error {}

/** Makes HTML safe to show on a page of ours. What comes out is unchanged by a second pass. Throws UnreadableText. */
export function sanitizePolicyHtml(html: string): string {
  let safe = html;
  // Taking something away can make something else of its neighbours: until nothing changes any more.
  for (let pass = 0; pass < 10; pass++) {
    const next = sanitizeOnce(safe).trim();
    if (next === safe) return safe;
    safe = next;
  }
  throw new UnreadableText('the text does not come to rest');
}

function sanitizeOnce(html: string): string {
  let depth = 0;
  return sanitizeHtml(html, {
    ...allowList,
    onOpenTag: () => {
      if (++depth > maxReadDepth) throw new UnreadableText('the text is nested too deeply');
    },
    onCloseTag: () => {
      depth--;
    },
  });
}

/** A policy's text as it is shown and agreed to, with the hash that proves which it was. Throws UnreadableText. */
export function compilePolicyText(format: TextFormat, text: string): { html: string; hash: Buffer } {
  const html = sanitizePolicyHtml(format === 'markdown' ? markdownToHtml(text) : text);
  return { html, hash: hash('sha256', html, 'buffer') };
}

function markdownToHtml(text: string): string {
  if (deepMarkdown.test(text)) throw new UnreadableText('the text is nested too deeply');
  try {
    return marked.parse(text, { async: false, gfm: true });
  } catch (error) {
    // It calls itself for each level.
    if (error instanceof RangeError) throw new UnreadableText('the text is nested too deeply');
    throw error;
  }
}

/** Whether compiled HTML says anything at all. */
export function hasWords(html: string): boolean {
  return /\S/.test(html.replaceAll(/<[^>]*>/g, ''));
}
