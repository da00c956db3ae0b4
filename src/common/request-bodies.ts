import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { AppError } from './errors.js';

const bodyTimeMs = 20_000;

/** A body that trickles in holds a connection for ever; only the import, which is as long as its file, may take its time. */
export function limitBodyTime(fastify: FastifyInstance, unlimitedRoute: string): void {
  const timers = new WeakMap<object, NodeJS.Timeout>();
  const clear = (request: object) => clearTimeout(timers.get(request));
  fastify.addHook('onRequest', (request, reply, done) => {
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
    if (hasBody && request.routeOptions.url !== unlimitedRoute) {
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

/** The import's body is a stream of any size and is not parsed, whatever its content type says. */
export function acceptImportStream(fastify: FastifyInstance, importRoute: string): void {
  // Known to nobody outside, so that no other route can be made to take a stream for its body.
  const streamType = `application/x-import-${randomUUID()}`;
  fastify.addContentTypeParser(streamType, (_request, payload, done) => done(null, payload));
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.url === importRoute) request.headers['content-type'] = streamType;
    done();
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    // What is left of a refused file is not waited for.
    if (request.routeOptions.url === importRoute && reply.statusCode >= 400)
      void reply.header('connection', 'close');
    done(null, payload);
  });
}
