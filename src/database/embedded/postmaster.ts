import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from './cluster.js';
import { processTable } from './process-table.js';
import { type Runner, runThrough } from './runner.js';
import { clearSocketFolder, PORT } from './socket-folder.js';

/** What a running server writes into its data directory. */
export interface PostmasterFile {
  pid: number;
  port: number;
  socketDir: string;
  isReady: boolean;
}

/** A server that this process started. */
export interface Postmaster {
  child: ChildProcess;
  /** Resolves with the exit code, or null if a signal ended it. */
  exited: Promise<number | null>;
}

/** How long each way of stopping may take before the next, rougher one, in milliseconds. */
export interface Patience {
  fast: number;
  immediate: number;
}

const PATIENCE: Patience = { fast: 10_000, immediate: 3_000 };
const POLL_MS = 5;
const ATTEMPTS = 3;

function lockFile(cluster: Cluster): string {
  return join(cluster.data, 'postmaster.pid');
}

/** Null if there is none or it is not complete yet. */
export function readPostmasterFile(cluster: Cluster): PostmasterFile | null {
  try {
    const lines = readFileSync(lockFile(cluster), 'utf8').split('\n');
    const [pid, , , port, socketDir, , , status] = lines;
    if (!pid || !port || !socketDir) return null;
    return { pid: Number(pid), port: Number(port), socketDir, isReady: status?.trim() === 'ready' };
  } catch {
    return null;
  }
}

async function pollUntil(isTrue: () => boolean, milliseconds: number): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  while (!isTrue()) {
    if (Date.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** A fast shutdown first, then rougher ways. The data survives all of them. */
async function end(
  send: (signal: NodeJS.Signals) => void,
  isGone: () => boolean,
  patience: Patience,
): Promise<boolean> {
  send('SIGINT');
  if (await pollUntil(isGone, patience.fast)) return true;
  send('SIGQUIT');
  if (await pollUntil(isGone, patience.immediate)) return true;
  send('SIGKILL');
  return pollUntil(isGone, patience.immediate);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Only the postmaster, or, if that is gone, the processes that it left. */
function withoutParentAmong(pids: number[]): number[] {
  return pids.filter((pid) => !pids.includes(processTable.find(pid)?.parentPid ?? 0));
}

/**
 * Stops the server processes of a cluster that no living launcher owns.
 *
 * @throws if some remain or may not be signalled
 */
export async function stopLeftovers(cluster: Cluster, patience: Patience = PATIENCE): Promise<void> {
  const list = () => processTable.listPostgres(cluster.name);
  const send = (name: NodeJS.Signals) => {
    const pids = name === 'SIGINT' ? withoutParentAmong(list()) : list();
    for (const pid of pids) signal(pid, name);
  };
  if (await end(send, () => list().length === 0, patience)) return;
  throw new Error(
    `the server processes ${list().join(', ')} in ${cluster.folder} do not end; stop them by hand`,
  );
}

/**
 * Stops a server that this process started.
 *
 * @throws if it does not end
 */
export async function stopServer(
  { child }: Postmaster,
  cluster: Cluster,
  patience = PATIENCE,
): Promise<void> {
  const isGone = () => child.exitCode !== null || child.signalCode !== null;
  const isEnded = await end((name) => void child.kill(name), isGone, patience);
  if (!isEnded) throw new Error(`the server process ${child.pid} does not end; stop it by hand`);
  // Processes that had no time to notice.
  if (child.signalCode !== null) await stopLeftovers(cluster, patience);
}

/**
 * Removes the lock files of a server that is gone. PostgreSQL would do so itself, unless their pid now belongs to
 * another process of the same user, or they were cut short; it then waits for a hand that is not there.
 */
function clearLockFiles(cluster: Cluster, socketDir: string): void {
  const pid = readPostmasterFile(cluster)?.pid;
  // A server that came up since the last look keeps its file; ours will fail on it and be tried again.
  if (pid !== undefined && processTable.listPostgres(cluster.name).includes(pid)) return;
  rmSync(lockFile(cluster), { force: true });
  clearSocketFolder(socketDir);
}

function quoteList(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}

function serverArguments(cluster: Cluster, socketDir: string, settings: Record<string, string>): string[] {
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const socket = `unix_socket_directories=${quoteList(socketDir)}`;
  // Last, because the last one counts: the launcher relies on these. Without "terse" the log would name whoever's address is
  // taken.
  const fixed = [
    ...['listen_addresses=', socket, `port=${PORT}`, `cluster_name=${cluster.name}`],
    'log_error_verbosity=terse',
  ];
  return ['-D', cluster.data, ...options, ...fixed.flatMap((setting) => ['-c', setting])];
}

function spawnServer(cluster: Cluster, runner: Runner, args: string[]): Postmaster {
  // To a file and not to a pipe: the server outlives a killed parent for a moment, and must not wait for a busy one.
  if (existsSync(cluster.logFile)) renameSync(cluster.logFile, `${cluster.logFile}.1`);
  const output = openSync(cluster.logFile, 'w', 0o600);
  const [file, rest, options] = runThrough(runner, args);
  // Detached, so that Ctrl-C in the terminal does not reach the server before the service has drained.
  const child = spawn(file, rest, { ...options, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('exit', (code) => resolve(code));
  });
  return { child, exited };
}

async function isReady(cluster: Cluster, { child, exited }: Postmaster): Promise<boolean> {
  let isOver = false;
  void exited.then(() => (isOver = true));
  while (!isOver) {
    const file = readPostmasterFile(cluster);
    if (file?.isReady && file.pid === child.pid) return true;
    await delay(POLL_MS);
  }
  return false;
}

/**
 * Starts a server on a data directory that no other launcher uses, and waits until it accepts connections, however
 * long it takes to recover. What an earlier server left running is stopped first.
 *
 * @throws with the last lines of the server's log if it does not come up
 */
export async function startServer(
  cluster: Cluster,
  socketDir: string,
  runner: Runner,
  postgres: string,
  settings: Record<string, string>,
): Promise<Postmaster> {
  const args = [postgres, ...serverArguments(cluster, socketDir, settings)];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    clearLockFiles(cluster, socketDir);
    const postmaster = spawnServer(cluster, runner, args);
    if (await isReady(cluster, postmaster)) return postmaster;
    // A server whose parent was killed before this one looked may still have been on its way up.
    await stopLeftovers(cluster);
  }
  const log = readFileSync(cluster.logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
  throw new Error(`PostgreSQL did not start (all it said is in ${cluster.logFile}):\n${log}`);
}
