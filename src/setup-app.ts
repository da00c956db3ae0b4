import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { BrandHosts } from './brands/brand-hosts.js';
import { answerCors } from './common/cors.js';
import { withoutPrefix } from './common/dialects.js';
import { answerUnreadable, answerUnrouted } from './common/early-errors.js';
import { ErrorFilter } from './common/error.filter.js';
import { parseJsonBody } from './common/json-body.js';
import { NestLogger } from './common/logger.js';
import { acceptQueryBodies } from './common/query-bodies.js';
import { limitRatePerAddress } from './common/rate-limit.js';
import { addRequestHooks, requestIdOf } from './common/request-hooks.js';
import { acceptForms, acceptStreams, limitBodyTime } from './common/request-bodies.js';
import { allowLongBodies, answerAlternateVerbs } from './common/route-config.js';
import { setSecurityHeaders } from './common/security-headers.js';
import { DtoPipe } from './common/validation.pipe.js';
import type { Config } from './config/config.js';
import { setupDocs } from './docs-page.js';
import { HealthService } from './health/health.service.js';
import { answerHotTexts, HotPolicyTexts } from './policy-consent/hot-policy-texts.js';

const bodyLimitBytes = 100_000;
/** What the buttons of mailed links' pages send. */
const linkForms = ['verify/email', 'cancel/email', 'verify/password'].map(
  (route) => `/gateway/admission/:version/${route}/:brand_id`,
);
/** As long as Node takes a head to be: what is too long for an id is its route's to refuse, in the route's own words. */
const longestParam = 16_384;
const queryBodyRoutes = /^\/api\/(universalconsent|policyconsent)(\/|$)/;

/** Builds the application as it is served: main.ts and the tests start here, so that both have the same one. */
export async function setupApp(
  module: DynamicModule,
  config: Config,
  logger: Logger,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: bodyLimitBytes,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: longestParam },
    trustProxy: (_address: string, hop: number) => hop < config.TRUST_PROXY,
    genReqId: requestIdOf,
    requestIdHeader: false,
    forceCloseConnections: 'idle',
    keepAliveTimeout: 72_000,
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) =>
      answerUnrouted(request.url, config.PATH_PREFIX, reply),
    clientErrorHandler: answerUnreadable,
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  if (config.PATH_PREFIX) app.setGlobalPrefix(config.PATH_PREFIX);
  app.useGlobalPipes(new DtoPipe());
  app.useGlobalFilters(new ErrorFilter(config));
  const fastify = app.getHttpAdapter().getInstance();
  const withPrefix = (path: string) => config.PATH_PREFIX + path;
  const streamedRoutes = ['/userconsents/import', '/userconsents/withdraw', '/reconciliation/compare'].map(
    withPrefix,
  );
  addRequestHooks(fastify, logger, app.get(HealthService).registry);
  followRequests(fastify, app.get(HealthService));
  setSecurityHeaders(fastify, config.isProduction);
  const hosts = app.get(BrandHosts);
  answerCors(fastify, config.PATH_PREFIX, async (host) => (await hosts.findByHost(host)) !== null);
  app.useBodyParser('application/json', { bodyLimit: bodyLimitBytes }, (_request, text, done) => {
    try {
      done(null, parseJsonBody(text));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
  allowLongBodies(fastify);
  answerAlternateVerbs(fastify);
  acceptStreams(fastify, streamedRoutes);
  acceptForms(fastify, {
    urlencoded: ['/oauth/token', '/unsubscribe/:token', ...linkForms].map(withPrefix),
    multipart: ['/unsubscribe/:token'].map(withPrefix),
  });
  limitBodyTime(fastify, streamedRoutes);
  acceptQueryBodies(fastify, (url) => queryBodyRoutes.test(withoutPrefix(url ?? '', config.PATH_PREFIX)));
  await limitRatePerAddress(fastify, config.PUBLIC_RATE_LIMIT);
  answerHotTexts(fastify, config.PATH_PREFIX, app.get(HotPolicyTexts));
  setupDocs(app, config);
  return app;
}

/** Counts the requests under way, and closes kept connections once the service is stopping. */
function followRequests(fastify: FastifyInstance, health: HealthService): void {
  fastify.addHook('onRequest', (_request, reply, done) => {
    health.requestsUnderWay++;
    reply.raw.once('close', () => {
      health.requestsUnderWay--;
    });
    done();
  });
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (health.isStopping) void reply.header('connection', 'close');
    done(null, payload);
  });
}
