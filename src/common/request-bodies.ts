import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from './errors.js';

const bodyTimeMs = 20_000;
/** No caller can send a header of this name: it is no token. */
const givenType = 'content-type as given';

/** Whether a request has a body, by its head. */
export function carriesBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** A body that trickles in holds a connection for ever; only what is as long as its file may take its time. */
export function limitBodyTime(fastify: FastifyInstance, streamedRoutes: readonly string[]): void {
  const timers = new WeakMap<object, NodeJS.Timeout>();
  const clear = (request: object) => clearTimeout(timers.get(request));
  fastify.addHook('onRequest', (request, reply, done) => {
    if (carriesBody(request) && !streamedRoutes.includes(request.routeOptions.url ?? '')) {
      const tooSlow = () => void reply.header('connection', 'close').send(new AppError('request_timeout'));
      timers.set(request, setTimeout(tooSlow, bodyTimeMs));
      reply.raw.once('close', () => clear(request));
    }
    done();
  });
  fastify.addHook('preValidation', (request, _reply, done) => {
    clear(request);
    done();
  });
}

/**
 * The bodies of these routes are streams of any size and are not parsed, whatever their content type says; what it said is
 * found again by `contentTypeOf`.
 */
export function acceptStreams(fastify: FastifyInstance, routes: readonly string[]): void {
  const isStreamed = (url: string | undefined) => url !== undefined && routes.includes(url);
  // Known to nobody outside, so that no other route can be made to take a stream for its body.
  const streamType = `application/x-stream-${randomUUID()}`;
  fastify.addContentTypeParser(streamType, (_request, payload, done) => done(null, payload));
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (isStreamed(request.routeOptions.url)) {
      request.headers[givenType] = request.headers['content-type'] ?? '';
      request.headers['content-type'] = streamType;
    }
    done();
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    // What is left of a file that nobody wants any more is not waited for.
    if (isStreamed(request.routeOptions.url) && !request.raw.complete)
      void reply.header('connection', 'close');
    done(null, payload);
  });
}

const urlencoded = /^application\/x-www-form-urlencoded\b/i;
const multipart = /^multipart\/form-data\b/i;

/** Which routes read forms, and in which of the two ways a form can be written. */
export interface FormRoutes {
  urlencoded: readonly string[];
  multipart: readonly string[];
}

/** Forms are for the routes that take them; every other route would read them as if they were JSON. */
export function acceptForms(fastify: FastifyInstance, routes: FormRoutes): void {
  fastify.addContentTypeParser(multipart, { parseAs: 'buffer' }, (request, body, done) => {
    parseMultipart(request.headers['content-type'] ?? '', body as Buffer).then(
      (form) => done(null, form),
      () => done(new AppError('malformed_body', 'the form cannot be read')),
    );
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    const type = request.headers['content-type'] ?? '';
    const url = request.routeOptions.url ?? '';
    const isRefused =
      (urlencoded.test(type) && !routes.urlencoded.includes(url)) ||
      (multipart.test(type) && !routes.multipart.includes(url));
    done(isRefused ? new AppError('unsupported_body') : undefined);
  });
}

/** As a urlencoded form is read: a text by its name, or a list of them where the name comes more than once. Files are left out. */
async function parseMultipart(type: string, body: Buffer): Promise<Record<string, string | string[]>> {
  const form = await new Response(body, { headers: { 'content-type': type } }).formData();
  const fields = Object.create(null) as Record<string, string | string[]>;
  for (const name of new Set(form.keys())) {
    const values = form.getAll(name).filter((value): value is string => typeof value === 'string');
    const [first] = values;
    if (first !== undefined) fields[name] = values.length === 1 ? first : values;
  }
  return fields;
}

/** What a streamed body says it is: the media type alone, in small letters; empty when it says nothing. */
export function contentTypeOf(request: FastifyRequest): string {
  return (String(request.headers[givenType] ?? '').split(';', 1)[0] ?? '').trim().toLowerCase();
}
