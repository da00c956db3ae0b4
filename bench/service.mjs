// The service under test, as production runs it: the built code, a humble role, its own command line to set it up.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { peakMemoryMb, startServer } from './servers.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MAIN = join(ROOT, 'dist/src/main.js');
const CLI = join(ROOT, 'dist/src/cli/main.js');
// As the image and package.json start them.
const SERVICE_HEAP = '--max-old-space-size=192';
const CLI_HEAP = '--max-old-space-size=128';
const OWNER = 'bench_owner';
const ROLE = 'bench_app';
const DATABASE = 'bench';
/** The command line ends with 3 when it is done and some rows were rejected. */
const DONE_WITH_REJECTS = 3;
const MEMORY_SAMPLE_MS = 100;
/** Refuses connections: a CRM that is away. */
const NOWHERE = 'http://127.0.0.1:9';
const DELIVERY_LIMIT_MS = 120_000;
const DELIVERY_SAMPLE_MS = 100;

const run = promisify(execFile);

/**
 * @typedef {object} Service
 * @property {string} database its name
 * @property {string} ownerUrl
 * @property {number} brandId
 * @property {() => Promise<import('./servers.mjs').Server>} start
 * @property {(name: string, crmUrl?: string) => Promise<number>} createBrand with the CRM switched on, which is away where
 *   no address is given; answers its id
 * @property {(name: string) => Promise<{id: number, key: string}>} createBrandWithKey the same, with a client's key
 * @property {(brandId: number, crmUrl: string) => Promise<void>} setCrm before the service starts
 * @property {() => Promise<void>} awaitDelivered until nothing waits any more
 * @property {() => Promise<void>} discardOutbox what has not left by then, with what that leaves behind
 * @property {(file: string, brandId: number) => Promise<{result: any, peakMemoryMb: number}>} importFile
 */

/** Whether `npm run build` was run. */
export function isBuilt() {
  return existsSync(MAIN) && existsSync(CLI);
}

/** @param {import('./cluster.mjs').Cluster} cluster the bench's database, made with its two roles and empty */
export async function createDatabase(cluster) {
  await cluster.query('postgres', `create role ${OWNER} login`);
  await cluster.query('postgres', `create role ${ROLE} login`);
  await cluster.query('postgres', `create database ${DATABASE} owner ${OWNER}`);
  return { database: DATABASE, ownerUrl: cluster.url(OWNER, DATABASE) };
}

/**
 * Migrates, makes a brand whose CRM is switched on, so that changes write outbox rows, and fills it with players.
 * @param {import('./cluster.mjs').Cluster} cluster
 * @param {{database: string, ownerUrl: string}} made
 * @param {number} players
 * @returns {Promise<Service>}
 */
export async function prepareService(cluster, { database, ownerUrl }, players) {
  const env = {
    PATH: process.env.PATH ?? '',
    NODE_ENV: 'production',
    DATABASE_URL: cluster.url(ROLE, database),
    DATABASE_MIGRATION_URL: ownerUrl,
    SECRET_KEYS: 'bench-only-secret-key-of-no-worth',
    SHUTDOWN_GRACE_MS: '0',
    HOST: '127.0.0.1',
    PORT: '0',
    TRUST_PROXY: '0',
    // The limit of the public routes is raised, never switched off: all load comes from one address.
    PUBLIC_RATE_LIMIT: '10000000',
  };
  const cli = async (...args) => {
    const { stdout } = await run(process.execPath, [CLI, '--json', ...args], {
      cwd: ROOT,
      env,
      maxBuffer: 1 << 26,
    });
    return stdout.trim() === '' ? null : JSON.parse(stdout);
  };
  const setCrm = async (brandId, baseUrl) => {
    const settings = { crm: { enabled: true, baseUrl, apiKey: 'x' } };
    await cli('brands', 'set', String(brandId), JSON.stringify(settings));
  };
  const createBrand = async (name, crmUrl = NOWHERE) => {
    const brand = await cli('brands', 'create', '--name', name, '--products', 'casino,sports,lottery,bingo');
    await setCrm(brand.id, crmUrl);
    return brand;
  };
  await cli('migrate');
  const brand = await createBrand('Bench');
  await cli('seed', '--players', String(players), '--brand', String(brand.id));
  const headers = { 'X-Api-Key': brand.key };
  return {
    database,
    ownerUrl,
    brandId: brand.id,
    start: () =>
      startServer({ name: 'service', script: MAIN, nodeOptions: [SERVICE_HEAP], cwd: ROOT, env, headers }),
    createBrand: async (name, crmUrl) => (await createBrand(name, crmUrl)).id,
    createBrandWithKey: (name) => createBrand(name),
    setCrm,
    ...outboxOf(cluster, database),
    importFile: (file, brandId) => importFile(env, file, brandId),
  };
}

/** @param {import('./cluster.mjs').Cluster} cluster @param {string} database */
function outboxOf(cluster, database) {
  return {
    awaitDelivered: async () => {
      const giveUpAt = performance.now() + DELIVERY_LIMIT_MS;
      for (;;) {
        const { rows } = await cluster.query(database, 'select exists (select from outbox) as waits');
        if (!rows[0].waits) return;
        if (performance.now() > giveUpAt) throw new Error('the outbox does not become empty');
        await sleep(DELIVERY_SAMPLE_MS);
      }
    },
    discardOutbox: async () => {
      await cluster.query(database, 'delete from outbox');
      await cluster.query(database, 'vacuum outbox');
    },
  };
}

/** The command line's own import, and the most memory its process took. */
async function importFile(env, file, brandId) {
  const args = [CLI_HEAP, CLI, '--json', 'import', 'consents', file, '--brand', String(brandId)];
  let peak = 0;
  const done = run(process.execPath, args, { cwd: ROOT, env, maxBuffer: 1 << 26 });
  const timer = setInterval(() => {
    peak = Math.max(peak, peakMemoryMb(done.child.pid ?? 0));
  }, MEMORY_SAMPLE_MS);
  try {
    const { stdout } = await done.catch((error) => {
      if (error.code === DONE_WITH_REJECTS) return error;
      throw error;
    });
    return { result: JSON.parse(stdout), peakMemoryMb: peak };
  } finally {
    clearInterval(timer);
  }
}
