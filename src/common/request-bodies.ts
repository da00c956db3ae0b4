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

/** Forms are for the one route that takes them; Nest would have every other route read them as if they were JSON. */
export function refuseForms(fastify: FastifyInstance, formRoute: string): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '');
    done(isForm && request.routeOptions.url !== formRoute ? new AppError('unsupported_body') : undefined);
  });
}

/** What a streamed body says it is: the media type alone, in small letters; empty when it says nothing. */
export function contentTypeOf(request: FastifyRequest): string {
  return (String(request.headers[givenType] ?? '').split(';', 1)[0] ?? '').trim().toLowerCase();
}
