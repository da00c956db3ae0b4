import { styleText } from 'node:util';
import type { TextChange } from '../consents/policies/policy-diff.js';

interface Line {
  sign: '+' | '-' | ' ';
  text: string;
}

/** What changed, line by line, each change with the line before it and the line after it. */
export function toChangedLines(changes: readonly TextChange[], isColoured: boolean): string {
  const lines = toLines(changes);
  const isChanged = (index: number) => (lines[index]?.sign ?? ' ') !== ' ';
  const shown = lines.map((_line, index) => [index - 1, index, index + 1].some(isChanged));
  const printed = lines.flatMap(({ sign, text }, index) => {
    if (!shown[index]) return shown[index - 1] ? ['…'] : [];
    const line = `${sign} ${text}`;
    if (!isColoured || sign === ' ') return [line];
    return [styleText(sign === '+' ? 'green' : 'red', line)];
  });
  if (!lines.some((_line, index) => isChanged(index))) return 'no word has changed';
  return (shown[0] ? printed : ['…', ...printed]).join('\n');
}

/** Old and new lines, side by side where they begin and end together. */
function toLines(changes: readonly TextChange[]): Line[] {
  const lines: Line[] = [];
  let older = '';
  let newer = '';
  const settle = () => {
    const [before, after] = [older, newer].map((text) =>
      text.split('\n').filter((line) => line.trim() !== ''),
    );
    if (older === newer) lines.push(...(after ?? []).map((text): Line => ({ sign: ' ', text })));
    else {
      lines.push(...(before ?? []).map((text): Line => ({ sign: '-', text: text.trim() })));
      lines.push(...(after ?? []).map((text): Line => ({ sign: '+', text: text.trim() })));
    }
    older = '';
    newer = '';
  };
  for (const { kind, text } of changes) {
    for (const piece of text.split(/(?<=\n)/)) {
      if (kind !== 'added') older += piece;
      if (kind !== 'removed') newer += piece;
      if (kind === 'same' && piece.endsWith('\n')) settle();
    }
  }
  settle();
  return lines;
}
