import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DurableCluster } from '../crash/durable-cluster.js';
import { makeClusterFolder } from '../support/test-cluster.js';
import { Replica } from '../support/replica.js';
import { createTestApp, type TestApp } from '../support/test-app.js';
import { serviceRole } from '../support/test-database.js';

let cluster: DurableCluster;
let replica: Replica;
let app: TestApp;
let folder: string;

interface Users {
  timestamp: string;
  users: string[];
}

const consent = (player: string) =>
  app.call('POST', `/userconsents/${player}`, { body: { consents: [{ type: 'sms', opted_in: true }] } });
const list = async () =>
  (await app.call('POST', '/reconciliation', { body: { field: 'consent_sms' } })).as<Users>();
const lastRun = async () =>
  (await app.call('GET', '/reconciliation/runs?limit=1')).as<{ runs: { on_replica: boolean }[] }>().runs[0];

/** Until the replica has replayed everything that is committed now. */
async function untilReplayed(): Promise<void> {
  const [primary] = await app.sql<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
  for (;;) {
    const [row] = await replica.sql<{ there: boolean }>(
      `select pg_last_wal_replay_lsn() >= '${primary?.lsn}' as there`,
    );
    if (row?.there) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeAll(async () => {
  cluster = await DurableCluster.start();
  const database = await cluster.createDatabase('replicated');
  folder = mkdtempSync(join(makeClusterFolder(), 'replica-'));
  replica = await Replica.start(cluster.postgres, cluster.dataDir, folder);
  const environment = { DATABASE_REPLICA_URL: replica.url(serviceRole, 'replicated') };
  app = await createTestApp({ database, environment });
});
afterAll(async () => {
  await app?.close();
  await replica?.stop();
  await cluster?.remove();
  if (folder) rmSync(join(folder, '..'), { recursive: true, force: true });
});

it('reads the replica, and says up to when it has replayed', async () => {
  await consent('replica-1');
  await untilReplayed();
  const { timestamp, users } = await list();
  expect(users).toContain('replica-1');
  expect(await lastRun()).toEqual(expect.objectContaining({ on_replica: true, outcome: 'complete' }));
  const [row] = await app.sql<{ changed: boolean }>(
    `select exists (select from consent_events where player_id = 'replica-1' and recorded_at <= $1::timestamptz + interval '1 ms'
       and recorded_at > $1::timestamptz - interval '5 s') as changed`,
    [timestamp],
  );
  expect(row?.changed).toBe(true);
});

it('answers what was true then while the replica is a little behind, and reads the primary when it is 30 s behind', async () => {
  await replica.sql('select pg_wal_replay_pause()');
  await consent('replica-2');
  const stale = await list();
  expect(stale.users).toEqual(expect.not.arrayContaining(['replica-2']));
  expect((await lastRun())?.on_replica).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 31_000));
  expect((await list()).users).toContain('replica-2');
  expect((await lastRun())?.on_replica).toBe(false);
  await replica.sql('select pg_wal_replay_resume()');
  await untilReplayed();
  expect((await list()).users).toContain('replica-2');
  expect((await lastRun())?.on_replica).toBe(true);
}, 60_000);

it('reads the primary while the replica is away', async () => {
  await replica.stop();
  await consent('replica-3');
  expect((await list()).users).toContain('replica-3');
  expect((await lastRun())?.on_replica).toBe(false);
});
