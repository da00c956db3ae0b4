import { isUtf8 } from 'node:buffer';
import { AppError } from './errors.js';

const maxDepth = 32;
const escapedNul = /(?<!\\)(?:\\\\)*\\u0000/;
const highHalf = '\\\\u[dD][89abAB][0-9a-fA-F]{2}';
const lowHalf = '\\\\u[dD][c-fC-F][0-9a-fA-F]{2}';
/** Half a character outside the basic plane: PostgreSQL would keep another text than the one that was sent. */
const loneHalf = new RegExp(`(?<!\\\\)(?:\\\\\\\\)*(?:${highHalf}(?!${lowHalf})|(?<!${highHalf})${lowHalf})`);

/**
 * Parses a JSON body as strictly as a ledger needs it: UTF-8, no key twice, no NUL, at most 32 levels deep, no `__proto__`.
 * Throws malformed_body.
 */
export function parseJsonBody(body: Buffer): unknown {
  if (!isUtf8(body)) throw new AppError('malformed_body', 'the body is not valid UTF-8');
  const text = body.toString('utf8');
  if (escapedNul.test(text)) throw new AppError('malformed_body', 'the body holds a NUL character');
  if (loneHalf.test(text)) throw new AppError('malformed_body', 'the body holds half a surrogate pair');
  refuseAmbiguity(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new AppError('malformed_body');
  }
}

/** Walks over the text without building anything, so that depth and keys are judged before the parser recurses. */
function refuseAmbiguity(text: string): void {
  const keys: (Set<string> | null)[] = [];
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '"') {
      const end = endOfString(text, index);
      const own = keys.at(-1);
      if (own && nextCharacter(text, end + 1) === ':') refuseKey(own, text.slice(index, end + 1));
      index = end;
    } else if (character === '{' || character === '[') {
      if (keys.push(character === '{' ? new Set() : null) > maxDepth) {
        throw new AppError('malformed_body', `the body is nested deeper than ${maxDepth} levels`);
      }
    } else if (character === '}' || character === ']') keys.pop();
  }
}

function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === '\\') index++;
    else if (text[index] === '"') return index;
  }
  throw new AppError('malformed_body');
}

function nextCharacter(text: string, from: number): string | undefined {
  let index = from;
  while (text[index] === ' ' || text[index] === '\n' || text[index] === '\r' || text[index] === '\t') index++;
  return text[index];
}

function refuseKey(known: Set<string>, quoted: string): void {
  const key = quoted.includes('\\') ? unescape(quoted) : quoted.slice(1, -1);
  if (key === '__proto__') throw new AppError('malformed_body', 'the key __proto__ is not taken');
  if (known.has(key))
    throw new AppError('malformed_body', `the key ${JSON.stringify(key.slice(0, 64))} comes twice`);
  known.add(key);
}

function unescape(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new AppError('malformed_body');
  }
}
