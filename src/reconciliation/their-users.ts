import type { Readable } from 'node:stream';
import { JSONParser, type ParsedTokenInfo, TokenType } from '@streamparser/json';
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
/** Characters; no more than so many, and the piece of the body they came with, are ever kept of one entry. */
const longestEntry = 100_000;
/** The document, its users, one user's products. */
const deepest = 3;

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
  const parser = new JSONParser({ paths: ['$.users.*', '$.error'], keepStack: false });
  const shape = new DocumentShape();
  let batch: TheirUser[] = [];
  let isBroken = false;
  let unread = 0;
  parser.onToken = (token) => shape.take(token);
  parser.onValue = ({ value, key, stack }) => {
    unread = 0;
    if (stack.length === 1) isBroken = true;
    else batch.push(hasProducts ? toUser(key, value, true) : toUser(value, undefined, false));
  };
  for await (const text of textOf(input)) {
    unread += text.length;
    feed(parser, text);
    if (unread > longestEntry) throw new AppError('malformed_body', 'an entry of the body is far too long');
    yield batch;
    batch = [];
  }
  if (!parser.isEnded) throw new AppError('malformed_body', 'the body ends before its document does');
  if (isBroken) throw invalidField('error', 'error: the document says of itself that players are missing');
  if (shape.users !== (hasProducts ? 'object' : 'array')) {
    const expected = hasProducts ? 'an object of products by id' : 'an array of ids';
    throw invalidField('users', `users must be ${expected}; an empty one says that there are none`);
  }
  yield batch;
}

/** What the parser does not tell: how deep the document is, and what `users` is, also when it is empty. */
class DocumentShape {
  users: 'object' | 'array' | 'other' | null = null;
  private depth = 0;
  private isKeyNext = false;
  private isUsersNext = false;

  /** Throws malformed_body for what no list of users is like. */
  take({ token, value }: ParsedTokenInfo): void {
    if (token === TokenType.COLON) return;
    if (this.isUsersNext) {
      this.users =
        token === TokenType.LEFT_BRACE ? 'object' : token === TokenType.LEFT_BRACKET ? 'array' : 'other';
      this.isUsersNext = false;
    } else if (this.depth === 1 && this.isKeyNext && token === TokenType.STRING) this.takeKey(value);
    if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) this.depth++;
    else if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) this.depth--;
    if (this.depth > deepest)
      throw new AppError('malformed_body', 'the body is nested too deep for a list of users');
    this.isKeyNext = this.depth === 1 && (token === TokenType.LEFT_BRACE || token === TokenType.COMMA);
  }

  private takeKey(key: unknown): void {
    if (key !== 'users') return;
    if (this.users !== null) throw new AppError('malformed_body', 'the key "users" comes twice');
    this.isUsersNext = true;
  }
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
