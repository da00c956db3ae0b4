// A player's details with a live session, and log-ins that must starve nobody.
import { createHash, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hash } from '@node-rs/argon2';
import { inTurns, median, medianRatio } from '../compare.mjs';
import { load } from '../load/index.mjs';
import { say } from '../progress.mjs';
import { withContestants } from './contestants.mjs';

const CONNECTIONS = 32;
const BARE = 'bare Fastify + pg';
const PASSWORD = 'Passw0rd1';
/** As the service hashes. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const SECONDS_BEFORE = 2;

/** Completes players, all with one password, and gives each a session. Parameters: brand, ids, hash, token hashes, uuids. */
const FILL = [
  `insert into players (brand_id, player_id, language, has_details, first_name, last_name, birth_on, gender, country, city,
     address, zip_postal_code, phone)
   select $1, u.id, 'en', true, 'Jane', 'Doe', '1996-11-02', 'F', 'GB', 'London', '1 High Street', 'SW1A 1AA', '44-7400123456'
   from unnest($2::text[]) as u (id)`,
  `insert into player_credentials (brand_id, player_id, username, username_key, email, email_key, email_verified_at,
     password_hash, registered_at)
   select $1, u.id, 'user' || u.id, 'user' || u.id, u.id || '@example.com', u.id || '@example.com', now(), $3, now()
   from unnest($2::text[]) as u (id)`,
  `insert into sessions (id, brand_id, player_id, token_hash, idle_ttl, expires_at)
   select u.uuid, $1, u.id, u.token, 86400, now() + interval '1 day'
   from unnest($2::text[], $3::bytea[], $4::uuid[]) as u (id, token, uuid)`,
];

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function gateway(bench) {
  const files = await fill(bench);
  return withContestants(bench, [[BARE, 'gateway-details.mjs']], async (servers) => {
    const details = await measureDetails(bench, servers, files);
    return [detailsLine(details), await stormLine(bench, servers[0], files)];
  });
}

async function fill({ cluster, service: { database, brandId }, folder, sizes }) {
  const { rows } = await cluster.query(
    database,
    'select player_id from marketing_states where brand_id = $1 and is_player order by player_id limit $2',
    [brandId, sizes.gatewayPlayers],
  );
  const ids = rows.map((row) => row.player_id);
  const tokens = ids.map(() => randomUUID());
  const tokenHashes = tokens.map((token) => createHash('sha256').update(token).digest());
  await cluster.query(database, FILL[0], [brandId, ids]);
  await cluster.query(database, FILL[1], [brandId, ids, await hash(PASSWORD, COST)]);
  await cluster.query(database, FILL[2], [brandId, ids, tokenHashes, ids.map(() => randomUUID())]);
  for (const table of ['players', 'player_credentials', 'sessions']) {
    await cluster.query(database, `vacuum analyze ${table}`);
  }
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
