import type { FastifyInstance, FastifyRequest, preParsingHookHandler, RequestPayload } from 'fastify';
import { AppError, invalidField } from './errors.js';
import { parseJsonBody } from './json-body.js';
import { carriesBody } from './request-bodies.js';

const json = /^application\/json[ \t]*(;|$)/i;

/**
 * GET on these routes takes a JSON object with the keys of its query, which most clients refuse to send and some documents
 * print. What it says is put into the query, so that handlers and validation see one set of parameters. Routes are told
 * by their patterns. How long a body may take is limitBodyTime's.
 */
export function acceptQueryBodies(
  fastify: FastifyInstance,
  isSuchRoute: (url: string | undefined) => boolean,
): void {
  // Fastify parses no body of GET, and could be told to for all routes only.
  fastify.addHook('onRoute', (route) => {
    const isRead = [route.method].flat().some((method) => method === 'GET' || method === 'HEAD');
    if (isRead && isSuchRoute(route.url)) route.preParsing = [route.preParsing ?? [], readQueryBody].flat();
  });
}

const readQueryBody: preParsingHookHandler = (request, reply, payload, done) => {
  if (!carriesBody(request)) {
    done();
    return;
  }
  readObject(request, payload)
    .then((body) => completeQuery(request.query as object, body))
    .then(
      (query) => {
        request.query = query;
        done();
      },
      (error: Error) => {
        // What is left of the body is not waited for.
        if (!request.raw.complete) void reply.header('connection', 'close');
        done(error);
      },
    );
};

async function readObject(request: FastifyRequest, payload: RequestPayload): Promise<object> {
  if (!json.test(request.headers['content-type'] ?? '')) throw new AppError('unsupported_body');
  const { bodyLimit } = request.routeOptions;
  if (Number(request.headers['content-length']) > bodyLimit) throw new AppError('body_too_large');
  const bytes = await readBytes(payload, bodyLimit);
  const body = bytes.length === 0 ? {} : parseJsonBody(bytes);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('malformed_body', 'the body must be a JSON object');
  }
  return body;
}

/** Not by iteration: that would destroy the stream, and the connection with it, before the answer could be given. */
function readBytes(payload: RequestPayload, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (error?: AppError) => {
      payload.off('data', take).off('end', settle).off('error', breakOff).off('close', breakOff).pause();
      if (error) reject(error);
      else resolve(Buffer.concat(chunks));
    };
    const take = (chunk: Buffer) => {
      length += chunk.length;
      if (length > limit) settle(new AppError('body_too_large'));
      else chunks.push(chunk);
    };
    const breakOff = () => settle(new AppError('malformed_body', 'the body broke off'));
    payload.on('data', take).on('end', settle).on('error', breakOff).on('close', breakOff);
  });
}

function completeQuery(query: object, body: object): object {
  // Without a prototype, so that no key is there before it is given.
  const complete = Object.assign(Object.create(null), query) as Record<string, unknown>;
  for (const [key, value] of Object.entries(body) as [string, unknown][]) {
    if (value === null) continue;
    const text = textOf(value);
    const name = key.slice(0, 64);
    if (text === null)
      throw invalidField(name, `${name} must be a text, a number that is kept exactly, or a boolean`);
    if (complete[key] !== undefined && complete[key] !== text) {
      throw invalidField(name, `${name} is given twice, in the query and in the body, with different values`);
    }
    complete[key] = text;
  }
  return complete;
}

/** What would stand in a query; null for what could not. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  // Beyond, the parser has already made another number of it.
  return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? String(value) : null;
}
