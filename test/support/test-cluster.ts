import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';

/** A PostgreSQL for one run of the tests. */
export interface TestCluster {
  superuserUrl(database: string): string;
  stop(): Promise<void>;
}

/** The same URL for another database. Not by `URL`, which refuses socket URLs without a host. */
export function withDatabase(url: string, database: string): string {
  return url.replace(
    /^(\w+:\/\/[^/?#]*)(\/[^?#]*)?/,
    (_, server: string) => `${server}/${encodeURIComponent(database)}`,
  );
}

/** Starts a server in a temporary folder, or takes the one that TEST_DATABASE_URL (of a superuser) names. */
export async function startTestCluster(): Promise<TestCluster> {
  const existing = process.env.TEST_DATABASE_URL;
  if (existing) {
    return { superuserUrl: (database) => withDatabase(existing, database), stop: () => Promise.resolve() };
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'player-consent-test-'));
  const remove = () => rmSync(dataDir, { recursive: true, force: true });
  // As root the server runs as another user, who must get through; what is inside it is closed again.
  chmodSync(dataDir, 0o711);
  try {
    const settings = { max_connections: '200' };
    const server = await startEmbeddedPostgres({ dataDir, durable: false, settings });
    const stop = () => server.stop().finally(remove);
    return { superuserUrl: (database) => server.superuserUrl(database), stop };
  } catch (error) {
    remove();
    throw error;
  }
}
