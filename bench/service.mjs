// The service under test, as production runs it: the built code, a humble role, its own command line to set it up.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

const run = promisify(execFile);

/**
 * @typedef {object} Service
 * @property {string} database its name
 * @property {string} ownerUrl
 * @property {number} brandId
 * @property {() => Promise<import('./servers.mjs').Server>} start
 * @property {(name: string) => Promise<number>} createBrand with the CRM switched on; answers its id
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
  };
  const cli = async (...args) => {
    const { stdout } = await run(process.execPath, [CLI, '--json', ...args], {
      cwd: ROOT,
      env,
      maxBuffer: 1 << 26,
    });
    return stdout.trim() === '' ? null : JSON.parse(stdout);
  };
  const createBrand = async (name) => {
    const settings = { crm: { enabled: true, baseUrl: 'http://127.0.0.1:9', apiKey: 'x' } };
    const brand = await cli('brands', 'create', '--name', name, '--products', 'casino,sports,lottery,bingo');
    await cli('brands', 'set', String(brand.id), JSON.stringify(settings));
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
    createBrand: async (name) => (await createBrand(name)).id,
    importFile: (file, brandId) => importFile(env, file, brandId),
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
