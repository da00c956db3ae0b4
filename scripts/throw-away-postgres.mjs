// A PostgreSQL server for one run of a script: a new cluster in a temporary folder, without fsync, gone afterwards.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const readyWithinMs = 30_000;

/**
 * Starts the server of the given programs (`{ postgres, initdb }`), as another user when this one is root. With a
 * password it listens on a free port of 127.0.0.1 and wants the password, else on a socket that only we reach.
 * Answers the superuser's URL for a database, and how to stop it. `npm start`'s own launcher knows how to drop root.
 */
export async function startThrowAwayPostgres(programs, { password } = {}) {
  const { chooseRunner, runThrough } = await import('../dist/src/database/embedded/runner.js');
  const folder = mkdtempSync(join(tmpdir(), 'player-consent-postgres-'));
  chmodSync(folder, 0o711);
  const [cluster, socket] = ['cluster', 'socket'].map((name) => join(folder, name));
  for (const made of [cluster, socket]) mkdirSync(made, { mode: 0o700 });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  let server;
  try {
    const secret = join(cluster, 'password');
    if (password) writeFileSync(secret, password, { mode: 0o600 });
    const runner = chooseRunner(programs.postgres, cluster, socket);
    const data = join(cluster, 'data');
    const authentication = password ? ['-A', 'scram-sha-256', '--pwfile', secret] : ['-A', 'trust'];
    const locale = ['-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'];
    const [initdb, initdbArguments, options] = runThrough(runner, [
      programs.initdb,
      ...['-D', data, '-U', 'postgres'],
      ...authentication,
      ...locale,
    ]);
    const made = spawnSync(initdb, initdbArguments, { ...options, encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || made.error?.message}`);

    const port = password ? await findFreePort() : 5432;
    const settings = {
      port,
      listen_addresses: password ? '127.0.0.1' : '',
      unix_socket_directories: socket,
      max_connections: 200,
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
    };
    const [file, serverArguments] = runThrough(runner, [
      ...[programs.postgres, '-D', data],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]);
    // Detached, so that Ctrl-C in the terminal ends what uses the server before the server.
    server = spawn(file, serverArguments, {
      ...options,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await untilReady(server, join(data, 'postmaster.pid'));
    const stop = async () => {
      if (server.exitCode === null && server.signalCode === null) {
        const ended = new Promise((resolve) => server.once('exit', resolve));
        server.kill('SIGINT');
        await ended;
      }
      remove();
    };
    const url = (database, user = 'postgres', secretOfUser = password) =>
      password
        ? `postgres://${user}:${encodeURIComponent(secretOfUser)}@127.0.0.1:${port}/${database}`
        : `postgres://${user}@localhost/${database}?host=${encodeURIComponent(socket)}&port=${port}`;
    return { port, url, stop };
  } catch (error) {
    server?.kill('SIGQUIT');
    remove();
    throw error;
  }
}

function findFreePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function untilReady(server, pidFile) {
  let log = '';
  server.stderr.on('data', (chunk) => {
    log = (log + chunk).slice(-4000);
  });
  const deadline = Date.now() + readyWithinMs;
  for (;;) {
    if (server.exitCode !== null || Date.now() > deadline)
      throw new Error(`PostgreSQL did not start:\n${log}`);
    if (isReady(pidFile)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isReady(pidFile) {
  try {
    return readFileSync(pidFile, 'utf8').split('\n')[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}
