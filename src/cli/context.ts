import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../app.module.js';
import { createLogger, NestLogger } from '../common/logger.js';
import { readConfig } from '../config/config.js';
import { openDatabase, prepareSchema, roleOf } from '../database/open-database.js';
import { migrate } from '../database/schema.js';

/** Runs a command on the application's own services, without its HTTP side. */
export async function withServices(work: (app: INestApplicationContext) => Promise<void>): Promise<void> {
  const config = readConfig();
  const database = await openDatabase(config, () => undefined);
  try {
    await prepareSchema(config, database);
    const app = await NestFactory.createApplicationContext(AppModule.forRoot(config, database.url), {
      logger: new NestLogger(createLogger('warn', config.LOG_FORMAT)),
      abortOnError: false,
    });
    try {
      await work(app);
    } finally {
      await app.close();
    }
  } finally {
    await database.close();
  }
}

/** Brings the schema up to this release, as its owner; answers the names of the migrations that were missing. */
export async function migrateDatabase(): Promise<string[]> {
  const config = readConfig();
  const database = await openDatabase(config, () => undefined);
  try {
    return await migrate(database.ownerUrl, await roleOf(database.url));
  } finally {
    await database.close();
  }
}
