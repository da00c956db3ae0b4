// POST /reconciliation and /products, of brands of three sizes, against psql's COPY of the same query.
import { createHash } from 'node:crypto';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { getProductsField, getStandardField, selectUsers } from '../../dist/src/reconciliation/fields.js';
import { inTurns, median, medianRatio } from '../compare.mjs';
import { load } from '../load/index.mjs';
import { drawMemory } from '../memory-chart.mjs';
import { say } from '../progress.mjs';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const CHART = join(ROOT, 'docs/reconciliation-memory.svg');
const PSQL = 'psql COPY of the same query';
const SETTLE_MS = 3000;
const SAMPLE_MS = 20;
const READ_RATE = 200;
const CONNECTIONS = 32;
/** In three of five, each for other products of casino, sports, lottery and bingo; as the masks of `marketing_states`. */
const EMAIL = 'case when n % 5 < 3 then (array[3, 7, 31, 11])[1 + n % 4] else 0 end';
const ROUTES = [
  { path: '/reconciliation', field: getStandardField('consent_email') },
  { path: '/reconciliation/products', field: getProductsField('email') },
];

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function reconciliation(bench) {
  if (spawnSync('psql', ['--version']).status !== 0)
    throw new Error('this suite compares with psql: install it');
  const brands = [];
  for (const players of bench.sizes.reconciled) brands.push(await makeBrand(bench, players));
  await bench.cluster.query(bench.service.database, 'vacuum (analyze) marketing_states');
  await bench.cluster.query('postgres', 'checkpoint');
  const largest = brands[brands.length - 1];
  await verify(bench, largest);
  const speeds = [];
  for (const route of ROUTES) speeds.push(await measureSpeed(bench, largest, route));
  const growth = [];
  for (const brand of brands) growth.push({ players: brand.players, mb: await measureGrowth(bench, brand) });
  const latency = await measureLatency(bench, largest);
  if (bench.sizes.keepsCharts) writeFileSync(CHART, drawMemory(growth, 30));
  return toLines(speeds, growth, latency, largest.players);
}

async function makeBrand({ cluster, service }, players) {
  say(`making a brand of ${players} players`);
  const brand = await service.createBrandWithKey(`Reconciled ${players}`);
  await cluster.query(
    service.database,
    `insert into marketing_states (brand_id, player_id, seq, email, email_set_at)
     select $1, 'player-' || lpad(n::text, 8, '0'), 1, ${EMAIL}, now() from generate_series(1, $2::integer) n`,
    [brand.id, players],
  );
  return { ...brand, players };
}

