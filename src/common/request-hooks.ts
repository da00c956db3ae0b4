import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Histogram, type Registry } from 'prom-client';

const requestId = /^[A-Za-z0-9-]{8,64}$/;

/** The caller's x-request-id when it has the right form, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && requestId.test(given) ? given : randomUUID();
}

/** Puts the request's id on its answer, and each request into log and metrics: by the route's pattern, never by its URL. */
export function addRequestHooks(fastify: FastifyInstance, logger: Logger, registry: Registry): void {
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from request to answer, by route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
    const labels = { method: request.method, route, status: String(reply.statusCode) };
    durations.observe(labels, reply.elapsedTime / 1000);
    logRequest(logger, request, route, reply.statusCode, reply.elapsedTime);
    done();
  });
}

function logRequest(
  logger: Logger,
  request: FastifyRequest,
  route: string,
  status: number,
  elapsedMs: number,
): void {
  const level = status >= 500 ? 'error' : status >= 400 ? 'info' : 'debug';
  if (!logger.isLevelEnabled(level)) return;
  const { principal } = request as { principal?: { clientId?: string; playerId?: string } };
  const player = (request.params as { userid?: string } | undefined)?.userid;
  logger[level]({
    reqId: request.id,
    method: request.method,
    route,
    status,
    ms: Math.round(elapsedMs * 10) / 10,
    ...(principal?.clientId && { client: principal.clientId }),
    ...(player && /^[A-Za-z0-9_-]{1,64}$/.test(player) && { player_id: player }),
  });
}
