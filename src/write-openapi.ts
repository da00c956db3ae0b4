import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { AppModule } from './app.module.js';
import { createLogger } from './common/logger.js';
import { readConfig } from './config/config.js';
import { openDatabase, prepareSchema } from './database/open-database.js';
import { createDocument } from './docs.js';
import { setupApp } from './setup-app.js';

/** `npm run openapi`: writes the OpenAPI document of the routes as they are. */
const config = readConfig();
const database = await openDatabase(config, () => undefined);
try {
  await prepareSchema(config, database);
  const app = await setupApp(AppModule.forRoot(config, database.url), config, createLogger('silent', 'json'));
  writeFileSync(process.argv[2] ?? 'openapi.json', `${JSON.stringify(createDocument(app), null, 2)}\n`);
  await app.close();
} finally {
  await database.close();
}
