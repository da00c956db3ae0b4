// A backlog of CRM events, left by an import while the service was down, drains to a CRM that answers at once.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inTurns } from '../compare.mjs';
import { withCrm } from '../crm/index.mjs';
import { playerId } from '../generate-import.mjs';
import { say } from '../progress.mjs';

const LOOP = join(dirname(dirname(fileURLToPath(import.meta.url))), 'baselines/undici-loop.mjs');
export const OURS = 'service';
export const BARE = 'bare undici loop';
/** The places of the service's lane for imports. */
const CONCURRENCY = 32;
const run = promisify(execFile);

/**
 * @param {import('../run.mjs').Bench} bench
 * @returns {Promise<{rates: Record<string, number[]>, events: number, memory: number}>} events/s as the CRM sees them
 */
export async function measureDrain(bench) {
  const { cluster, sizes, folder } = bench;
  const ids = Array.from({ length: sizes.backlog }, (_, index) => playerId(index));
  const files = { ids: join(folder, 'backlog-ids.txt'), rows: join(folder, 'backlog.csv') };
  writeFileSync(files.ids, `${ids.join('\n')}\n`);
  writeFileSync(files.rows, importFileOf(ids));
  const seen = { memory: 0 };
  return withCrm(0, async (crm) => {
    const contestants = [
      { name: OURS, drain: (round) => drainOurs(bench, crm, files.rows, round, seen) },
      { name: BARE, drain: () => drainBare(crm, files.ids, ids.length) },
    ];
    await contestants[1].drain();
    const rates = await inTurns(contestants, sizes.drainRounds, async ({ name, drain }, round) => {
      await crm.hear();
      await cluster.query('postgres', 'checkpoint');
      const rate = rateOf(await drain(round), ids.length);
      say(`backlog ${round + 1}/${sizes.drainRounds}: ${name}: ${Math.round(rate)}/s`);
      return rate;
    });
    return { rates, events: ids.length, memory: seen.memory };
  });
}

function importFileOf(ids) {
  const rows = ids.map((id) => `${id},email,true,casino|sports,2026-01-31T12:00:00Z,migration`);
  return `player_id,channel,opted_in,products,occurred_at,source\n${rows.join('\n')}\n`;
}

async function drainOurs({ service, cluster, sizes }, crm, file, round, seen) {
  const brandId = await service.createBrand(`Backlog ${round + 1}`, crm.origin);
  await service.importFile(file, brandId);
  await cluster.query('postgres', 'checkpoint');
  const server = await service.start();
  try {
    const heard = await crm.hear(sizes.backlog);
    await service.awaitDelivered();
    seen.memory = Math.max(seen.memory, server.peakMemoryMb());
    return heard;
  } finally {
    await server.stop();
  }
}

async function drainBare(crm, idsFile, players) {
  await run(process.execPath, [LOOP, crm.origin, idsFile, String(CONCURRENCY)]);
  return crm.hear(players);
}

/** From the first request's arrival to the last answer. Throws when a player was left out. */
function rateOf(heard, players) {
  const told = new Set(heard.map(({ playerId: id }) => id)).size;
  if (told !== players) throw new Error(`the CRM was told of ${told} players, not of ${players}`);
  const seconds = (heard[heard.length - 1].answeredAt - heard[0].arrivedAt) / 1000;
  return players / seconds;
}