/** Streams once; the answer's bytes go to `take`. */
function stream(server, { path, field }, key, take = () => undefined) {
  const body = JSON.stringify({ field: field.name });
  const headers = { 'X-Api-Key': key, 'Content-Type': 'application/json', 'Content-Length': body.length };
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(path, server.origin),
      { method: 'POST', agent: false, headers },
      (incoming) => {
        let firstMs = 0;
        incoming.on('data', (chunk) => {
          firstMs ||= performance.now() - startedAt;
          take(chunk);
        });
        incoming.on('error', reject);
        incoming.on('end', () => resolve({ firstMs, ms: performance.now() - startedAt }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function rulesOf({ id }) {
  const names = ['casino', 'sports', 'lottery', 'bingo'];
  const products = names.map((name, index) => ({ bit: index + 1, name }));
  return { brandId: id, at: new Date(), products, productsRequiredOn: 0 };
}

/** Both answers hold everybody, once: by a hash of the sorted ids, against SQL that owes nothing to the service. */
async function verify({ cluster, service }, brand) {
  const server = await service.start();
  try {
    for (const route of ROUTES) {
      const chunks = [];
      await stream(server, route, brand.key, (chunk) => chunks.push(chunk));
      const { users, error } = JSON.parse(Buffer.concat(chunks).toString());
      const ids = Array.isArray(users) ? users : Object.keys(users);
      const ours = createHash('md5').update(ids.sort().join(',')).digest('hex');
      const { rows } = await cluster.query(
        service.database,
        `select md5(string_agg(player_id, ',' order by player_id collate "C")) as hash, count(*) as players
         from marketing_states where brand_id = $1 and email <> 0`,
        [brand.id],
      );
      if (error || ours !== rows[0].hash) throw new Error(`${route.path} does not answer everybody`);
      say(`${route.path}: ${rows[0].players} of ${brand.players} players, hash ${ours}, as SQL has it`);
    }
  } finally {
    await server.stop();
  }
}

async function runPsql(url, sql) {
  const startedAt = performance.now();
  const psql = spawn('psql', ['-X', '-q', '-d', url, '-c', sql], { stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise((resolve) => psql.once('close', resolve));
  if (code !== 0) throw new Error('psql failed');
  return performance.now() - startedAt;
}

async function measureSpeed({ service, sizes }, brand, route) {
  const server = await service.start();
  const copy = `copy (${selectUsers(route.field, rulesOf(brand))}) to stdout`;
  const first = [];
  const contestants = [
    {
      name: 'service',
      run: async () => {
        const { firstMs, ms } = await stream(server, route, brand.key);
        first.push(firstMs);
        return ms;
      },
    },
    { name: PSQL, run: () => runPsql(service.ownerUrl, copy) },
  ];
  try {
    for (const { run } of contestants) await run();
    first.length = 0;
    const rates = await inTurns(contestants, sizes.streamRounds, async ({ name, run }, round) => {
      const perSecond = (brand.players * 1000) / (await run());
      say(`${route.path} ${round + 1}/${sizes.streamRounds}: ${name}: ${Math.round(perSecond)} players/s`);
      return perSecond;
    });
    return { route, rates, first };
  } finally {
    await server.stop();
  }
}

function residentMb(pid) {
  const [, kb] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kb ?? 0) / 1024;
}

/** How much larger a service that was idle becomes while it streams. */
async function measureGrowth({ service }, brand) {
  const server = await service.start();
  try {
    await sleep(SETTLE_MS);
    const idle = residentMb(server.pid);
    let peak = idle;
    const timer = setInterval(() => {
      peak = Math.max(peak, residentMb(server.pid));
    }, SAMPLE_MS);
    for (const route of ROUTES) await stream(server, route, brand.key);
    clearInterval(timer);
    say(`memory, ${brand.players} players: ${idle.toFixed(0)} MB idle, ${peak.toFixed(0)} MB at most`);
    return peak - idle;
  } finally {
    await server.stop();
  }
}

/** GET /userconsents at a fixed rate, with nothing else and while one stream follows the other. */
async function measureLatency({ service, sizes, idsFile }, brand) {
  const server = await service.start();
  const reads = (seed) =>
    load(server, { idsFile, seed, connections: CONNECTIONS, rate: READ_RATE, requests: sizes.streamReads });
  const contestants = [
    { name: 'quiet', run: (seed) => reads(seed) },
    {
      name: 'streaming',
      run: async (seed) => {
        let isOver = false;
        const streams = (async () => {
          while (!isOver) await stream(server, ROUTES[0], brand.key);
        })();
        const result = await reads(seed);
        isOver = true;
        await streams;
        return result;
      },
    },
  ];
  try {
    for (const { run } of contestants) await run(1);
    return await inTurns(contestants, sizes.streamPairs, async ({ name, run }, round) => {
      const { p95 } = await run(10 + round);
      say(`GET at ${READ_RATE}/s, ${name}: p95 ${p95.toFixed(2)} ms`);
      return p95;
    });
  } finally {
    await server.stop();
  }
}

function toLines(speeds, growth, latency, players) {
  const first = speeds.flatMap((speed) => speed.first).sort((a, b) => a - b);
  const late = first[Math.floor(first.length * 0.95)] ?? 0;
  const most = Math.max(...growth.map(({ mb }) => mb));
  return [
    ...speeds.map(({ route, rates }) => ({
      what: `POST ${route.path} against psql's COPY`,
      unit: '×',
      target: { atLeast: 0.9 },
      value: medianRatio(rates.service, rates[PSQL]),
      detail: `${Math.round(median(rates.service))}/s : ${Math.round(median(rates[PSQL]))}/s, ${players} players`,
      rounds: { ours: rates.service, theirs: rates[PSQL] },
    })),
    {
      what: 'reconciliation: memory over idle',
      unit: 'MB',
      target: { below: 30 },
      value: most,
      detail: growth.map(({ players: all, mb }) => `${all} players: ${mb.toFixed(1)}`).join(', '),
    },
    {
      what: `GET at ${READ_RATE}/s, p95 while one streams against none`,
      unit: '×',
      target: { below: 4 },
      value: medianRatio(latency.streaming, latency.quiet),
      detail: `${median(latency.streaming).toFixed(2)} ms : ${median(latency.quiet).toFixed(2)} ms`,
      rounds: { ours: latency.streaming, theirs: latency.quiet },
    },
    {
      what: 'reconciliation: first byte',
      unit: 'ms',
      target: { below: 50 },
      value: late,
      detail: `p95 of ${first.length}; median ${median(first).toFixed(1)} ms`,
    },
  ];
}
