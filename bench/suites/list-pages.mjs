// A list by filters, its first page against its thousandth.
import { URLSearchParams } from 'node:url';
import { Pool } from 'undici';
import { median } from '../compare.mjs';
import { say } from '../progress.mjs';
import { randomFrom } from '../random.mjs';
import { YEARS } from './crowd.mjs';

const LIMIT = 100;
const PAGES = 1000;
/** Pages 1 to 5 stand for the first, the last five for the thousandth. */
const MARKS = 5;
/** A list of fewer pages is too short to grow. */
const DEEP = 20;
const MOST_RATIO = 1.5;

/** @typedef {Record<string, string>} Query */

/**
 * @typedef {object} List
 * @property {string} what it is called
 * @property {string} path
 * @property {string} key of a client that may read it
 * @property {string} orderedBy the records' field
 * @property {number} records that there are
 */

/**
 * Walks the list by each query and compares the ends of each walk.
 * @param {import('../run.mjs').Bench} bench
 * @param {List} list
 * @param {readonly Query[]} queries
 * @returns {Promise<import('../report.mjs').Line[]>}
 */
export async function measureList({ service, sizes }, list, queries) {
  const server = await service.start();
  const pool = new Pool(server.origin, { connections: 1 });
  const get = (path) => timedGet(pool, path, list.key);
  try {
    const walks = [];
    for (const query of queries) {
      const name = nameOf(query);
      const { pages, short } = await walk(get, list, query);
      const { first, last } = await compareEnds(get, pages, sizes.pageRounds);
      const slowest = Math.max(...pages.map(({ ms }) => ms));
      const ends = `first ${first.toFixed(2)} ms, last ${last.toFixed(2)} ms, slowest ${slowest.toFixed(1)} ms`;
      say(`${name}: ${pages.length} pages${short > 0 ? `, ${short} of them short` : ''}, ${ends}`);
      walks.push({ name, pages, short, first, last, slowest });
    }
    return toLines(walks, list, server.peakMemoryMb());
  } finally {
    await pool.destroy();
    await server.stop();
  }
}

const daysAgo = (days) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
const FROM = daysAgo(YEARS * 366);
const shown = (value) => (value.length > 24 ? `…${value.slice(-23)}` : value);
const nameOf = (query) =>
  Object.entries(query)
    .map(([name, value]) => `${name}=${value === FROM ? 'all' : shown(value)}`)
    .join(' & ') || 'no filter';

/** @param {Query} query @returns {Query} not only of the last days */
export const ofAllTime = (query) => ({ ...query, FromDate: FROM });

/**
 * No filter at all, none but the date, and every filter alone.
 * @param {Record<string, readonly string[]>} values of each filter
 * @returns {Query[]}
 */
export function singleFilters(values) {
  const singles = Object.entries(values).flatMap(([name, all]) => all.map((value) => ({ [name]: value })));
  return [{}, ...[{}, ...singles].map(ofAllTime)];
}

/**
 * Two to four filters each, by turns of those that many records answer to and of all; every third with two dates. Mostly all
 * values are of one record; every fourth combination takes each from another record, and may find little or nothing.
 * @param {readonly Record<string, string | null>[]} samples filters that a record answers to; null where there is none
 * @param {readonly string[]} wide the filters that many records answer to
 * @param {(query: Query, random: () => number) => void} [adjust]
 * @returns {Query[]}
 */
