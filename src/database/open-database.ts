import { resolve } from 'node:path';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { sha256 } from '../common/secrets.js';
import {
  type Config,
  ConfigError,
  developmentServiceKey,
  otherDevelopmentServiceKey,
} from '../config/config.js';
import { startEmbeddedPostgres } from './embedded/embedded-postgres.js';
import { isPrivileged, migrate, missingMigrations, withDataSource } from './schema.js';

const embeddedDatabase = 'player_consent';
const demoKeys = [developmentServiceKey, otherDevelopmentServiceKey];
const oldestServer = 150_000;
export const embeddedRole = 'player_consent_service';

/** A database to work on: addresses for the service's role and for the schema's owner. */
export interface OpenDatabase {
  url: string;
  ownerUrl: string;
  /** Stops the embedded database, if this process started it. */
  close(): Promise<void>;
}

/** The database of DATABASE_URL, or the embedded one under DATA_DIR, started when it is not running. */
export async function openDatabase(config: Config, log: (line: string) => void): Promise<OpenDatabase> {
  if (config.DATABASE_URL) {
    const ownerUrl = config.DATABASE_MIGRATION_URL ?? config.DATABASE_URL;
    return { url: config.DATABASE_URL, ownerUrl, close: async () => undefined };
  }
  const onExit = () => {
    // Nothing can be served without it; the next start recovers the data.
    log('the embedded database has ended: stopping too, start again to recover');
    process.exit(1);
  };
  const cluster = await startEmbeddedPostgres({ dataDir: resolve(config.DATA_DIR), log, onExit });
  try {
    await createIfMissing(cluster.superuserUrl('postgres'));
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return {
    url: cluster.url(embeddedRole, embeddedDatabase),
    ownerUrl: cluster.superuserUrl(embeddedDatabase),
    close: () => cluster.stop(),
  };
}

/** Brings the schema up to this release; in production only checks it, and that the service's role is a humble one. */
export async function prepareSchema(config: Config, database: OpenDatabase): Promise<string[]> {
  await checkServer(database.url);
  if (!config.isProduction) return migrate(database.ownerUrl, await roleOf(database.url));
  await withDataSource(database.url, async (dataSource) => {
    const missing = await missingMigrations(dataSource);
    if (missing.length > 0) {
      throw new ConfigError(
        `DATABASE_URL: the schema is older than this release (${missing.join(', ')}): run \`player-consent migrate\` first`,
      );
    }
    if (await hasDemoKey(dataSource)) {
      throw new ConfigError(
        'DATABASE_URL: this database holds the demo data, whose keys everybody knows: use another, or revoke the clients demo and demo2',
      );
    }
    if (await isPrivileged(dataSource)) {
      throw new ConfigError(
        'DATABASE_URL: the service must not run as a superuser or as the owner of the tables, who could rewrite the ledger: ' +
          'give the owner to DATABASE_MIGRATION_URL and a role of its own to DATABASE_URL',
      );
    }
  });
  return [];
}

/** The role that an address logs in as, as the server sees it. */
export async function roleOf(url: string): Promise<string> {
  return (await ask<{ role: string }>(url, 'select current_user as role')).role;
}

async function hasDemoKey(dataSource: DataSource): Promise<boolean> {
  const [row] = await dataSource.query<[{ found: boolean }]>(
    'select exists (select from service_clients where key_hash = any ($1) and revoked_at is null) as found',
    [demoKeys.map(sha256)],
  );
  return row.found;
}

async function checkServer(url: string): Promise<void> {
  const question = `select current_setting('server_version_num')::integer as version`;
  const { version } = await ask<{ version: number }>(url, question);
  if (version < oldestServer) {
    throw new ConfigError(
      `DATABASE_URL: PostgreSQL 15 or later is needed, this is ${Math.floor(version / 10_000)}`,
    );
  }
}

async function ask<Row extends object>(url: string, question: string): Promise<Row> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const { rows } = await client.query<Row>(question);
    return rows[0] as Row;
  } finally {
    await client.end();
  }
}

async function createIfMissing(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    // Two starts at once: the second waits here and finds everything done.
    await client.query('select pg_advisory_lock(2004)');
    const role = await client.query('select from pg_roles where rolname = $1', [embeddedRole]);
    if (!role.rowCount) await client.query(`create role ${embeddedRole} login`);
    const database = await client.query('select from pg_database where datname = $1', [embeddedDatabase]);
    if (!database.rowCount) await client.query(`create database ${embeddedDatabase}`);
  } finally {
    await client.end();
  }
}
