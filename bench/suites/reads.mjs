// GET /userconsents/:id of random players.
import { inTurns, median, medianRatio } from '../compare.mjs';
import { load } from '../load/index.mjs';
import { say } from '../progress.mjs';
import { startBaseline } from './baseline-servers.mjs';

const CONNECTIONS = 32;
const EXPRESS = 'Nest-Express + findOneBy';
const FASTIFY = 'bare Fastify + pg';

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function reads(bench) {
  const { service, idsFile, sizes } = bench;
  const servers = [
    await service.start(),
    await startBaseline(bench, FASTIFY, 'fastify-read.mjs'),
    await startBaseline(bench, EXPRESS, 'nest-express.mjs'),
  ];
  try {
    const [ours, fastify] = servers;
    let errors = 0;
    const common = { idsFile, connections: CONNECTIONS };
    for (const server of servers) await load(server, { ...common, seed: 1, seconds: sizes.warmupSeconds });
    const rates = await inTurns(servers, sizes.rounds, async (server, round) => {
      const result = await load(server, { ...common, seed: 10 + round, seconds: sizes.seconds });
      errors += result.errors;
      say(`reads ${round + 1}/${sizes.rounds}: ${server.name}: ${Math.round(result.perSecond)}/s`);
      return result.perSecond;
    });
    const p95s = await inTurns([ours, fastify], sizes.latencyPairs, async (server, round) => {
      const options = { ...common, seed: 50 + round, rate: sizes.readRate, requests: sizes.latencyRequests };
      const result = await load(server, options);
      errors += result.errors;
      say(`reads at ${sizes.readRate}/s: ${server.name}: p95 ${result.p95.toFixed(2)} ms`);
      return result.p95;
    });
    return toLines({ ours: ours.name, rates, p95s, errors, memory: ours.peakMemoryMb(), rate: sizes.readRate });
  } finally {
    for (const server of servers) await server.stop();
  }
}

function toLines({ ours, rates, p95s, errors, memory, rate }) {
  const ratio = (name, atLeast) => ({
    what: `GET, requests/s against ${name}`,
    unit: '×',
    target: { atLeast },
    value: medianRatio(rates[ours], rates[name]),
    detail: `${Math.round(median(rates[ours]))}/s : ${Math.round(median(rates[name]))}/s`,
    rounds: { ours: rates[ours], theirs: rates[name] },
  });
  return [
    ratio(FASTIFY, 1.3),
    ratio(EXPRESS, 5),
    {
      what: `GET, p95 at ${rate}/s against ${FASTIFY}`,
      unit: '×',
      value: medianRatio(p95s[ours], p95s[FASTIFY]),
      detail: `${median(p95s[ours]).toFixed(2)} ms : ${median(p95s[FASTIFY]).toFixed(2)} ms`,
      rounds: { ours: p95s[ours], theirs: p95s[FASTIFY] },
    },
    { what: 'memory of the service while reading', unit: 'MB', target: { below: 200 }, value: memory, detail: `${errors} errors` },
  ];
}
