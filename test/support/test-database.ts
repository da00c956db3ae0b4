import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { migrate } from '../../src/database/schema.js';
import { withDatabase } from './test-cluster.js';

/** How the global set-up tells the workers where things are. */
export const environmentName = {
  serverUrl: 'TEST_SERVER_URL',
  template: 'TEST_TEMPLATE_DATABASE',
  seenDir: 'TEST_SEEN_DIR',
} as const;

/** The role that owns the tables, and the humble one that the service runs as: as in production. */
export const ownerRole = 'player_consent_test_owner';
export const serviceRole = 'player_consent_test_service';
const rolePassword = 'player-consent-test';

/** A database of one test file. */
export interface TestDatabase {
  name: string;
  serviceUrl: string;
  ownerUrl: string;
  superuserUrl: string;
  drop(): Promise<void>;
}

function serverUrl(): string {
  const url = process.env[environmentName.serverUrl];
  if (!url) throw new Error('there is no test server: run the tests by `npm test`');
  return url;
}

/** The address of a database on the test server, as the superuser or as another role. */
export function urlOf(database: string, role?: string): string {
  const url = withDatabase(serverUrl(), database);
  if (!role) return url;
  return url.replace(
    /^(\w+:\/\/)(?:[^@/?#]*@)?([^/?#]*)/,
    (_, scheme: string, host: string) => `${scheme}${role}:${rolePassword}@${host || 'localhost'}`,
  );
}

/** Runs statements one by one over a connection of their own. */
export async function runStatements(url: string, statements: string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** A new database with every migration applied by its owner; answers its name. */
export async function createTemplate(): Promise<string> {
  const name = `player_consent_template_${randomBytes(4).toString('hex')}`;
  const createRole = (role: string) => `
    do $$ begin create role ${role} login password '${rolePassword}';
    exception when duplicate_object or unique_violation then null; end $$`;
  await runStatements(serverUrl(), [
    createRole(ownerRole),
    createRole(serviceRole),
    `create database ${name} owner ${ownerRole}`,
  ]);
  await migrate(urlOf(name, ownerRole), serviceRole);
  return name;
}

/** A clone of the template, or an empty database. */
export async function createDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const name = `player_consent_test_${randomBytes(6).toString('hex')}`;
  const source = empty ? 'template0' : process.env[environmentName.template];
  await runStatements(serverUrl(), [`create database ${name} template ${source} owner ${ownerRole}`]);
  return {
    name,
    serviceUrl: urlOf(name, serviceRole),
    ownerUrl: urlOf(name, ownerRole),
    superuserUrl: urlOf(name),
    drop: () => dropDatabase(name),
  };
}

export async function dropDatabase(name: string): Promise<void> {
  await runStatements(serverUrl(), [`drop database if exists ${name} with (force)`]);
}
