// A player's details with a live session, and log-ins that must starve nobody.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inTurns, median, medianRatio } from '../compare.mjs';
import { fillPlayers, PASSWORD } from '../gateway-players.mjs';
import { load } from '../load/index.mjs';
import { say } from '../progress.mjs';
import { withContestants } from './contestants.mjs';

const CONNECTIONS = 32;
const BARE = 'bare Fastify + pg';
const SECONDS_BEFORE = 2;

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function gateway(bench) {
  const files = await fill(bench);
  return withContestants(bench, [[BARE, 'gateway-details.mjs']], async (servers) => {
    const details = await measureDetails(bench, servers, files);
    return [detailsLine(details), await stormLine(bench, servers[0], files)];
  });
}

async function fill(bench) {
  const { ids, tokens } = await fillPlayers(bench, 0);
  const { folder } = bench;
  const files = { tokens: join(folder, 'tokens.txt'), logins: join(folder, 'logins.txt') };
  writeFileSync(files.tokens, tokens.join('\n'));
  const bodyOf = (id) => JSON.stringify({ user_name: `user${id}`, password: PASSWORD });
  writeFileSync(files.logins, ids.map(bodyOf).join('\n'));
  return files;
}

async function measureDetails({ service: { brandId }, sizes }, servers, { tokens: file }) {
  const tokens = { path: `/gateway/player-personal-details/player/details/1.0/${brandId}`, file };
  const answer = '"eMailAdress":"';
  const run = (server, options) => load(server, { tokens, answer, connections: CONNECTIONS, ...options });
  for (const server of servers) await run(server, { seed: 1, seconds: sizes.warmupSeconds });
  return inTurns(servers, sizes.rounds, async (server, round) => {
    const { perSecond } = await run(server, { seed: 10 + round, seconds: sizes.seconds });
    say(`details ${round + 1}/${sizes.rounds}: ${server.name}: ${Math.round(perSecond)}/s`);
    return perSecond;
  });
}

function detailsLine(rates) {
  const [ours, theirs] = Object.values(rates);
  return {
    what: `GET details with a session, requests/s against ${BARE}`,
    unit: '×',
    target: { atLeast: 1 },
    value: medianRatio(ours, theirs),
    detail: `${Math.round(median(ours))}/s : ${Math.round(median(theirs))}/s`,
    rounds: { ours, theirs },
  };
}

/** Readers of consents while many log in, and while nobody does. Log-ins beyond what the cores can hash are refused (429). */
async function stormLine({ service: { brandId }, idsFile, sizes }, server, { logins: file }) {
  const seconds = sizes.stormReads / sizes.stormReadRate;
  const read = async (seed) => {
    const options = { idsFile, seed, connections: CONNECTIONS, rate: sizes.stormReadRate };
    return (await load(server, { ...options, requests: sizes.stormReads })).p95;
  };
  const logIn = (seed, length) =>
    load(server, {
      bodies: { path: `/gateway/login/1.0/${brandId}/player`, file },
      ...{ seed, connections: 64, rate: sizes.stormRate, requests: Math.round(sizes.stormRate * length) },
      ...{ status: 200, answer: '"auth_token":"', mayFail: true },
    });
  const [idle, stormy] = [[], []];
  for (let round = 0; round < sizes.stormRounds; round += 1) {
    idle.push(await read(20 + round));
    const storm = logIn(40 + round, seconds + 2 * SECONDS_BEFORE);
    await new Promise((resolve) => setTimeout(resolve, SECONDS_BEFORE * 1000));
    stormy.push(await read(60 + round));
    const { answers, errors, p95 } = await storm;
    say(
      `storm ${round + 1}/${sizes.stormRounds}: ${answers} log-ins, ${errors} refused, p95 ${Math.round(p95)} ms`,
    );
    say(`reads: p95 ${idle.at(-1).toFixed(2)} ms, in the storm ${stormy.at(-1).toFixed(2)} ms`);
  }
  return {
    what: `GET consents at ${sizes.stormReadRate}/s under ${sizes.stormRate} log-ins/s, p95 against idle`,
    unit: '×',
    target: { below: 3 },
    value: medianRatio(stormy, idle),
    detail: `${median(stormy).toFixed(2)} ms : ${median(idle).toFixed(2)} ms`,
    rounds: { ours: stormy, theirs: idle },
  };
}
