import { DataSource } from 'typeorm';
import { readConfig } from './src/config/config.js';
import { dataSourceOptions } from './src/database/options.js';

/** For TypeORM's own command line: `npx typeorm migration:show -d dist/ormconfig.js`. It needs a database's address. */
const config = readConfig();
const url = config.DATABASE_MIGRATION_URL ?? config.DATABASE_URL;
if (!url)
  throw new Error('set DATABASE_URL (or DATABASE_MIGRATION_URL) to the database that TypeORM is to work on');

export default new DataSource(dataSourceOptions(url, 1));
