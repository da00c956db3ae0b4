import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from './errors.js';
import { callerNetwork } from './ip-address.js';
import { AddRouteConfig } from './route-config.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    isLimitedPerAddress?: true;
  }
}

const windowMs = 60_000;
/** Beyond them the one that has been quiet longest is forgotten: 50,000 take up to 17 MB. */
const rememberedAddresses = 50_000;
const noHeaders = {
  'x-ratelimit-limit': false,
  'x-ratelimit-remaining': false,
  'x-ratelimit-reset': false,
};

/** This route counts towards the requests that an address may send to open routes in a minute; beyond them it answers 429. */
export const LimitPerAddress = (): MethodDecorator => AddRouteConfig({ isLimitedPerAddress: true });

/** Counts the requests of each address over all routes with LimitPerAddress, in this instance's memory. */
export async function limitRatePerAddress(
  fastify: FastifyInstance,
  requestsPerMinute: number,
): Promise<void> {
  await fastify.register(rateLimit, {
    global: false,
    max: requestsPerMinute,
    timeWindow: windowMs,
    cache: rememberedAddresses,
    keyGenerator: (request: FastifyRequest) => callerNetwork(request.ip),
    addHeaders: { ...noHeaders, 'retry-after': false },
    addHeadersOnExceeding: noHeaders,
    errorResponseBuilder: (_request, { ttl }) =>
      new AppError('too_many_requests', undefined, [], { retryAfterSeconds: Math.ceil(ttl / 1000) }),
  });
  // The plugin's own `config.rateLimit` would give every route a bucket of its own.
  const limit = fastify.rateLimit();
  fastify.addHook('onRoute', (route) => {
    if (route.config?.isLimitedPerAddress) route.onRequest = [route.onRequest ?? [], limit].flat();
  });
}
