import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { acquireLock, findLockHolder } from './cluster-lock.js';
import { type Cluster, createDataDirectory, explainAccess, openCluster } from './cluster.js';
import { locatePostgres } from './postgres-package.js';
import {
  type Postmaster,
  type PostmasterFile,
  readPostmasterFile,
  startServer,
  stopLeftovers,
  stopServer,
} from './postmaster.js';
import { processTable } from './process-table.js';
import { accountFor, chooseRunner } from './runner.js';
import { answers, chooseSocketFolder, PORT, prepareSocketFolder, socketPath } from './socket-folder.js';

/** How to run the embedded database. */
export interface EmbeddedPostgresOptions {
  /** The cluster lives in `<dataDir>/postgres`; relative to the working directory. */
  dataDir: string;
  /** Further server settings (`-c name=value`). A guest of a running server gets those of its owner. */
  settings?: Record<string, string>;
  /** False trades safety against power loss for speed: for tests. Default true. */
  durable?: boolean;
  /** Receives messages for people. */
  log?: (line: string) => void;
  /** Called if the server ends without `stop` and is not taken over; null if a signal ended it. */
  onExit?: (code: number | null) => void;
}

/** A running database. */
export interface EmbeddedPostgres {
  /** `host` for clients that take a socket's folder. */
  socketDir: string;
  port: number;
  /** A URL for `pg` and TypeORM: over the socket, as `postgres`. */
  superuserUrl(database: string): string;
  /** The same as another role; no password is asked. */
  url(user: string, database: string): string;
  /** Stops the server if this process runs it, else only lets go of it. May be called again. */
  stop(): Promise<void>;
}

const UNSAFE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
const GUEST_POLL_MS = 20;
const GUEST_WATCH_MS = 200;
const GUEST_PATIENCE_MS = 60_000;

function socketUrl(socketDir: string, port: number, user: string, database: string): string {
  // Stated in full, because pg fills gaps from PGPORT and PGSSLMODE. The host in the query wins over `localhost`.
  const query = `host=${encodeURIComponent(socketDir)}&port=${port}&sslmode=disable`;
  return `postgres://${encodeURIComponent(user)}@localhost/${encodeURIComponent(database)}?${query}`;
}

function handleFor(socketDir: string, port: number, stop: () => Promise<void>): EmbeddedPostgres {
  const url = (user: string, database: string) => socketUrl(socketDir, port, user, database);
  return { socketDir, port, url, superuserUrl: (database) => url('postgres', database), stop };
}

function isHeldBy(pid: number, cluster: Cluster): boolean {
  try {
    return findLockHolder(cluster.folder) === pid;
  } catch {
    return false;
  }
}

/** The server of another process once it is ready; null once that process is gone or has let go. */
async function awaitServerOf(holderPid: number, cluster: Cluster): Promise<PostmasterFile | null> {
  const deadline = Date.now() + GUEST_PATIENCE_MS;
  while (isHeldBy(holderPid, cluster)) {
    const file = readPostmasterFile(cluster);
    // The holder's own child: an earlier server, or a file that one left, is about to go.
    if (file?.isReady && processTable.find(file.pid)?.parentPid === holderPid) return file;
    if (Date.now() > deadline) {
      throw new Error(
        `Process ${holderPid} is using the database in ${cluster.folder}, but it does not come up. ` +
          'Stop that process, or set DATA_DIR to another folder.',
      );
    }
    await delay(GUEST_POLL_MS);
  }
  return null;
}

