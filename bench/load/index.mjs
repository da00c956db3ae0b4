// Runs the load generator as a process of its own, so that it shares no event loop with what it measures.
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const MAIN = join(dirname(fileURLToPath(import.meta.url)), 'main.mjs');
/** Only the right status counts, and the right body where the request says which; a run with more errors than this share says nothing. */
const MOST_ERRORS = 0.001;
const run = promisify(execFile);

/**
 * @param {import('../servers.mjs').Server} server
 * @param {Partial<import('./requests.mjs').RequestPlan> & {connections: number, status?: number, answer?: string,
 *   warmupSeconds?: number, seconds?: number, rate?: number, requests?: number, journal?: string, mayFail?: boolean}} options either seconds (as
 *   fast as it goes) or rate and requests; with these, `journal` is a file for a line a request: player, when it was due,
 *   when it was answered, in ms of the monotonic clock. With `mayFail`, other statuses are counted and no failure. `status` is 200 where it is not given, `answer` a part of every
 *   right body, and the headers are the server's
 * @returns {Promise<{sent: number, answers: number, errors: number, perSecond?: number, p50?: number, p95?: number,
 *   p99?: number}>}
 */
export async function load(
  server,
  {
    idsFile,
    seed,
    body,
    headers,
    pathsFile,
    tokens,
    bodies,
    batches,
    writes,
    formsFile,
    form,
    mayFail,
    ...options
  },
) {
  const { hostname, port, host } = new URL(server.origin);
  const asked = { idsFile, seed, body, pathsFile, tokens, bodies, batches, writes, formsFile, form };
  const plan = { ...asked, headers: headers ?? server.headers, host };
  const all = { host: hostname, port: Number(port), warmupSeconds: 1, ...options, plan };
  const { stdout } = await run(process.execPath, [MAIN, JSON.stringify(all)], { maxBuffer: 1 << 20 });
  const result = JSON.parse(stdout);
  if (result.rightBodies === 0) throw new Error(`${server.name} does not answer what it should`);
  if (!mayFail && result.errors > result.answers * MOST_ERRORS) {
    throw new Error(
      `${server.name}: ${result.errors} errors beside ${result.answers} answers: ${result.firstError ?? 'no answer'}`,
    );
  }
  return result;
}
