import helmet from '@fastify/helmet';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { ErrorFilter } from './common/error.filter.js';
import { NestLogger } from './common/logger.js';
import { addRequestHooks, requestIdOf } from './common/request-hooks.js';
import { DtoPipe } from './common/validation.pipe.js';
import type { Config } from './config/config.js';
import { setupDocs } from './docs.js';
import { HealthService } from './health/health.service.js';

const bodyLimitBytes = 100_000;

/** Builds the application as it is served: main.ts and the tests start here, so that both have the same one. */
export async function setupApp(
  module: DynamicModule,
  config: Config,
  logger: Logger,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: bodyLimitBytes,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 500 },
    trustProxy: (_address: string, hop: number) => hop < config.TRUST_PROXY,
    genReqId: requestIdOf,
    requestIdHeader: false,
    forceCloseConnections: 'idle',
    requestTimeout: 60_000,
    keepAliveTimeout: 72_000,
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  if (config.PATH_PREFIX) app.setGlobalPrefix(config.PATH_PREFIX);
  app.useGlobalPipes(new DtoPipe());
  app.useGlobalFilters(new ErrorFilter(config));
  const fastify = app.getHttpAdapter().getInstance();
  addRequestHooks(fastify, logger, app.get(HealthService).registry);
  closeKeepAliveWhenStopping(fastify, app.get(HealthService));
  acceptImportStream(fastify, config.PATH_PREFIX);
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    strictTransportSecurity: config.isProduction ? undefined : false,
  });
  setupDocs(app, config);
  return app;
}

/** The import's body is a stream of any size and is not parsed, whatever its content type says. */
function acceptImportStream(fastify: FastifyInstance, prefix: string): void {
  const streamType = 'application/x-import-stream';
  fastify.addContentTypeParser(streamType, (_request, payload, done) => done(null, payload));
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.url === `${prefix}/userconsents/import`)
      request.headers['content-type'] = streamType;
    else if (request.headers['content-type']?.startsWith(streamType))
      request.headers['content-type'] = 'application/x-unknown';
    done();
  });
}

function closeKeepAliveWhenStopping(fastify: FastifyInstance, health: HealthService): void {
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (health.isStopping) void reply.header('connection', 'close');
    done(null, payload);
  });
}
