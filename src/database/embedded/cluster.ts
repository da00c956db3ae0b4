import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Runner, runThrough } from './runner.js';

/** Where things are. */
export interface Cluster {
  /** Everything of the embedded database, and nothing else; mode 0700. */
  folder: string;
  /** PostgreSQL's own data directory: absent, or complete. */
  data: string;
  /** The server's `cluster_name`, by which its processes are known even after the folder was moved. */
  name: string;
  /** What the server wrote since it was last started. */
  logFile: string;
}

/** An error of the file system, told so that its reader can act on it. */
export function explainAccess(error: unknown, folder: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== 'EACCES' && code !== 'EPERM') return error;
  return new Error(
    `This user may not use the database in ${folder} (${(error as Error).message}). It belongs to the user who first ` +
      'started the service here: start it as that user, or as root, or set DATA_DIR to another folder.',
  );
}

/**
 * Makes the folder of the cluster if it is not there.
 *
 * @throws if it cannot be made
 */
export function openCluster(dataDir: string): Cluster {
  const wanted = join(dataDir, 'postgres');
  try {
    mkdirSync(dataDir, { recursive: true });
    mkdirSync(wanted, { recursive: true, mode: 0o700 });
    const folder = realpathSync(wanted);
    const { dev, ino } = statSync(folder);
    const name = `player-consent-${dev}-${ino}-db`;
    return { folder, name, data: join(folder, 'data'), logFile: join(folder, 'server.log') };
  } catch (error) {
    throw explainAccess(error, wanted);
  }
}

interface Outcome {
  isDone: boolean;
  output: string;
}

function run(runner: Runner, args: string[]): Promise<Outcome> {
  const [file, rest, options] = runThrough(runner, args);
  // Detached, so that Ctrl-C in the terminal reaches this process alone.
  const child = spawn(file, rest, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ isDone: false, output: error.message }));
    child.once('close', (code) => resolve({ isDone: code === 0, output: output.trim() }));
  });
}

/** The second way is for systems without C.UTF-8: PostgreSQL's own rules for letters, the same on every system. */
const LOCALES = [
  ['--locale=C.UTF-8'],
  ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
];

/** One call to the kernel instead of a thousand, which take seconds on a busy disk. Only Linux has it. */
const SYNC_METHOD = process.platform === 'linux' ? ['--sync-method=syncfs'] : [];

async function initialise(runner: Runner, initdb: string, data: string, locales: string[][]): Promise<void> {
  const [locale = [], ...others] = locales;
  const fixed = ['-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync', '--no-instructions'];
  const { isDone, output } = await run(runner, [initdb, '-D', data, ...fixed, ...locale]);
  if (isDone) return;
  if (/invalid locale/.test(output) && others.length > 0) return initialise(runner, initdb, data, others);
  throw new Error(`initdb could not create the database: ${output.split('\n').slice(-5).join('\n')}`);
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  fsyncSync(handle);
  closeSync(handle);
}

function removeUnfinished(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith('data.new'))
      rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * Runs initdb if there is no data directory yet. It works in a folder of its own that is renamed when all of it is on
 * disk: whatever interrupts it, `data` is absent or complete.
 *
 * @throws with initdb's words if it fails
 */
export async function createDataDirectory(
  cluster: Cluster,
  runner: Runner,
  initdb: string,
  isDurable: boolean,
  locales: string[][] = LOCALES,
): Promise<void> {
  removeUnfinished(cluster.folder);
  if (existsSync(cluster.data)) return;
  const unfinished = `${cluster.data}.new.${process.pid}.${Date.now()}`;
  await initialise(runner, initdb, unfinished, locales);
  if (isDurable) {
    const { isDone, output } = await run(runner, [initdb, '-D', unfinished, '--sync-only', ...SYNC_METHOD]);
    if (!isDone) throw new Error(`the new database could not be written to disk: ${output}`);
  }
  renameSync(unfinished, cluster.data);
  if (isDurable) syncFolder(cluster.folder);
}
