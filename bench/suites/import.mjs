// Six million rows of consents of a million players into a brand that has none, with their events and outbox rows.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { inTurns, median, medianRatio } from '../compare.mjs';
import { addBaselineBrand } from '../dataset.mjs';
import { writeImportFile } from '../generate-import.mjs';
import { say } from '../progress.mjs';
import { copier, runScript } from '../sql-script.mjs';

const BASELINES = join(dirname(dirname(fileURLToPath(import.meta.url))), 'baselines');
const OURS = 'service, import consents';
const SCRIPT = "an expert's SQL script";
const COPY = `${copier} \\copy alone`;
/** Brands of the rounds on the baselines' side. */
const FIRST_BRAND = 1001;
const SEED = 7;

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function imports(bench) {
  const { sizes, folder } = bench;
  const files = { whole: join(folder, 'import.csv'), wellFormed: join(folder, 'import-well-formed.csv') };
  const shape = { rows: sizes.importRows, players: sizes.importPlayers, seed: SEED };
  say(`writing files of ${sizes.importRows} rows`);
  await writeImportFile(files.whole, { ...shape, wellFormed: false });
  await writeImportFile(files.wellFormed, { ...shape, wellFormed: true });
  const seen = { memory: 0, result: null, brands: [] };
  const contestants = [
    { name: OURS, run: (round) => importOurs(bench, files.whole, round, seen) },
    { name: SCRIPT, run: (round) => importByScript(bench, files.wellFormed, FIRST_BRAND + round) },
    { name: COPY, run: () => importByCopy(bench, files.wellFormed) },
  ];
  const seconds = await inTurns(contestants, sizes.importRounds, async ({ name, run }, round) => {
    await bench.cluster.query('postgres', 'checkpoint');
    const took = await run(round);
    say(`import ${round + 1}/${sizes.importRounds}: ${name}: ${took.toFixed(1)} s`);
    return took;
  });
  const same = await compareOutcome(bench.service, seen.brands[0], FIRST_BRAND);
  return toLines(seconds, seen, same, sizes.importRows);
}

async function timed(work) {
  const startedAt = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - startedAt) / 1000 };
}

async function importOurs({ service }, file, round, seen) {
  const brandId = await service.createBrand(`Import ${round + 1}`);
  seen.brands.push(brandId);
  const { result, seconds } = await timed(() => service.importFile(file, brandId));
  seen.memory = Math.max(seen.memory, result.peakMemoryMb);
  seen.result = result.result;
  return seconds;
}

async function importByScript({ service }, file, brandId) {
  const client = new pg.Client({ connectionString: service.ownerUrl });
  await client.connect();
  await addBaselineBrand(client, brandId).finally(() => client.end());
  const settings = { 'bench.brand': String(brandId) };
  return (await timed(() => runScript(service.ownerUrl, join(BASELINES, 'import.sql'), file, settings)))
    .seconds;
}

async function importByCopy({ service }, file) {
  return (await timed(() => runScript(service.ownerUrl, join(BASELINES, 'copy.sql'), file))).seconds;
}

/**
 * Both sides must have ended with the same states, changes and messages; throws when they have not. In what order the
 * changes of different channels of a player are numbered is left to each.
 */
async function compareOutcome({ ownerUrl }, ours, theirs) {
  say('comparing what both have written');
  const sumUp = (schema) => `
    select (select count(*) from ${schema}.outbox where brand_id = $1)::text as outbox, e.*, s.*
    from (select count(*)::text as events, sum(hashtextextended(concat_ws(',', player_id, channel, before, after,
            extract(epoch from occurred_at), source), 0))::text as event_hash
          from ${schema}.consent_events where brand_id = $1) e,
      (select count(*)::text as states, sum(hashtextextended(concat_ws(',', player_id, email, sms, telephone, post_mail,
            site_notification, push_notification, extract(epoch from email_set_at), extract(epoch from sms_set_at)), seq))::text
            as state_hash from ${schema}.marketing_states where brand_id = $1) s`;
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const [one] = (await client.query(sumUp('public'), [ours])).rows;
    const [other] = (await client.query(sumUp('baseline'), [theirs])).rows;
    if (JSON.stringify(one) !== JSON.stringify(other)) {
      throw new Error(`the imports ended differently: ${JSON.stringify(one)} and ${JSON.stringify(other)}`);
    }
    return one;
  } finally {
    await client.end();
  }
}

function toLines(seconds, { memory, result }, same, rows) {
  const ratio = (theirs, atLeast) => ({
    what: `import, rows/s against ${theirs}`,
    unit: '×',
    target: { atLeast },
    value: medianRatio(seconds[theirs], seconds[OURS]),
    detail: `${median(seconds[OURS]).toFixed(1)} s : ${median(seconds[theirs]).toFixed(1)} s`,
    rounds: { ours: seconds[OURS], theirs: seconds[theirs] },
  });
  return [
    ratio(SCRIPT, 0.8),
    ratio(COPY, 0.15),
    {
      what: 'memory of the import',
      unit: 'MB',
      target: { below: 200 },
      value: memory,
      detail: `${rows} rows, ${result?.rejected} rejected, ${same.events} events, ${same.outbox} outbox rows`,
    },
  ];
}
