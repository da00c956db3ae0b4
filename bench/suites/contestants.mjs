import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../servers.mjs';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Starts the service and these baselines, lends them, and stops them whatever happens.
 * @template T
 * @param {import('../run.mjs').Bench} bench
 * @param {readonly (readonly [name: string, file: string, argsOf?: (service: import('../servers.mjs').Server) => string[]])[]}
 *   baselines file: in bench/baselines
 * @param {(servers: import('../servers.mjs').Server[]) => Promise<T>} work the service comes first
 * @returns {Promise<T>}
 */
export async function withContestants({ service }, baselines, work) {
  const env = { DATABASE_URL: service.ownerUrl };
  const servers = [];
  try {
    servers.push(await service.start());
    for (const [name, file, argsOf = () => []] of baselines) {
      const script = join(ROOT, 'bench/baselines', file);
      servers.push(await startServer({ name, script, args: argsOf(servers[0]), cwd: ROOT, env }));
    }
    return await work(servers);
  } finally {
    for (const server of servers) await server.stop();
  }
}
