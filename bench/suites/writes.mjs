// POST /userconsents/:id that changes one channel, durably: state, event and outbox row, while the CRM is told of it.
import { inTurns, median, medianRatio } from '../compare.mjs';
import { withCrm } from '../crm/index.mjs';
import { countChanges } from '../dataset.mjs';
import { load } from '../load/index.mjs';
import { say } from '../progress.mjs';
import { withContestants } from './contestants.mjs';

const CONNECTIONS = 32;
const TRANSACTION = 'bare Fastify + BEGIN…COMMIT';
const FUNCTION = 'bare Fastify + one SQL function';
const EXPRESS = 'Nest-Express + TypeORM save';
/** Of the requests answered, how many must really have changed something. */
const LEAST_CHANGED = 0.97;
const CRM_MS = 20;

const CHANNELS = ['email', 'sms', 'telephone', 'postMail', 'siteNotification', 'pushNotification'];
const SETS = [
  ['casino', 'bingo'],
  ['sports', 'lottery'],
  ['bingo'],
  ['casino', 'sports', 'lottery', 'bingo'],
  ['lottery', 'bingo'],
];

/** No two of thirty runs ask for the same, so each finds something to change in whatever the last one left. */
function bodyOf(run) {
  const type = CHANNELS[run % CHANNELS.length];
  const products = SETS[Math.floor(run / CHANNELS.length) % SETS.length];
  return JSON.stringify({ consents: [{ type, opted_in: true, products }] });
}

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function writes(bench) {
  const baselines = /** @type {const} */ ([
    [TRANSACTION, 'fastify-transaction.mjs'],
    [FUNCTION, 'fastify-function.mjs'],
    [EXPRESS, 'nest-express.mjs'],
  ]);
  return withCrm(CRM_MS, async (crm) => {
    await bench.service.setCrm(bench.service.brandId, crm.origin);
    return withContestants(bench, baselines, async (servers) => {
      const measured = await measure(bench, servers);
      const told = (await crm.hear()).length;
      return toLines(servers[0], { ...measured, told }, bench.sizes);
    });
  });
}

async function measure({ service, cluster, idsFile, sizes }, servers) {
  const answers = { service: 0, baseline: 0 };
  let errors = 0;
  let runs = 0;
  const run = async (server, options) => {
    runs += 1;
    const common = { idsFile, connections: CONNECTIONS, seed: 100 + runs, body: bodyOf(runs) };
    const result = await load(server, { ...common, ...options });
    errors += result.errors;
    answers[server === servers[0] ? 'service' : 'baseline'] += result.answers;
    // What the CRM has not been told by then must not take the cores of whoever comes next.
    if (server === servers[0]) await service.discardOutbox();
    return result;
  };
  await cluster.query('postgres', 'checkpoint');
  const before = await countChanges(cluster, service.database);
  for (const server of servers) await run(server, { seconds: sizes.warmupSeconds });
  const rates = await inTurns(servers, sizes.rounds, async (server, round) => {
    const { perSecond } = await run(server, { seconds: sizes.seconds });
    say(`writes ${round + 1}/${sizes.rounds}: ${server.name}: ${Math.round(perSecond)}/s`);
    return perSecond;
  });
  const p95s = await inTurns(servers.slice(0, 2), sizes.latencyPairs, async (server) => {
    const { p95 } = await run(server, { rate: sizes.writeRate, requests: sizes.latencyRequests });
    say(`writes at ${sizes.writeRate}/s: ${server.name}: p95 ${p95.toFixed(2)} ms`);
    return p95;
  });
  const changed = changedShares(before, await countChanges(cluster, service.database), answers);
  return { rates, p95s, errors, changed };
}

/** Throws when a side has answered more than it has changed: that would be speed for nothing. */
function changedShares(before, after, answers) {
  const shares = Object.keys(answers).map((side) => {
    const share = (after[side] - before[side]) / answers[side];
    if (share < LEAST_CHANGED)
      throw new Error(`only ${Math.round(share * 100)} % of the writes of the ${side} changed anything`);
    return `${side} ${(share * 100).toFixed(1)} %`;
  });
  return shares.join(', ');
}

function toLines({ name, peakMemoryMb }, { rates, p95s, errors, changed, told }, { writeRate: rate }) {
  const ratio = (theirs, atLeast) => ({
    what: `POST, requests/s against ${theirs}`,
    unit: '×',
    target: { atLeast },
    value: medianRatio(rates[name], rates[theirs]),
    detail: `${Math.round(median(rates[name]))}/s : ${Math.round(median(rates[theirs]))}/s`,
    rounds: { ours: rates[name], theirs: rates[theirs] },
  });
  return [
    ratio(TRANSACTION, 1.3),
    ratio(FUNCTION, 0.85),
    ratio(EXPRESS, 4),
    {
      what: `POST, p95 at ${rate}/s against ${TRANSACTION}`,
      unit: '×',
      value: medianRatio(p95s[name], p95s[TRANSACTION]),
      detail: `${median(p95s[name]).toFixed(2)} ms : ${median(p95s[TRANSACTION]).toFixed(2)} ms`,
      rounds: { ours: p95s[name], theirs: p95s[TRANSACTION] },
    },
    {
      what: 'memory of the service while writing',
      unit: 'MB',
      target: { below: 200 },
      value: peakMemoryMb(),
      detail: `${errors} errors; changed: ${changed}; the CRM was told of ${told} changes meanwhile`,
    },
  ];
}
