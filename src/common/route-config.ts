// eslint-disable-next-line no-restricted-imports -- this is what stands in for it
import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { FastifyContextConfig, FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether anybody may call the route, as `@Public()` says: for what is decided before Nest's guard. */
    isPublic?: boolean;
    /** How many bytes its body may have, where that is not what all others' may. */
    maxBodyBytes?: number;
    /** Methods that do the same and are not documented. */
    alternateVerbs?: string[];
  }
}

/** What Fastify and its plugins shall know of a route. Nest's own RouteConfig forgets what another decorator said; this one keeps it. */
export function AddRouteConfig(config: Partial<FastifyContextConfig>): MethodDecorator {
  return (target, key, descriptor: PropertyDescriptor) => {
    const handler = descriptor.value as object;
    const known = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, handler) as object | undefined;
    RouteConfig({ ...known, ...config })(target, key, descriptor);
  };
}

/** Lets the routes that say so take longer bodies than the others; to be called before there are any. */
export function allowLongBodies(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    const maxBodyBytes = route.config?.maxBodyBytes;
    if (maxBodyBytes !== undefined) route.bodyLimit = maxBodyBytes;
  });
}

/** The route answers these methods in the same way; its document names its own alone. */
export const AlternateVerbs = (...verbs: string[]): MethodDecorator =>
  AddRouteConfig({ alternateVerbs: verbs });

/** Adds a route for each alternate verb; to be called before there are any. */
export function answerAlternateVerbs(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', ({ config, ...route }) => {
    const { alternateVerbs: verbs, ...others } = config ?? {};
    if (verbs) for (const method of verbs) fastify.route({ ...route, method, config: others });
  });
}
