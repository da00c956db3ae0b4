import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../servers.mjs';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * @param {import('../run.mjs').Bench} bench
 * @param {string} name
 * @param {string} file in bench/baselines
 */
export function startBaseline({ service }, name, file) {
  const script = join(ROOT, 'bench/baselines', file);
  return startServer({ name, script, cwd: ROOT, env: { DATABASE_URL: service.ownerUrl } });
}
