import { diffArrays } from 'diff';
import { plainText, toBlocks, toTokens, type Token } from './policy-tokens.js';

export type ChangeKind = 'same' | 'added' | 'removed';

/** A run of a text's tokens, and what became of it. */
export interface TokenChange {
  kind: ChangeKind;
  tokens: Token[];
}

/** A run of plain text, and what became of it. */
export interface TextChange {
  kind: ChangeKind;
  text: string;
}

/** Comparing costs the square of what differs. Beyond, a passage is shown as replaced. */
const maxDifferentBlocks = 2000;
const maxDifferentWords = 2000;
const maxSteps = 20_000_000;

/** What changed from one compiled text to another: first by blocks, then by words in the blocks that differ. */
export function diffPolicyTokens(from: string, to: string): TokenChange[] {
  const blocks = compare(toBlocks(toTokens(from)), toBlocks(toTokens(to)), keyOfBlock, maxDifferentBlocks);
  const changes: TokenChange[] = [];
  let steps = maxSteps;
  let removed: Token[] = [];
  let added: Token[] = [];
  const settle = () => {
    const limit = Math.min(maxDifferentWords, Math.floor(Math.sqrt(steps)));
    const words = compare(removed, added, ({ key }) => key, limit);
    const different = words.reduce((sum, { kind, items }) => sum + (kind === 'same' ? 0 : items.length), 0);
    steps -= Math.min(different, limit) ** 2;
    changes.push(...words.map(({ kind, items }) => ({ kind, tokens: items })));
    removed = [];
    added = [];
  };
  for (const { kind, items } of blocks) {
    // Not by push(...): a long text has more words than a call takes arguments.
    if (kind === 'removed') removed = removed.concat(items.flat());
    else if (kind === 'added') added = added.concat(items.flat());
    else {
      settle();
      changes.push({ kind, tokens: items.flat() });
    }
  }
  settle();
  return slide(changes);
}

/** Of `<li>` [a `</li><li>`] b, what is gone is rather [`<li>` a `</li>`]: it is shown between what held it then. */
function slide(changes: TokenChange[]): TokenChange[] {
  const slid: TokenChange[] = [];
  for (const change of changes) {
    const before = slid.at(-1);
    let count = 0;
    if (change.kind === 'removed' && before?.kind === 'same') {
      const isMovable = (place: number) => {
        const token = change.tokens.at(place);
        return token?.tag?.kind === 'open' && token.tag.isBlock && token.key === before.tokens.at(place)?.key;
      };
      while (isMovable(-1 - count)) count++;
    }
    if (count === 0 || !before) {
      slid.push(change);
      continue;
    }
    const { kind, tokens } = change;
    const common = before.tokens.splice(-count);
    slid.push({ kind, tokens: [...tokens.slice(-count), ...tokens.slice(0, -count)] });
    slid.push({ kind: 'same', tokens: common });
  }
  return slid;
}

/** The change in plain text: what is same or added is the new text, what is same or removed the old one. */
export function diffPolicyTexts(from: string, to: string): TextChange[] {
  const changes: TextChange[] = [];
  for (const { kind, tokens } of diffPolicyTokens(from, to)) {
    const text = tokens.map(plainText).join('');
    const isBlank = text.trim() === '';
    if (text === '' || (isBlank && kind === 'removed')) continue;
    const shown = isBlank ? 'same' : kind;
    const last = changes.at(-1);
    if (last?.kind === shown) last.text += text;
    else changes.push({ kind: shown, text });
  }
  const tidy = changes.map(({ kind, text }) => ({ kind, text: text.replaceAll(/[^\S\n]*\n\s*/g, '\n') }));
  if (tidy[0]) tidy[0].text = tidy[0].text.trimStart();
  return tidy.filter(({ text }) => text !== '');
}

const keyOfBlock = (block: Token[]) => block.map(({ key }) => key).join(' ');

interface Run<T> {
  kind: ChangeKind;
  items: T[];
}

/** Runs of what is common and what is not; all of it replaced where more than `limit` differ. Common items are the new ones. */
function compare<T>(from: T[], to: T[], keyOf: (item: T) => string, limit: number): Run<T>[] {
  const fromKeys = from.map(keyOf);
  const toKeys = to.map(keyOf);
  const parts = diffArrays(fromKeys, toKeys, { maxEditLength: limit }) ?? [
    { added: false, removed: true, count: from.length },
    { added: true, removed: false, count: to.length },
  ];
  let old = 0;
  let now = 0;
  const runs = parts.map(({ added, removed, count }): Run<T> => {
    if (removed) return { kind: 'removed', items: from.slice(old, (old += count)) };
    if (!added) old += count;
    return { kind: added ? 'added' : 'same', items: to.slice(now, (now += count)) };
  });
  return runs.filter(({ items }) => items.length > 0);
}
