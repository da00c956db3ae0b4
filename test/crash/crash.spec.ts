import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/crm-server.js';
import { findCrmFaults, findJournalFaults, findWaiting, findWebhookFaults, readActs } from './checks.js';
import { CrashRun } from './crash-run.js';
import { drain } from './drain.js';
import { DurableCluster } from './durable-cluster.js';
import type { Write } from './journal.js';
import { lateOutboxEnvironment, takeOutboxOutOfTransaction } from './late-outbox.js';
import { World } from './world.js';

const kills = Number(process.env.CRASH_KILLS ?? 10);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const mutation = process.env.CRASH_MUTATION;
const mutatedLateMs = 30;

let cluster: DurableCluster;

beforeAll(async () => {
  cluster = await DurableCluster.start();
}, 60_000);
afterAll(async () => {
  await cluster?.remove();
}, 60_000);

/** Does the work in a world of its own; what fails says how to do it again. */
async function inWorld(
  name: string,
  environment: Record<string, string>,
  work: (world: World) => Promise<void>,
): Promise<void> {
  const world = await World.create(cluster, name, seed, environment);
  try {
    await work(world);
  } catch (error) {
    const mutated = mutation === undefined ? '' : `CRASH_MUTATION=${mutation} `;
    const replay = `${mutated}CRASH_SEED=${seed} CRASH_KILLS=${kills} npm run test:crash`;
    throw new Error(`to replay: ${replay}\nthe service's last words: ${world.service.lastWords}`, {
      cause: error,
    });
  } finally {
    await world.end();
  }
}

describe('whatever dies', () => {
  it(
    'nothing that was acknowledged is lost or done twice, and everybody is told',
    async () => {
      const environment = mutation === 'late-outbox' ? lateOutboxEnvironment(mutatedLateMs) : {};
      await inWorld('crash', environment, async (world) => {
        if (mutation === 'late-outbox') await takeOutboxOutOfTransaction(world.pool);
        const report = await new CrashRun(world, seed, kills).run();
        process.stderr.write(`${report.summary}\n`);
        expect(report.faults.slice(0, 20)).toEqual([]);
        expect(report.kills).toHaveLength(kills);
        expect(report.databaseStops).toBe(Math.floor(kills / 3));
      });
    },
    180_000 + kills * 15_000,
  );
});

describe('the checks', () => {
  it('find out a service that writes its outbox after the commit', async () => {
    await inWorld('late', lateOutboxEnvironment(2_000), async (world) => {
      await takeOutboxOutOfTransaction(world.pool);
      for (const receiver of world.receivers) receiver.calm();
      await world.service.start();
      const told = world.writers.slice(0, 4);
      const untold = world.writers.slice(4, 8);
      const kindOf = (index: number) => (index % 2 === 0 ? 'marketing' : 'universal');
      for (const [index, writer] of told.entries()) await writer.writeOnce(kindOf(index));
      const everything = world.subscribers[0]?.arrivals ?? [];
      await eventually(
        async () => everything.length === told.length && (await findWaiting(world.pool)).length === 0,
      );
      const lost = await Promise.all(untold.map((writer, index) => writer.writeOnce(kindOf(index))));
      await world.service.kill();
      await world.service.start();
      await drain(await world.service.whenUp(), 35_000);
      const acts = await readActs(world.pool);
      const { writes } = world.journal;
      expect(findJournalFaults(writes, acts)).toEqual([]);
      expect(await findWaiting(world.pool)).toEqual([]);
      const changeOf = ({ id, subject }: Write) =>
        `${subject}:${acts.find(({ writeId }) => writeId === id)?.seq}`;
      expect(findCrmFaults(acts, writes, world.crm.arrivals).sort()).toEqual(
        lost
          .filter(({ reference }) => reference === null)
          .map((write) => `the CRM was not told of ${changeOf(write)}`),
      );
      expect(
        findWebhookFaults(acts, { name: 'everything', criteria: {}, arrivals: everything }).sort(),
      ).toEqual(lost.map((write) => `everything never took the webhook of ${changeOf(write)}`));
    });
  }, 90_000);
});
