import 'reflect-metadata';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { AppModule } from './app.module.js';
import { createLogger } from './common/logger.js';
import { type Config, ConfigError, readConfig } from './config/config.js';
import { type OpenDatabase, openDatabase, prepareSchema } from './database/open-database.js';
import { seedDemoData } from './demo-data.js';
import { HealthService } from './health/health.service.js';
import { startOpsServer } from './ops-server.js';
import { setupApp } from './setup-app.js';

const exitConfig = 78;
const drainLimitMs = 30_000;

async function main(): Promise<void> {
  const config = readConfig();
  config.runsDeliveries = true;
  const logger = createLogger(config.LOG_LEVEL, config.LOG_FORMAT);
  const database = await openDatabase(config, (line) => logger.warn(line));
  try {
    const applied = await prepareSchema(config, database);
    if (applied.length > 0) logger.info(`database migrated: ${applied.join(', ')}`);
    const app = await setupApp(AppModule.forRoot(config, database.url), config, logger);
    if (!config.isProduction) await seedDemoData(app);
    const stopOps = config.OPS_PORT === undefined ? async () => undefined : await startOpsServer(app, config);
    await app.listen(config.PORT, config.HOST);
    announce(config, await app.getUrl());
    stopOnSignal(config, logger, app, database, stopOps);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** What a person needs to know to try it. */
function announce(config: Config, url: string): void {
  const base = url + config.PATH_PREFIX;
  if (config.isProduction) {
    process.stdout.write(`player-consent is ready on ${base}\n`);
    return;
  }
  process.stdout.write(`
  Player Consent is ready on ${base}

  API reference   ${base}/docs
  Token to try    x-auth-token: ${config.DEMO_SERVICE_KEY}

  curl -H 'x-auth-token: ${config.DEMO_SERVICE_KEY}' ${base}/userconsents/1001

  Ctrl-C stops it.${config.embedded ? ` Data stays in ${config.DATA_DIR}.` : ''}

`);
}

/** Not ready first, so that a balancer looks elsewhere; then no new connections; then what is under way ends; then the rest. */
function stopOnSignal(
  config: Config,
  logger: Logger,
  app: NestFastifyApplication,
  database: OpenDatabase,
  stopOps: () => Promise<void>,
): void {
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    app.get(HealthService).stop();
    logger.info('stopping: not ready from now on');
    const limit = setTimeout(() => {
      logger.error('requests under way did not end in time');
      void database.close().finally(() => process.exit(1));
    }, config.SHUTDOWN_GRACE_MS + drainLimitMs);
    await new Promise((resolve) => setTimeout(resolve, config.SHUTDOWN_GRACE_MS));
    await closeServer(app);
    await stopOps();
    await database.close();
    clearTimeout(limit);
    logger.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      stop().catch((error: unknown) => {
        logger.error(`stopping failed: ${error instanceof Error ? error.name : 'unknown'}`);
        process.exit(1);
      });
    });
  }
}

/** A connection that never sent a request does not count as idle for Node: it is cut once nothing is under way. */
async function closeServer(app: NestFastifyApplication): Promise<void> {
  const health = app.get(HealthService);
  const server = app.getHttpServer();
  const sweep = setInterval(() => {
    if (health.requestsUnderWay === 0) server.closeAllConnections();
  }, 50);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
  }
}

main().catch((error: unknown) => {
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    process.exit(exitConfig);
  }
  process.stderr.write(`player-consent could not start: ${reasonOf(error)}\n`);
  process.exit(1);
});

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return error.message;
  return `${error.message}: stop what runs there, or choose another port with PORT (0 takes a free one)`;
}
