import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The service as a person starts it, on a port and a data folder of its own. */
export interface Service {
  /** Without a slash at the end. */
  url: string;
  /** What it printed for people to try it with. */
  token: string;
  /** Where it writes what it keeps, and messages that nothing sends. */
  dataDir: string;
  stop(): Promise<void>;
}

const readyWithinMs = 60_000;

/** Starts the built service and reads address and token off what it prints. */
export async function startService(environment: Record<string, string> = {}): Promise<Service> {
  const dataDir = mkdtempSync(join(tmpdir(), 'player-consent-browser-'));
  const { PATH = '', HOME = '/', TMPDIR = '' } = process.env;
  const child = spawn(process.execPath, ['dist/src/main.js'], {
    env: { PATH, HOME, TMPDIR, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const output = await untilReady(child);
  const page = /API reference +(\S+)\/docs/.exec(output)?.[1];
  const token = /x-auth-token: (\S+)/.exec(output)?.[1];
  if (!page || !token) throw new Error(`no address or token in what the service printed:\n${output}`);
  return {
    url: page,
    token,
    dataDir,
    stop: async () => {
      child.kill('SIGTERM');
      const code = await exited;
      rmSync(dataDir, { recursive: true, force: true });
      if (code !== 0) throw new Error(`the service ended with ${code}`);
    },
  };
}

function untilReady(child: ChildProcess): Promise<string> {
  let output = '';
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => reject(new Error(`the service ${reason}:\n${output}`));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail('was not ready in time');
    }, readyWithinMs);
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (!output.includes('Ctrl-C stops it')) return;
      clearTimeout(timer);
      resolve(output);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`ended with ${code}`);
    });
  });
}
