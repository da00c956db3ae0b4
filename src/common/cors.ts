import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
  RouteOptions,
} from 'fastify';
import { withoutPrefix } from './dialects.js';
import { hostOfOrigin } from './web-origin.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Keeps @fastify/cors away from a route, headers and all. */
    cors?: false;
  }
}

const answerHeaders: FastifyCorsOptions = {
  origin: true,
  allowedHeaders: ['content-type', 'x-auth-token', '2fa-auth-token', 'idempotency-key'],
  exposedHeaders: ['Link', 'ETag', 'Content-Language', 'Retry-After', 'x-request-id'],
  maxAge: 600,
};

/**
 * Answers CORS on the public routes under /api and on all of /gateway, to pages whose host `isKnownHost` knows. Every
 * other route, and every other page, is answered as if there were no CORS.
 */
export function answerCors(
  fastify: FastifyInstance,
  prefix: string,
  isKnownHost: (host: string) => Promise<boolean>,
): void {
  /** The methods that pages may use, by the route's pattern. */
  const openMethods = new Map<string, Set<string>>();
  /** Closed routes, as `GET /path`: a preflight for one may lead to an open route with a parameter in that place. */
  const closedRoutes = new Set<string>();
  fastify.addHook('onRoute', (route) => {
    const isPreflight = route.method === 'OPTIONS' && openMethods.has(route.url);
    const isOpen = route.method !== 'OPTIONS' && isForPages(route, prefix);
    if (!isPreflight && !isOpen) route.config = { ...route.config, cors: false };
    if (!isOpen) {
      for (const method of [route.method].flat()) closedRoutes.add(`${method} ${route.url}`);
      return;
    }
    const methods = openMethods.get(route.url) ?? new Set();
    for (const method of [route.method].flat()) methods.add(method);
    if (openMethods.has(route.url)) return;
    openMethods.set(route.url, methods);
    fastify.options(route.url, answerNotFound);
  });

  const optionsOf = async (request: FastifyRequest): Promise<FastifyCorsOptions> => {
    const methods = openMethods.get(request.routeOptions.url ?? '');
    const isOpen = methods ? isOpenTo(request, methods, closedRoutes) : isGateway(request.url, prefix);
    const host = hostOfOrigin(request.headers.origin ?? '');
    if (!isOpen || host === null || !(await isKnownHost(host))) return { origin: false };
    return { ...answerHeaders, methods: [...(methods ?? [])] };
  };
  // Now and not when Fastify loads its plugins, so that refusals of later hooks carry the headers as well.
  cors(forPages(fastify), { delegator: optionsOf }, () => undefined);
}

/** The instance, whose hooks leave alone what comes from no page: by far the most requests, which shall not pay for the others. */
function forPages(fastify: FastifyInstance): FastifyInstance {
  const addHook = (name: 'onRequest', hook: onRequestHookHandler) =>
    fastify.addHook(name, function (request, reply, done) {
      if (request.headers.origin !== undefined) return hook.call(this, request, reply, done);
      if (request.routeOptions.config.cors !== false) void reply.header('vary', 'Origin');
      done();
    });
  return new Proxy(fastify, {
    get: (target, name) => (name === 'addHook' ? addHook : Reflect.get(target, name, target)) as unknown,
  });
}

function isForPages({ url, config }: RouteOptions, prefix: string): boolean {
  return isGateway(url, prefix) || (config?.isPublic === true && /^\/api\//.test(withoutPrefix(url, prefix)));
}

function isGateway(url: string, prefix: string): boolean {
  return /^\/gateway(\/|$)/.test(withoutPrefix(url.split('?', 1)[0] ?? '', prefix));
}

/** A preflight is answered for the methods that are open and no others: a closed one may share the path. */
function isOpenTo(
  { method, headers, url }: FastifyRequest,
  methods: Set<string>,
  closed: Set<string>,
): boolean {
  if (method !== 'OPTIONS') return true;
  const wanted = headers['access-control-request-method'] ?? '';
  const path = (url.split('?', 1)[0] ?? '').replace(/\/$/, '');
  return methods.has(wanted) && !closed.has(`${wanted} ${path}`);
}

/** What is an OPTIONS and no preflight that may be answered. */
function answerNotFound(_request: FastifyRequest, reply: FastifyReply): void {
  reply.callNotFound();
}
