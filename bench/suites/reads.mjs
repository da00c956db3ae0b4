// GET /userconsents/:id of random players.
import { inTurns, median, medianRatio } from '../compare.mjs';
import { load } from '../load/index.mjs';
import { say } from '../progress.mjs';
import { withContestants } from './contestants.mjs';

const CONNECTIONS = 32;
const EXPRESS = 'Nest-Express + findOneBy';
const FASTIFY = 'bare Fastify + pg';

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function reads(bench) {
  const baselines = /** @type {const} */ ([
    [FASTIFY, 'fastify-read.mjs'],
    [EXPRESS, 'nest-express.mjs'],
  ]);
  return withContestants(bench, baselines, async (servers) =>
    toLines(servers[0], await measure(bench, servers), bench.sizes),
  );
}

async function measure({ idsFile, sizes }, servers) {
  const common = { idsFile, connections: CONNECTIONS };
  let errors = 0;
  const run = async (server, options) => {
    const result = await load(server, { ...common, ...options });
    errors += result.errors;
    return result;
  };
  for (const server of servers) await run(server, { seed: 1, seconds: sizes.warmupSeconds });
  const rates = await inTurns(servers, sizes.rounds, async (server, round) => {
    const { perSecond } = await run(server, { seed: 10 + round, seconds: sizes.seconds });
    say(`reads ${round + 1}/${sizes.rounds}: ${server.name}: ${Math.round(perSecond)}/s`);
    return perSecond;
  });
  const p95s = await inTurns(servers.slice(0, 2), sizes.latencyPairs, async (server, round) => {
    const { p95 } = await run(server, {
      seed: 50 + round,
      rate: sizes.readRate,
      requests: sizes.latencyRequests,
    });
    say(`reads at ${sizes.readRate}/s: ${server.name}: p95 ${p95.toFixed(2)} ms`);
    return p95;
  });
  return { rates, p95s, errors };
}

function toLines({ name: ours, peakMemoryMb }, { rates, p95s, errors }, { readRate: rate }) {
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
    {
      what: 'memory of the service while reading',
      unit: 'MB',
      target: { below: 200 },
      value: peakMemoryMb(),
      detail: `${errors} errors`,
    },
  ];
}
