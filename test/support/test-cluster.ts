import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCluster } from '../../src/database/embedded/cluster.js';
import { findLockHolder } from '../../src/database/embedded/cluster-lock.js';
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';
import { stopLeftovers } from '../../src/database/embedded/postmaster.js';

const PREFIX = 'player-consent-test-';
const MINUTE = 60_000;

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

async function removeIfAbandoned(dataDir: string): Promise<void> {
  const { uid, mtimeMs } = statSync(dataDir);
  // A younger one may be about to take its lock.
  if (uid !== process.getuid?.() || Date.now() - mtimeMs < MINUTE) return;
  const cluster = openCluster(dataDir);
  if (findLockHolder(cluster.folder) !== null) return;
  await stopLeftovers(cluster);
  rmSync(dataDir, { recursive: true, force: true });
}

/** Ctrl-C ends jest without its teardown, so each run clears up after those before it. */
export async function removeAbandonedClusters(): Promise<void> {
  const names = readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX));
  // Another run may be removing the same one.
  for (const name of names) await removeIfAbandoned(join(tmpdir(), name)).catch(() => undefined);
}

/** A temporary folder for a cluster; should its run be cut short, a later one removes it. */
export function makeClusterFolder(): string {
  const dataDir = mkdtempSync(join(tmpdir(), PREFIX));
  // As root the server runs as another user, who must get through; what is inside it is closed again.
  chmodSync(dataDir, 0o711);
  return dataDir;
}

/** Starts a server in a temporary folder, or takes the one that TEST_DATABASE_URL (of a superuser) names. */
export async function startTestCluster(): Promise<TestCluster> {
  const existing = process.env.TEST_DATABASE_URL;
  if (existing) {
    return { superuserUrl: (database) => withDatabase(existing, database), stop: () => Promise.resolve() };
  }
  await removeAbandonedClusters();
  const dataDir = makeClusterFolder();
  const remove = () => rmSync(dataDir, { recursive: true, force: true });
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