export function combinationsOf(samples, wide, adjust = () => undefined) {
  const random = randomFrom(11);
  return samples.map((sample, index) => {
    const names = (index % 2 ? Object.keys(sample) : wide)
      .filter((name) => sample[name] !== null)
      .map((name) => ({ name, at: random() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, 2 + Math.floor(random() * 3))
      .map(({ name }) => name);
    const query = { FromDate: FROM };
    for (const name of names) {
      const source = index % 4 === 3 ? samples[Math.floor(random() * samples.length)] : sample;
      query[name] = source[name] ?? sample[name];
    }
    adjust(query, random);
    if (index % 3 !== 1) return query;
    const from = 30 + Math.floor(random() * 600);
    return { ...query, FromDate: daysAgo(from), ToDate: daysAgo(Math.floor(random() * from)) };
  });
}

async function timedGet(pool, path, key) {
  const startedAt = performance.now();
  const { statusCode, headers, body } = await pool.request({
    path,
    method: 'GET',
    headers: { 'x-api-key': key },
  });
  const text = await body.text();
  const ms = performance.now() - startedAt;
  if (statusCode !== 200) throw new Error(`${path} answers ${statusCode}: ${text.slice(0, 300)}`);
  return { ms, text, link: headers.link };
}

/** Follows the links to the thousandth page or to the end; every record must come once, the newest first. */
async function walk(get, list, query) {
  const pages = [];
  const seen = new Set();
  // Where several filters hold, a page ends early once it has looked at ten thousand records.
  const isSingle = Object.keys(query).length <= 2;
  let newest = '9999';
  let short = 0;
  let path = `${list.path}?${new URLSearchParams({ ...query, limit: String(LIMIT) })}`;
  while (path && pages.length < PAGES) {
    const { ms, text, link } = await get(path);
    pages.push({ path, ms });
    const records = JSON.parse(text);
    for (const { Id: id, [list.orderedBy]: at } of records) {
      if (seen.has(id) || at > newest) throw new Error(`${path}: ${id} is there again or out of order`);
      seen.add(id);
      newest = at;
    }
    path = nextOf(link, list.path);
    if (path && records.length !== LIMIT) short += 1;
    if (isSingle && short > 0) throw new Error(`page ${pages.length} of ${nameOf(query)} is not full`);
  }
  return { pages, short };
}

/** The path of `Link: <…>; rel="next"`, be it written as a path or as an address. */
function nextOf(link, listPath) {
  const [, target] = /<([^>]*)>\s*;[^,]*rel="?next"?/.exec(String(link ?? '')) ?? [];
  if (target === undefined) return undefined;
  const { pathname, search } = new URL(target, `http://bench${listPath}`);
  return pathname + search;
}

/** The first and the last pages again, by turns, so that both find what PostgreSQL has in memory by then. */
async function compareEnds(get, pages, rounds) {
  // The very last page of a short list is seldom full.
  const full = pages.length > 1 && pages.length < PAGES ? pages.slice(0, -1) : pages;
  const marks = Math.min(MARKS, full.length);
  const times = { first: [], last: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < marks; at += 1) {
      times.first.push((await get(full[at].path)).ms);
      times.last.push((await get(full[full.length - marks + at].path)).ms);
    }
  }
  return { first: median(times.first), last: median(times.last) };
}

function toLines(walks, { what, records }, memoryMb) {
  const deep = walks.filter(({ pages }) => pages.length >= DEEP);
  if (deep.length === 0) throw new Error('no list is long enough to be measured');
  const most = (all, valueOf) => all.reduce((a, b) => (valueOf(b) > valueOf(a) ? b : a));
  const ratioOf = ({ first, last }) => last / first;
  const worst = most(deep, ratioOf);
  const slowest = most(walks, (one) => one.slowest);
  const warm = most(walks, ({ first, last }) => Math.max(first, last));
  const page = 1 + slowest.pages.findIndex(({ ms }) => ms === slowest.slowest);
  const rounds = { ours: deep.map(({ last }) => last), theirs: deep.map(({ first }) => first) };
  const short = walks.reduce((sum, one) => sum + one.short, 0);
  const inFull = deep.filter(({ pages }) => pages.length === PAGES).length;
  return [
    {
      what: `${what}, page ${PAGES} against page 1, median`,
      unit: '×',
      target: { below: MOST_RATIO },
      value: median(deep.map(ratioOf)),
      detail:
        `${median(rounds.ours).toFixed(2)} ms : ${median(rounds.theirs).toFixed(2)} ms; ${records} records, ` +
        `${deep.length} lists of ${DEEP} pages and more, ${inFull} of them of ${PAGES}` +
        (short > 0 ? `; ${short} pages with fewer records than asked for` : ''),
      rounds,
    },
    {
      what: `${what}, page ${PAGES} against page 1, worst`,
      unit: '×',
      target: { below: MOST_RATIO },
      value: ratioOf(worst),
      detail: `${worst.last.toFixed(2)} ms : ${worst.first.toFixed(2)} ms; ${worst.name}`,
    },
    {
      what: `${what}, slowest page when asked again`,
      unit: 'ms',
      value: Math.max(warm.first, warm.last),
      detail: `of ${walks.length} lists; ${warm.name}`,
    },
    {
      what: `${what}, slowest page the first time`,
      unit: 'ms',
      value: slowest.slowest,
      detail: `page ${page} of ${slowest.name}; memory of the service ${Math.round(memoryMb)} MB`,
    },
  ];
}
