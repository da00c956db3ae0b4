// Withdrawing by a link, beside the CRM's own POST that does the same; the page behind it; and making links.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inTurns, median, medianRatio } from '../compare.mjs';
import { withCrm } from '../crm/index.mjs';
import { countChanges } from '../dataset.mjs';
import { load } from '../load/index.mjs';
import { say } from '../progress.mjs';
import { withContestants } from './contestants.mjs';

const CONNECTIONS = 32;
const CRM_MS = 20;
/** Of the requests answered, how many must really have withdrawn something. */
const LEAST_CHANGED = 0.97;
/** As many as a call takes. */
const BATCH = 10_000;
/** In for every product. */
const IN = 31;
const CLICK = 'one click';
const POST = 'POST /userconsents/:id';
const TICK_MS = 10;

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function unsubscribe(bench) {
  return withCrm(CRM_MS, async (crm) => {
    await bench.service.setCrm(bench.service.brandId, crm.origin);
    return withContestants(bench, [], async ([server]) => {
      const players = readFileSync(bench.idsFile, 'utf8').trimEnd().split('\n').slice(0, bench.sizes.links);
      const minting = await mint(server, players, bench.sizes.mintRounds);
      const files = writeFiles(bench.folder, players, minting.paths);
      const clicks = await measureClicks(bench, server, players, files);
      const page = await measurePage(bench.sizes, server, files);
      return toLines(server, minting, clicks, page);
    });
  });
}

/** Makes a link for every player, then times whole calls by what they cost the service's process. */
async function mint(server, players, rounds) {
  const call = async (ids) => {
    const links = ids.map((player_id) => ({ player_id, channel: 'email', campaign: 'spring-2026' }));
    const answer = await fetch(`${server.origin}/unsubscribe-links`, {
      method: 'POST',
      headers: { ...server.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ links }),
    });
    if (answer.status !== 200) throw new Error(`minting answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()).links.map(({ url }) => new URL(url).pathname);
  };
  const paths = [];
  for (let from = 0; from < players.length; from += BATCH)
    paths.push(...(await call(players.slice(from, from + BATCH))));
  const batch = Array.from({ length: BATCH }, (_, index) => players[index % players.length]);
  const costs = [];
  const times = [];
  for (let round = 0; round < rounds; round += 1) {
    const [cpu, clock] = [processorMs(server.pid), performance.now()];
    await call(batch);
    times.push(performance.now() - clock);
    costs.push(processorMs(server.pid) - cpu);
  }
  say(`minting ${BATCH} links: ${median(costs).toFixed(0)} ms of a core`);
  return { paths, costs, times };
}

/** How long a process has been running on any core. */
function processorMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function writeFiles(folder, players, paths) {
  const idsFile = join(folder, 'unsubscribe-ids.txt');
  const pathsFile = join(folder, 'unsubscribe-links.txt');
  writeFileSync(idsFile, `${players.join('\n')}\n`);
  writeFileSync(pathsFile, `${paths.join('\n')}\n`);
  return { idsFile, pathsFile };
}

/** Both sides withdraw the mail of the same players, all of whom are in before each run. */
async function measureClicks({ service, cluster, sizes }, server, players, { idsFile, pathsFile }) {
  const sides = [
    {
      name: CLICK,
      load: { formsFile: pathsFile, form: 'List-Unsubscribe=One-Click', answer: 'unsubscribed' },
    },
    { name: POST, load: { idsFile, body: '{"consents":[{"type":"email","opted_in":false}]}' } },
  ];
  let runs = 0;
  let answers = 0;
  let changes = 0;
  const run = async (side, seconds) => {
    runs += 1;
    await cluster.query(
      service.database,
      `update marketing_states set email = ${IN} where brand_id = ${service.brandId} and email <> ${IN}
         and player_id <= '${players.at(-1)}' collate "C"`,
    );
    await cluster.query(service.database, 'vacuum marketing_states');
    const before = (await countChanges(cluster, service.database)).service;
    const result = await load(server, { ...side.load, connections: CONNECTIONS, seed: 100 + runs, seconds });
    answers += result.answers;
    changes += (await countChanges(cluster, service.database)).service - before;
    await service.discardOutbox();
    return result;
  };
  await cluster.query('postgres', 'checkpoint');
  for (const side of sides) await run(side, sizes.warmupSeconds);
  const rates = await inTurns(sides, sizes.rounds, async (side, round) => {
    const { perSecond } = await run(side, sizes.seconds);
    say(`unsubscribe ${round + 1}/${sizes.rounds}: ${side.name}: ${Math.round(perSecond)}/s`);
    return perSecond;
  });
  if (changes < answers * LEAST_CHANGED)
    throw new Error(`${answers} withdrawals changed only ${changes} states`);
  return { rates, changes, answers };
}

async function measurePage(sizes, server, { pathsFile }) {
  const options = { pathsFile, connections: CONNECTIONS, headers: {}, answer: '<!DOCTYPE html>' };
  const rates = [];
  for (let round = 0; round < sizes.rounds; round += 1) {
    const { perSecond } = await load(server, { ...options, seed: 500 + round, seconds: sizes.seconds });
    say(`page ${round + 1}/${sizes.rounds}: ${Math.round(perSecond)}/s`);
    rates.push(perSecond);
  }
  return { rates };
}

function toLines({ peakMemoryMb }, minting, { rates, changes, answers }, page) {
  return [
    {
      what: `one-click unsubscribe, requests/s against ${POST}`,
      unit: '×',
      target: { atLeast: 0.8 },
      value: medianRatio(rates[CLICK], rates[POST]),
      detail: `${Math.round(median(rates[CLICK]))}/s : ${Math.round(median(rates[POST]))}/s`,
      rounds: { ours: rates[CLICK], theirs: rates[POST] },
    },
    {
      what: 'making 10,000 links, of one core',
      unit: 'ms',
      target: { below: 300 },
      value: median(minting.costs),
      detail: `${Math.round(median(minting.times))} ms from request to answer`,
    },
    {
      what: 'the page of preferences, requests/s',
      unit: '/s',
      target: { atLeast: 2000 },
      value: median(page.rates),
      detail: `of ${page.rates.length} rounds`,
    },
    {
      what: 'memory of the service while unsubscribing',
      unit: 'MB',
      target: { below: 200 },
      value: peakMemoryMb(),
      detail: `${changes} of ${answers} withdrawals changed something`,
    },
  ];
}