/** Null, and the caller told, if the server cannot be brought back. */
async function takeOver(
  cluster: Cluster,
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres | null> {
  try {
    // A removed folder must not come back as an empty database under a running service.
    if (!existsSync(cluster.data)) throw new Error(`${cluster.data} is gone`);
    return await startEmbeddedPostgres(options);
  } catch (error) {
    options.log?.(`The shared database is lost: ${(error as Error).message}`);
    options.onExit?.(null);
    return null;
  }
}

/**
 * A guest shares the server of another process, and takes it over when that one ends: of two services that were
 * started at once, the one that owns the server may be the one that finds its port taken and leaves.
 */
function joinAsGuest(
  cluster: Cluster,
  holderPid: number,
  file: PostmasterFile,
  options: EmbeddedPostgresOptions,
): EmbeddedPostgres {
  let successor: Promise<EmbeddedPostgres | null> | undefined;
  const watch = setInterval(() => {
    if (isHeldBy(holderPid, cluster)) return;
    clearInterval(watch);
    options.log?.(`Process ${holderPid} has let go of the database in ${cluster.folder}; taking it over`);
    successor = takeOver(cluster, options);
  }, GUEST_WATCH_MS).unref();
  return handleFor(file.socketDir, file.port, async () => {
    clearInterval(watch);
    await (await successor)?.stop();
  });
}

async function prepareSocket(cluster: Cluster): Promise<string> {
  const socketDir = chooseSocketFolder(cluster.folder);
  const uid = process.getuid?.() ?? 0;
  const trusted = uid === 0 ? [uid, accountFor(cluster.folder).uid] : [uid];
  prepareSocketFolder(socketDir, trusted);
  const file = readPostmasterFile(cluster);
  const recorded = file ? socketPath(file.socketDir, file.port) : socketPath(socketDir);
  if ((await answers(recorded)) || (await answers(socketPath(socketDir)))) {
    throw new Error(
      `A server that was started in another way, or in another container, is using ${cluster.folder}. ` +
        'Stop it, or set DATA_DIR to another folder.',
    );
  }
  return socketDir;
}

async function launch(cluster: Cluster, options: EmbeddedPostgresOptions): Promise<[string, Postmaster]> {
  const log = options.log ?? (() => undefined);
  const isDurable = options.durable ?? true;
  const binaries = locatePostgres();
  if (processTable.listPostgres(cluster.name).length > 0) {
    log(`Stopping a database that was left running in ${cluster.folder}`);
    await stopLeftovers(cluster);
  }
  const socketDir = await prepareSocket(cluster);
  const runner = chooseRunner(binaries.postgres, cluster.folder, socketDir);
  if (!existsSync(cluster.data)) log(`Creating a database in ${cluster.folder}`);
  await createDataDirectory(cluster, runner, binaries.initdb, isDurable);
  const settings = { ...(isDurable ? {} : UNSAFE), ...options.settings };
  return [socketDir, await startServer(cluster, socketDir, runner, binaries.postgres, settings)];
}

function own(
  cluster: Cluster,
  socketDir: string,
  postmaster: Postmaster,
  release: () => void,
  options: EmbeddedPostgresOptions,
): EmbeddedPostgres {
  const { child, exited } = postmaster;
  let stopping: Promise<void> | undefined;
  let isOver = false;
  // For systems that cannot tie the server's life to ours, where process.exit() would leave it running.
  const endWithUs = () => void child.kill('SIGINT');
  const settled = exited.then((code) => {
    isOver = true;
    process.off('exit', endWithUs);
    release();
    if (stopping) return;
    options.log?.(
      `PostgreSQL ended unexpectedly (${child.signalCode ?? `code ${code}`}); see ${cluster.logFile}`,
    );
    options.onExit?.(code);
  });
  process.once('exit', endWithUs);
  child.unref();
  const stop = async () => {
    if (isOver) return;
    child.ref();
    await stopServer(postmaster, cluster);
    await settled;
  };
  return handleFor(socketDir, PORT, () => (stopping ??= stop()));
}

async function startAsOwner(
  cluster: Cluster,
  release: () => void,
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  try {
    const [socketDir, postmaster] = await launch(cluster, options);
    return own(cluster, socketDir, postmaster, release, options);
  } catch (error) {
    release();
    throw explainAccess(error, cluster.folder);
  }
}

function tryToOwn(cluster: Cluster): ReturnType<typeof acquireLock> {
  try {
    return acquireLock(cluster.folder);
  } catch (error) {
    throw explainAccess(error, cluster.folder);
  }
}

/**
 * Starts PostgreSQL from the installed npm package, creating the database on first use, or joins the server that
 * another process already runs on the same folder. It listens on a Unix socket that only this user can reach, ends
 * with this process where the system allows (Linux), and recovers by itself from whatever an earlier run left.
 *
 * @throws an error that says what to do if PostgreSQL cannot run here or the folder cannot be used
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  // The kernel ties the server to the thread that started it, and a worker thread may end long before the process.
  if (!isMainThread) throw new Error('The embedded database must be started from the main thread');
  const cluster = openCluster(options.dataDir);
  for (;;) {
    const lock = tryToOwn(cluster);
    if (lock.isOurs) return startAsOwner(cluster, lock.release, options);
    options.log?.(`Using the database that process ${lock.holderPid} runs in ${cluster.folder}`);
    const file = await awaitServerOf(lock.holderPid, cluster);
    if (file) return joinAsGuest(cluster, lock.holderPid, file, options);
  }
}
