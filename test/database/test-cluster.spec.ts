import { existsSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { openCluster } from '../../src/database/embedded/cluster.js';
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';
import { removeAbandonedClusters, startTestCluster, withDatabase } from '../support/test-cluster.js';

const named = process.env.TEST_DATABASE_URL;

beforeEach(() => {
  delete process.env.TEST_DATABASE_URL;
});
afterEach(() => {
  if (named !== undefined) process.env.TEST_DATABASE_URL = named;
});

describe('the cluster for tests', () => {
  it('starts in a temporary folder and leaves nothing behind', async () => {
    const cluster = await startTestCluster();
    const url = cluster.superuserUrl('postgres');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const sql = "select current_setting('max_connections') as connections, current_setting('fsync') as fsync";
    expect((await client.query(sql)).rows).toEqual([{ connections: '200', fsync: 'off' }]);
    await client.end();
    const dataDir = /host=(.*)\/postgres\/socket/.exec(decodeURIComponent(url))?.[1] ?? '';
    expect(existsSync(dataDir)).toBe(true);
    await cluster.stop();
    expect(existsSync(dataDir)).toBe(false);
  });

  it('removes those that killed runs left, and no others', async () => {
    const [abandoned = '', used = '', young = ''] = ['a', 'b', 'c'].map((name) =>
      mkdtempSync(join(tmpdir(), `player-consent-test-${name}`)),
    );
    const server = await startEmbeddedPostgres({ dataDir: used, durable: false });
    openCluster(abandoned);
    for (const dataDir of [abandoned, used]) utimesSync(dataDir, 1, 1);
    await removeAbandonedClusters();
    expect([abandoned, used, young].map((dataDir) => existsSync(dataDir))).toEqual([false, true, true]);
    await server.stop();
    for (const dataDir of [used, young]) rmSync(dataDir, { recursive: true });
  });

  it('takes the server that is named instead, and never stops it', async () => {
    process.env.TEST_DATABASE_URL = 'postgres://admin@db/postgres';
    const cluster = await startTestCluster();
    expect(cluster.superuserUrl('a b')).toBe('postgres://admin@db/a%20b');
    await cluster.stop();
    delete process.env.TEST_DATABASE_URL;
  });

  it.each([
    ['postgres://u:p@db:5433/postgres?sslmode=disable', 'postgres://u:p@db:5433/x?sslmode=disable'],
    ['postgres://u@/?host=/run', 'postgres://u@/x?host=/run'],
    ['postgres://u@db', 'postgres://u@db/x'],
  ])('names another database in %s', (url, expected) => {
    expect(withDatabase(url, 'x')).toBe(expected);
  });
});
