// c15t as its "Database Setup" page has it: Kysely over a pool of pg, with the provider named.
import { c15tInstance } from '@c15t/backend';
import { kyselyAdapter } from '@c15t/backend/db/adapters/kysely';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: Number(process.env.POOL_SIZE ?? 10),
});
const db = new Kysely({ dialect: new PostgresDialect({ pool }) });

export const BASE_PATH = '/api/c15t';
export const adapter = kyselyAdapter({ db, provider: 'postgresql' });

export function createInstance() {
  return c15tInstance({
    appName: 'bench',
    basePath: BASE_PATH,
    trustedOrigins: ['https://bench.example'],
    adapter,
  });
}

export const close = () => db.destroy();
