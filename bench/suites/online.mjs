// A player's online status with a live session, and batches of what players do.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { inTurns, median, medianRatio } from '../compare.mjs';
import { fillPlayers } from '../gateway-players.mjs';
import { load } from '../load/index.mjs';
import { say } from '../progress.mjs';
import { withContestants } from './contestants.mjs';

const CONNECTIONS = 32;
/** Batches of one player wait for each other, and internal services are few. */
const BATCH_CONNECTIONS = 8;
const BARE = 'bare Fastify + pg';
const COPY = 'COPY of the same rows';
const MOST_ASKED = 50_000;
const TYPES = ['bet', 'bet', 'bet', 'win', 'deposit'];

const ACTIVITY = `
  insert into player_activity (brand_id, player_id, marketing_segmentation, tag_status, deposit_count, vip_level, average_deposit,
    segmentation_id, max_balance, ut, decline, vip_segment, total_balance, last_bet_at, last_deposit_at, last_deposit_amount,
    player_id_link, real_balance, deposits_amount, bonus_balance, wagering_balance, rounds, bets, wins)
  select $1, u.id, '10', 100, 1, 'Bronze', 4400, 1, 93604, 1, '0', 1, 93604, now(), now(), 4400,
    'https://example.com/players/' || u.id, 90604, 4400, 3000, 154012, 12, 3000, 1200
  from unnest($2::text[]) as u (id)`;
/** As the service's table: the same columns, the same key, the same index. */
const COPIED = `
  create table baseline.player_events (like public.player_events including defaults including constraints);
  alter table baseline.player_events add constraint pk_player_events primary key (brand_id, player_id, id);
  create index ix_player_events_recorded_at on baseline.player_events using brin (recorded_at);
  grant all on baseline.player_events to public`;

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function online(bench) {
  const files = await fill(bench);
  return withContestants(bench, [[BARE, 'online-status.mjs']], async (servers) => {
    const status = await measureStatus(bench, servers, files);
    return [statusLine(status), await eventsLine(bench, servers[0], files)];
  });
}

async function fill(bench) {
  const { cluster, service, folder, sizes } = bench;
  const { ids, tokens } = await fillPlayers(bench, sizes.gatewayPlayers);
  await cluster.query(service.database, ACTIVITY, [service.brandId, ids]);
  await cluster.query(service.database, 'vacuum analyze player_activity');
  await cluster.query(service.database, COPIED);
  const files = { tokens: join(folder, 'online-tokens.txt'), ids: join(folder, 'online-ids.txt') };
  writeFileSync(files.tokens, tokens.join('\n'));
  writeFileSync(files.ids, ids.join('\n'));
  return files;
}

async function measureStatus({ service: { brandId }, sizes }, servers, { tokens: file }) {
  const tokens = { path: `/gateway/online-player/1.0/player/${brandId}/online/status`, file };
  const answer = '"playerIdLink":"https://example.com/players/';
  const run = (server, options) => load(server, { tokens, answer, connections: CONNECTIONS, ...options });
  for (const server of servers) await run(server, { seed: 1, seconds: sizes.warmupSeconds });
  return inTurns(servers, sizes.rounds, async (server, round) => {
    const { perSecond } = await run(server, { seed: 10 + round, seconds: sizes.seconds });
    say(`status ${round + 1}/${sizes.rounds}: ${server.name}: ${Math.round(perSecond)}/s`);
    return perSecond;
  });
}

function statusLine(rates) {
  const [ours, theirs] = Object.values(rates);
  return {
    what: `GET online status with a session, requests/s against ${BARE}`,
    unit: '×',
    target: { atLeast: 0.9 },
    value: medianRatio(ours, theirs),
    detail: `${Math.round(median(ours))}/s : ${Math.round(median(theirs))}/s`,
    rounds: { ours, theirs },
  };
}

/** The body of a batch, with a gap for the part of each id that is its own. */
function templateOf(size) {
  const at = new Date().toISOString();
  const rest = (index) =>
    `-${index}","type":"${TYPES[index % TYPES.length]}","amount":${index % 100}.${10 + (index % 90)},"at":"${at}"}`;
  const events = Array.from({ length: size }, (_, index) => index);
  return [
    '{"events":[{"id":"',
    ...events.map((index) => rest(index) + (index === size - 1 ? ']}' : ',{"id":"')),
  ];
}

async function eventsLine(bench, server, { ids: idsFile }) {
  const { sizes } = bench;
  const size = sizes.batchEvents;
  const before = await countEvents(bench);
  const told = { sent: 0, answers: 0 };
  const tell = async (run, seconds) => {
    const batches = {
      before: '/internal/players/',
      after: '/events',
      idsFile,
      template: templateOf(size),
      run,
    };
    const answer = `{"applied":${size},"repeated":0}`;
    const result = await load(server, { batches, answer, seed: 5, connections: BATCH_CONNECTIONS, seconds });
    told.sent += result.sent;
    told.answers += result.answers;
    return result;
  };
  await tell('warm', sizes.warmupSeconds);
  const contestants = [
    { name: server.name, run: async (round) => (await tell(`r${round}`, sizes.seconds)).perSecond * size },
    { name: COPY, run: (round) => copyEvents(bench, round) },
  ];
  const rates = await inTurns(contestants, sizes.rounds, async ({ name, run }, round) => {
    const perSecond = await run(round);
    say(`events ${round + 1}/${sizes.rounds}: ${name}: ${Math.round(perSecond)}/s`);
    return perSecond;
  });
  const kept = (await countEvents(bench)) - before;
  if (kept > told.sent * size || kept < told.answers * size || kept % size !== 0)
    throw new Error(
      `${kept} events were kept of ${told.answers} batches that were answered, and ${told.sent} sent`,
    );
  const [ours, theirs] = [rates[server.name], rates[COPY]];
  return {
    what: `events in batches of ${size}, events/s (${MOST_ASKED}, or half of what ${COPY} does)`,
    unit: 'events/s',
    target: { atLeast: Math.min(MOST_ASKED, 0.5 * median(theirs)) },
    value: median(ours),
    detail: `${Math.round(median(ours))}/s : ${Math.round(median(theirs))}/s; ${kept} kept`,
    rounds: { ours, theirs },
  };
}

async function countEvents({ cluster, service: { database, brandId } }) {
  const count = 'select count(*)::float8 as events from player_events where brand_id = $1';
  return (await cluster.query(database, count, [brandId])).rows[0].events;
}

/** As many rows as a second and more of ours, in one COPY, which is one commit: what no batch of 500 can be. */
async function copyEvents({ service: { ownerUrl, brandId }, sizes }, round) {
  const batches = 200 * Math.max(1, Math.round(sizes.seconds / 2));
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const at = new Date().toISOString();
    const line = (batch, index) =>
      `${brandId}\tcopied-${batch % 1000}\tc${round}-${batch}-${index}\t1\t${index}\t${at}\n`;
    const chunks = Array.from({ length: batches }, (_, batch) =>
      Array.from({ length: sizes.batchEvents }, (__, index) => line(batch, index)).join(''),
    );
    const startedAt = performance.now();
    const copy = client.query(
      copyFrom('copy baseline.player_events (brand_id, player_id, id, type, amount, at) from stdin'),
    );
    for (const chunk of chunks) if (!copy.write(chunk)) await once(copy, 'drain');
    copy.end();
    await once(copy, 'finish');
    return (batches * sizes.batchEvents * 1000) / (performance.now() - startedAt);
  } finally {
    await client.end();
  }
}
