// Who takes part in the suite of universal consents, what each is asked, and the same subjects for all.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { withC15t } from '../c15t/index.mjs';
import { bodyFrom, consentOf } from '../consents.mjs';
import { say } from '../progress.mjs';
import { withContestants } from './contestants.mjs';

const SCHEMA = join(dirname(dirname(fileURLToPath(import.meta.url))), 'baselines/universal.sql');
export const BARE_READ = 'bare Fastify + pg';
export const BARE_WRITE = 'bare Fastify + the same writes';
const CONNECTIONS = 32;
/** So many subjects are looked at to see that a side answers what was recorded. */
const SAMPLE = 100;
const USER_AGENT =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36';

const OUR_PATH = '/api/universalconsent';
const OUR_BODY =
  '{"ConsentGiven":"{level}","CustomUserId":"{subject}@example.com","Reference":"{reference}","ConsentType":"{type}",' +
  '"Metadata":"{\\"form\\":\\"sign-up\\",\\"version\\":3}"}';
const OUR_WRITES = { path: OUR_PATH, template: OUR_BODY, status: 201, answer: '"ClientId":"' };
const THEIR_PATH = '/api/c15t/subjects';
const THEIR_TYPE = 'marketing_communications';
// A level is a choice of two purposes; `givenAt` makes each of a subject's consents another one.
const THEIR_BODY =
  `{"type":"${THEIR_TYPE}","subjectId":"sub_{subject}","externalSubjectId":"{subject}@example.com",` +
  '"domain":"bench.example","preferences":{"marketing":{isGiven},"measurement":{isAll}},"givenAt":{now},' +
  '"metadata":{"form":"sign-up","version":3,"reference":"{reference}","type":"{type}"}}';

/**
 * @typedef {object} Side
 * @property {string} name
 * @property {import('../servers.mjs').Server} server
 * @property {object} load what it is asked, for the load generator
 */

/**
 * Starts everybody, records a consent of each subject, and lends the sides of both comparisons, the service first.
 * @template T
 * @param {import('../run.mjs').Bench} bench
 * @param {(sides: {reads: Side[], writes: Side[], count: () => Promise<Record<string, Counts>>}) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withSides(bench, work) {
  const { cluster, service, sizes, folder } = bench;
  await cluster.query(
    service.database,
    `set role ${new URL(service.ownerUrl).username}; ${readFileSync(SCHEMA, 'utf8')}`,
  );
  const baselines = /** @type {const} */ ([
    [BARE_READ, 'universal-read.mjs'],
    [BARE_WRITE, 'universal-write.mjs'],
  ]);
  return withContestants(bench, baselines, ([ours, bareRead, bareWrite]) =>
    withC15t(bench, async (c15t) => {
      const theirs = { path: THEIR_PATH, template: THEIR_BODY, status: 200, answer: '"consentId":"' };
      const writes = [
        writingSide(ours, OUR_WRITES),
        writingSide(bareWrite, OUR_WRITES),
        writingSide(c15t.server, theirs),
      ];
      const [our, bare] = [await record(writes[0], sizes.subjects), await record(writes[1], sizes.subjects)];
      const reads = [
        readingSide(ours, our.map(toOurRead), folder, '"ConsentGiven":"'),
        readingSide(bareRead, bare.map(toOurRead), folder, '"ConsentGiven":"'),
        readingSide(
          c15t.server,
          await recordTheirs(c15t, writes[2], sizes.subjects),
          folder,
          '"hasConsent":true',
        ),
      ];
      for (const side of reads) await verify(side);
      await cluster.query(service.database, 'vacuum (analyze)');
      await c15t.query('vacuum (analyze)');
      await cluster.query('postgres', 'checkpoint');
      return work({ reads, writes, count: () => countAll(bench, c15t) });
    }),
  );
}

function writingSide(server, { path, template, status, answer }) {
  const headers = { ...server.headers, 'User-Agent': USER_AGENT };
  return { name: server.name, server, load: { headers, status, answer, writes: { path, template } } };
}

/** The public read shows no key. */
function readingSide(server, paths, folder, answer) {
  const pathsFile = join(folder, `paths of ${server.name}.txt`);
  writeFileSync(pathsFile, `${paths.join('\n')}\n`);
  return { name: server.name, server, paths, load: { headers: {}, answer, pathsFile } };
}

const toOurRead = (clientId, n) =>
  `${OUR_PATH}/consent-given?ClientId=${clientId}&Reference=${consentOf(n, 0).reference}`;

/** A consent of each subject, through the API; answers the client ids in the order of the subjects. */
async function record({ name, server, load: { headers, status, writes } }, subjects) {
  say(`recording ${subjects} consents: ${name}`);
  const pool = new Pool(server.origin, { connections: CONNECTIONS });
  const bodyOf = bodyFrom(writes.template);
  const all = {
    path: writes.path,
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
  };
  const ids = [];
  let next = 0;
  const worker = async () => {
    while (next < subjects) {
      const n = next;
      next += 1;
      const { statusCode, body } = await pool.request({ ...all, body: bodyOf(consentOf(n, 0)) });
      const text = await body.text();
      if (statusCode !== status) throw new Error(`${name} answers ${statusCode}: ${text.slice(0, 300)}`);
      ids[n] = JSON.parse(text).ClientId;
    }
  };
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  } finally {
    await pool.destroy();
  }
  return ids;
}

/** The first through its API, which also makes its domain, policy and purposes; the others are copies of those rows. */
async function recordTheirs(c15t, side, subjects) {
  await record(side, 1);
  const all = Array.from({ length: subjects }, (_, n) => consentOf(n, 0).subject);
  await c15t.query(
    `insert into subject select r.* from subject s, unnest($1::text[]) d, jsonb_populate_record(s,
       jsonb_build_object('id', 'sub_' || d, 'externalId', d || '@example.com')) r`,
    [all.slice(1)],
  );
  await c15t.query(
    `insert into consent select r.* from consent c, unnest($1::text[]) d, jsonb_populate_record(c,
       jsonb_build_object('id', 'cns_' || d, 'subjectId', 'sub_' || d)) r`,
    [all.slice(1)],
  );
  return all.map(
    (subject) => `/api/c15t/consents/check?externalId=${subject}@example.com&type=${THEIR_TYPE}`,
  );
}

/** What was recorded is what is answered; c15t calls every consent that is recorded one, a refused one too. */
async function verify({ name, server, paths, load: { answer } }) {
  for (let n = 0; n < Math.min(SAMPLE, paths.length); n += 1) {
    const right = name === 'c15t' ? answer : `"${consentOf(n, 0).level}"`;
    const text = await (await fetch(server.origin + paths[n])).text();
    if (!text.includes(right)) throw new Error(`${name} answers ${text} where ${right} was recorded`);
  }
}

/** @typedef {{events: number, subjects: number}} Counts */

async function countAll({ cluster, service }, c15t) {
  const numbers = (events, subjects) =>
    `select (select count(*)::float8 from ${events}) as events, (select count(*)::float8 from ${subjects}) as subjects`;
  const ours = await cluster.query(service.database, numbers('consent_events', 'subjects'));
  const bare = await cluster.query(service.database, numbers('baseline.consent_events', 'baseline.subjects'));
  const theirs = await c15t.query(numbers('consent', 'subject'));
  return { service: ours.rows[0], [BARE_WRITE]: bare.rows[0], [c15t.server.name]: theirs.rows[0] };
}
