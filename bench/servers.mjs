// Server processes under test: start, where they listen, how much memory they took, stop.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 15_000;
const running = new Set();
// However the bench ends, nothing of it stays.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * @typedef {object} Server
 * @property {string} name
 * @property {string} origin `http://127.0.0.1:<port>`
 * @property {Record<string, string>} headers that its clients send
 * @property {number} pid
 * @property {() => number} peakMemoryMb the largest resident set since its start, MiB; 0 where the system does not tell
 * @property {() => Promise<void>} stop
 */

/** @param {number} pid @returns {number} MiB */
export function peakMemoryMb(pid) {
  try {
    const [, kb] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kb ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/**
 * Starts a Node server that prints its address, and waits for that line.
 * @param {{name: string, script: string, args?: string[], nodeOptions?: string[], cwd: string, env: Record<string, string>,
 *   headers?: Record<string, string>}} options
 * @returns {Promise<Server>}
 */
export async function startServer({ name, script, args = [], nodeOptions = [], cwd, env, headers = {} }) {
  const child = spawn(process.execPath, [...nodeOptions, script, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  const said = [];
  const origin = await new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${name} did not start:\n${said.join('\n')}`)),
      START_LIMIT_MS,
    );
    const hear = (line) => {
      if (said.length < 200) said.push(line);
      const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
      if (address) {
        clearTimeout(timer);
        resolve(address);
      }
    };
    createInterface({ input: child.stdout }).on('line', hear);
    createInterface({ input: child.stderr }).on('line', hear);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`${name} ended with ${code}:\n${said.join('\n')}`));
    });
  });
  return {
    name,
    origin,
    headers,
    pid: child.pid ?? 0,
    peakMemoryMb: () => peakMemoryMb(child.pid ?? 0),
    stop: () => stopChild(child),
  };
}

async function stopChild(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await gone;
  clearTimeout(timer);
}
