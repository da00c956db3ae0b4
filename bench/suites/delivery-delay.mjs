// From a change to the CRM's 200, at a fixed rate of changes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withCrm } from '../crm/index.mjs';
import { countChanges } from '../dataset.mjs';
import { load } from '../load/index.mjs';
import { say } from '../progress.mjs';

const CONNECTIONS = 32;
const body = (products) => JSON.stringify({ consents: [{ type: 'email', opted_in: true, products }] });

/**
 * @typedef {{p50: number, p95: number, p99: number}} Percentiles ms
 * @param {import('../run.mjs').Bench} bench
 * @param {number} crmMs how long the CRM takes to answer
 * @returns {Promise<{fromAnswer: Percentiles, fromBegin: Percentiles, told: number, events: number, memory: number}>}
 */
export async function measureDelay({ service, cluster, idsFile, folder, sizes }, crmMs) {
  const journal = join(folder, 'changes.txt');
  const common = { idsFile, connections: CONNECTIONS, rate: sizes.changeRate };
  return withCrm(crmMs, async ({ origin, hear }) => {
    await service.discardOutbox();
    await service.setCrm(service.brandId, origin);
    const server = await service.start();
    try {
      const requests = sizes.changeRate * sizes.warmupSeconds;
      await load(server, { ...common, seed: 301, requests, body: body(['casino', 'lottery']) });
      await service.awaitDelivered();
      await hear();
      const before = await countChanges(cluster, service.database);
      await load(server, {
        ...common,
        seed: 302,
        requests: sizes.changes,
        body: body(['casino', 'bingo']),
        journal,
      });
      await service.awaitDelivered();
      const after = await countChanges(cluster, service.database);
      const result = compare(readChanges(journal), await hear(), after.service - before.service);
      say(`changes at ${sizes.changeRate}/s: p50 ${result.fromAnswer.p50.toFixed(1)} ms`);
      return { ...result, memory: server.peakMemoryMb() };
    } finally {
      await server.stop();
    }
  });
}

function readChanges(file) {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [playerId, dueAt, answeredAt] = line.split(' ');
    return { playerId, dueAt: Number(dueAt), answeredAt: Number(answeredAt) };
  });
}

/**
 * Each player is changed once, and all earlier events are gone: the first request about a player that has arrived since the
 * POST was due tells of this change, since its row is not seen by anyone before the commit. A player who had already what
 * was asked for is not told of: there must be as many as the database has changed.
 */
function compare(changes, heard, changed) {
  const events = groupByPlayer(heard);
  const told = changes.flatMap(({ playerId, dueAt, answeredAt }) => {
    const event = events.get(playerId)?.find(({ arrivedAt }) => arrivedAt >= dueAt);
    return event ? [{ fromAnswer: event.answeredAt - answeredAt, fromBegin: event.answeredAt - dueAt }] : [];
  });
  if (told.length !== changed) throw new Error(`${changed} players changed, the CRM heard of ${told.length}`);
  return {
    fromAnswer: percentilesOf(told.map(({ fromAnswer }) => fromAnswer)),
    fromBegin: percentilesOf(told.map(({ fromBegin }) => fromBegin)),
    told: told.length,
    events: heard.length,
  };
}

function groupByPlayer(heard) {
  const events = new Map();
  for (const event of heard) {
    const known = events.get(event.playerId);
    if (known) known.push(event);
    else events.set(event.playerId, [event]);
  }
  return events;
}

function percentilesOf(values) {
  const sorted = Float64Array.from(values).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
