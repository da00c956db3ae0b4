import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { apiDocument, findRoute, type JsonSchema } from './api-document.js';
import type { HttpAnswer } from './http.js';
import { isCrmPath, isGatewayPath, isLinkPath } from './routes.js';
import { environmentName } from './test-database.js';

/** An object that names its properties takes no others, whatever the document leaves open. */
function close(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(close);
  if (typeof schema !== 'object' || schema === null) return schema;
  const closed = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, close(value)]));
  if ('properties' in closed && closed.additionalProperties === undefined)
    closed.additionalProperties = false;
  return closed;
}

function movedReferences<T>(schema: T): T {
  return JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', 'document#/$defs/')) as T;
}

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
addFormats.default(ajv);
ajv.addVocabulary(['example']);
ajv.addSchema({
  $id: 'document',
  $defs: close(movedReferences(apiDocument.components.schemas)) as JsonSchema,
});

const validators = new Map<string, ValidateFunction>();

function validatorOf(schema: JsonSchema): ValidateFunction {
  const closed = close(movedReferences(schema)) as JsonSchema;
  const key = JSON.stringify(closed);
  const validator = validators.get(key) ?? ajv.compile(closed);
  validators.set(key, validator);
  return validator;
}

const text = { type: 'string', minLength: 1 };

function objectOf(
  properties: Record<string, JsonSchema>,
  optional: Record<string, JsonSchema> = {},
): JsonSchema {
  return { type: 'object', properties: { ...properties, ...optional }, required: Object.keys(properties) };
}

const errorAndCode = objectOf({ error: text, code: { type: 'integer' } });
const fieldErrors = { type: 'array', minItems: 1, items: objectOf({ field: text, message: text }) };
const problemDetails = objectOf(
  { type: text, title: text, status: { type: 'integer' }, detail: text, instance: text },
  { errors: fieldErrors },
);

/** One of the gateway's words for what is wrong; each route's document says which. */
const gatewayError = { type: 'object', minProperties: 1 };

/** The family's error body, for whatever answers an error: also where no route is documented. */
function errorSchemaOf(path: string): { contentType: string; schema: JsonSchema } {
  if (isGatewayPath(path)) return { contentType: 'application/json', schema: gatewayError };
  const isCrmOrOAuth = isCrmPath(path) || /^\/oauth(\/|\?|$)/.test(path);
  return isCrmOrOAuth
    ? { contentType: 'application/json', schema: errorAndCode }
    : { contentType: 'application/problem+json', schema: problemDetails };
}

const pageSchema = { contentType: 'text/html', schema: { type: 'string', pattern: '^<!DOCTYPE html>' } };

/** Whether people read what is answered, also when there is nothing. Where programs may, too, it depends on what they asked for. */
function isPage(method: string, path: string, { status, headers }: HttpAnswer): boolean {
  const isGetOrPost = /^(GET|POST)$/.test(method);
  if (isGetOrPost && isLinkPath(path) && (status === 400 || status === 422))
    return headers['content-type']?.startsWith('text/html') ?? false;
  if (status !== 404) return false;
  return (
    (method === 'GET' && /^\/policies\/[^/?]+/.test(path)) ||
    (isGetOrPost && /^\/unsubscribe\/[^/?]+/.test(path))
  );
}

const seen = new Set<string>();

function remember(line: string): void {
  const folder = process.env[environmentName.seenDir];
  if (!folder || seen.has(line)) return;
  seen.add(line);
  appendFileSync(join(folder, `${process.pid}.txt`), `${line}\n`);
}

function requireValid(what: string, schema: JsonSchema, answer: HttpAnswer): void {
  const validate = validatorOf(schema);
  const isJson = /json/.test(answer.headers['content-type'] ?? '');
  if (validate(isJson ? JSON.parse(answer.text) : answer.text)) return;
  const problems = ajv.errorsText(validate.errors, { dataVar: 'body' });
  throw new Error(`${what} answered what openapi.json does not describe: ${problems}\n${answer.text}`);
}

/** Answers that any route may give when something is wrong behind it: they need no line of their own in the document. */
const unforeseen = new Set([500, 503]);

/**
 * Holds an answer against openapi.json and takes note of it for the count at the end of the run. Throws for an operation,
 * status, content type or body that the document does not describe. With `offDocument` the request is none of the
 * document's, and only the common rules are checked.
 */
export function checkAnswer(method: string, path: string, answer: HttpAnswer, offDocument: boolean): void {
  const what = `${method} ${path} → ${answer.status}`;
  if (!/^[A-Za-z0-9-]{8,64}$/.test(String(answer.headers['x-request-id'] ?? '')))
    throw new Error(`${what} has no x-request-id`);
  const contentType = answer.headers['content-type']?.split(';', 1)[0] ?? '';
  if (answer.status >= 400 && answer.text !== '' && !(answer.status === 503 && path.startsWith('/health'))) {
    const expected = isPage(method, path, answer) ? pageSchema : errorSchemaOf(path);
    if (contentType !== expected.contentType)
      throw new Error(`${what} is ${contentType}, not ${expected.contentType}`);
    requireValid(what, expected.schema, answer);
  }
  if (offDocument) return;
  const route = findRoute(method, path);
  if (!route) throw new Error(`${what}: openapi.json has no such operation`);
  const documented = route.operation.responses[answer.status];
  if (!documented) {
    if (unforeseen.has(answer.status)) return;
    throw new Error(`${what}: openapi.json does not name this status\n${answer.text}`);
  }
  const { content } = documented;
  if (!content) {
    if (answer.text !== '') throw new Error(`${what} has a body, and openapi.json names none`);
  } else {
    const media = content[contentType];
    if (!media) throw new Error(`${what} is ${contentType}, which openapi.json does not name`);
    requireValid(what, media.schema, answer);
  }
  remember(`${route.name} ${answer.status}`);
}
