/** A piece of a compiled text: a tag, or a word, sign or entity, with the white space that follows it. */
export interface Token {
  /** What two texts are compared by: not the white space, but where a link's words lead to. */
  key: string;
  /** As it stands in the HTML. */
  html: string;
  space: string;
  tag: Tag | null;
}

export interface Tag {
  name: string;
  kind: 'open' | 'close' | 'void';
  isBlock: boolean;
}

const inlineTags = new Set([
  ...['a', 'abbr', 'b', 'strong', 'i', 'em', 'u', 's', 'small', 'sub', 'sup', 'code', 'q', 'cite', 'span'],
  'time',
]);
const voidTags = new Set(['br', 'hr']);

/** Scripts that put no space between words are compared sign by sign. */
const unspaced =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}';
const pattern = new RegExp(
  `(<[^>]*>|&(?:[a-z]+|#\\d+);|[${unspaced}]\\p{M}*|(?:(?![${unspaced}])[\\p{L}\\p{M}\\p{N}])+|\\S)(\\s*)`,
  'giu',
);

/** Takes compiled HTML apart. Put together again (`html` and `space`), it is the same but for white space at its start. */
export function toTokens(html: string): Token[] {
  const tokens: Token[] = [];
  const hrefs: string[] = [];
  for (const [, piece = '', space = ''] of html.trimStart().matchAll(pattern)) {
    const tag = toTag(piece);
    if (tag?.name === 'a') {
      if (tag.kind === 'open') hrefs.push(/ href="([^"]*)"/.exec(piece)?.[1] ?? '');
      else hrefs.pop();
    }
    const href = hrefs.at(-1) ?? '';
    tokens.push({ key: tag || href === '' ? piece : `${piece}\n${href}`, html: piece, space, tag });
  }
  return tokens;
}

function toTag(piece: string): Tag | null {
  const [, slash, name] = /^<(\/?)([a-z][a-z0-9]*)/.exec(piece) ?? [];
  if (name === undefined) return null;
  const kind = slash ? 'close' : voidTags.has(name) ? 'void' : 'open';
  return { name, kind, isBlock: !inlineTags.has(name) };
}

/** Tokens by paragraphs, list entries, cells and the like, each with the tags around it. */
export function toBlocks(tokens: readonly Token[]): Token[][] {
  const blocks: Token[][] = [];
  let before: Tag['kind'] | 'word' = 'word';
  for (const token of tokens) {
    const { tag } = token;
    const isBoundary = tag?.isBlock === true;
    const starts =
      blocks.length === 0 ||
      (isBoundary && (tag.kind === 'close' ? before === 'close' : before !== 'open')) ||
      (!isBoundary && (before === 'close' || before === 'void'));
    if (starts) blocks.push([]);
    blocks.at(-1)?.push(token);
    before = isBoundary ? tag.kind : 'word';
  }
  return blocks;
}

const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

/** What a token says in plain text. */
export function plainText({ html, space, tag }: Token): string {
  if (tag) return tag.isBlock ? '\n' : space && ' ';
  return (entities[html] ?? html) + (space && ' ');
}
