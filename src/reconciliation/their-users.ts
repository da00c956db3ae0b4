import type { Readable } from 'node:stream';
import { JSONParser } from '@streamparser/json';
import { AppError, invalidField } from '../common/errors.js';

export type UsersFormat = 'json' | 'ndjson';

/** A player in the caller's own list. */
export interface TheirUser {
  id: string;
  /** Null in a list without products. */
  products: string[] | null;
}

const longestId = 200;
const longestLine = 100_000;

/**
 * Reads the caller's users in batches, as fast as they are taken: the documents that the reconciliation routes answer, or NDJSON
 * with an id or `{"id":…,"products":[…]}` a line. Rejects with malformed_body or invalid_input; nothing may be done then with
 * what was read.
 */
export function readTheirUsers(
  input: Readable,
  format: UsersFormat,
  hasProducts: boolean,
): AsyncGenerator<TheirUser[]> {
  return format === 'json' ? readDocument(input, hasProducts) : readLines(input, hasProducts);
}

async function* readDocument(input: Readable, hasProducts: boolean): AsyncGenerator<TheirUser[]> {
  const parser = new JSONParser({ paths: ['$.users.*', '$.users', '$.error'], keepStack: false });
  let batch: TheirUser[] = [];
  let users: unknown;
  let isBroken = false;
  parser.onValue = ({ value, key, stack }) => {
    if (stack.length === 1 && key === 'users') users = value;
    else if (stack.length === 1) isBroken = true;
    else batch.push(hasProducts ? toUser(key, value, true) : toUser(value, undefined, false));
  };
  for await (const text of textOf(input)) {
    feed(parser, text);
    yield batch;
    batch = [];
  }
  if (!parser.isEnded) throw new AppError('malformed_body', 'the body ends before its document does');
  if (isBroken) throw invalidField('error', 'error: the document says of itself that players are missing');
  if (typeof users !== 'object' || users === null || Array.isArray(users) === hasProducts) {
    const shape = hasProducts ? 'an object of products by id' : 'an array of ids';
    throw invalidField('users', `users must be ${shape}; an empty one says that there are none`);
  }
  yield batch;
}

/** The input as text; no character is in two pieces. */
async function* textOf(input: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (error) {
    const isBadText = (error as { code?: unknown }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
    throw new AppError('malformed_body', isBadText ? 'the body is not valid UTF-8' : 'the body broke off');
  }
}

function feed(parser: JSONParser, text: string): void {
  try {
    parser.write(text);
  } catch (error) {
    throw error instanceof AppError ? error : new AppError('malformed_body');
  }
}

async function* readLines(input: Readable, hasProducts: boolean): AsyncGenerator<TheirUser[]> {
  let rest = '';
  let line = 0;
  for await (const text of textOf(input)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) throw new AppError('invalid_input', `line ${line + 1} is far too long`);
    yield lines.flatMap((text) => parseLine(text, ++line, hasProducts));
  }
  yield parseLine(rest, ++line, hasProducts);
  if (line === 1 && rest.trim() === '')
    throw new AppError(
      'malformed_body',
      'the body is empty: {"users":[]} as application/json says that there are none',
    );
}

function parseLine(text: string, line: number, hasProducts: boolean): TheirUser[] {
  if (text.trim() === '') return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AppError('malformed_body', `line ${line} is not JSON`);
  }
  if (typeof value !== 'object' || value === null) return [toUser(value, undefined, hasProducts)];
  const { id, products } = value as { id?: unknown; products?: unknown };
  return [toUser(id, products, hasProducts)];
}

function toUser(id: unknown, products: unknown, hasProducts: boolean): TheirUser {
  if (typeof id !== 'string' || id === '' || id.length > longestId || id.includes('\0')) {
    throw invalidField('users', `users: an id must be a string of 1 to ${longestId} characters`);
  }
  if (!hasProducts) return { id, products: null };
  if (!Array.isArray(products) || !products.every((name) => typeof name === 'string')) {
    throw invalidField('users', 'users: the products of a player must be an array of names');
  }
  return { id, products };
}
