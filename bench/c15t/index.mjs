// c15t beside the service: its own packages, its own database in the same cluster, its own process.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { say } from '../progress.mjs';
import { startServer } from '../servers.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const DATABASE = 'c15t';
/** Its migrations make no index but the keys': without these two every record and every check reads a whole table. */
const INDEXES = `
  create index ix_subject_external_id on subject ("externalId");
  create index ix_consent_subject_id on consent ("subjectId");`;
const run = promisify(execFile);

/**
 * @typedef {object} C15t
 * @property {import('../servers.mjs').Server} server
 * @property {(sql: string, values?: unknown[]) => Promise<import('pg').QueryResult>} query
 */

async function install() {
  if (existsSync(join(HERE, 'node_modules/@c15t/backend'))) return;
  say('installing c15t');
  await run('npm', ['ci', '--no-fund', '--no-audit'], { cwd: HERE });
}

/**
 * Installs it where that was not done yet, makes its database, starts it, lends it, and stops it.
 * @template T
 * @param {import('../run.mjs').Bench} bench
 * @param {(c15t: C15t) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withC15t({ cluster, service }, work) {
  await install();
  const url = new URL(service.ownerUrl);
  await cluster.query('postgres', `create database ${DATABASE} owner ${url.username}`);
  const env = { DATABASE_URL: cluster.url(url.username, DATABASE) };
  await run(process.execPath, ['migrate.mjs'], { cwd: HERE, env: { PATH: process.env.PATH ?? '', ...env } });
  const query = (sql, values) => cluster.query(DATABASE, sql, values);
  await query(INDEXES);
  const server = await startServer({ name: 'c15t', script: join(HERE, 'server.mjs'), cwd: HERE, env });
  try {
    return await work({ server, query });
  } finally {
    await server.stop();
    await cluster.query('postgres', `drop database ${DATABASE} with (force)`);
  }
}
