// The list of universal consents, its first page against its thousandth, for every filter and for combinations of them.
import { URLSearchParams } from 'node:url';
import { Pool } from 'undici';
import { median } from '../compare.mjs';
import { say } from '../progress.mjs';
import { randomFrom } from '../random.mjs';
import { fillRecords, sampleFilters, YEARS } from './universal-records.mjs';

const PATH = '/api/universalconsent';
const LIMIT = 100;
const PAGES = 1000;
/** Pages 1 to 5 stand for the first, the last five for the thousandth. */
const MARKS = 5;
/** A list of fewer pages is too short to grow. */
const DEEP = 20;
const MOST_RATIO = 1.5;
const WIDE = ['Reference', 'ConsentType', 'ConsentGiven', 'UserAgent', 'State', 'Country'];

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function universalPages(bench) {
  const { service, sizes } = bench;
  const brand = await service.createBrandWithKey('Pages');
  await fillRecords(bench, brand.id, sizes.consentRecords);
  const samples = await sampleFilters(bench, brand.id, sizes.combinations);
  const queries = [...singleFilters(), ...combinations(samples)];
  const server = await service.start();
  const pool = new Pool(server.origin, { connections: 1 });
  const get = (path) => timedGet(pool, path, brand.key);
  try {
    const walks = [];
    for (const query of queries) {
      const name = nameOf(query);
      const pages = await walk(get, query);
      const { first, last } = await compareEnds(get, pages, sizes.pageRounds);
      const slowest = Math.max(...pages.map(({ ms }) => ms));
      const ends = `first ${first.toFixed(2)} ms, last ${last.toFixed(2)} ms, slowest ${slowest.toFixed(1)} ms`;
      say(`${name}: ${pages.length} pages, ${ends}`);
      walks.push({ name, pages, first, last, slowest });
    }
    return toLines(walks, sizes.consentRecords, server.peakMemoryMb());
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

/** Of what is not evenly spread, the commonest value and a rare one. */
function singleFilters() {
  const agent = (a) =>
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
    `Chrome/${60 + (a % 70)}.0.${4000 + a}.0 Safari/537.36`;
  const values = {
    CustomUserId: ['player-4711'],
    Reference: ['campaign-0', 'campaign-199'],
    ConsentType: ['type-0', 'type-19'],
    ConsentGiven: ['true', 'false', 'All', 'Partial', 'None'],
    IP: ['81.0.18.103'],
    UserAgent: [agent(0), agent(299)],
    City: ['City 0', 'City 499'],
    State: ['State 0', 'State 124'],
    Country: ['GB', 'TH'],
  };
  const singles = Object.entries(values).flatMap(([name, all]) =>
    all.map((value) => ({ [name]: value, FromDate: FROM })),
  );
  return [{}, { FromDate: FROM }, ...singles];
}

/**
 * Two to four filters each, by turns of those that many records answer to and of all; every third with two dates. Mostly all
 * values are of one record; every fourth combination takes each from another record, and may find little or nothing.
 */
function combinations(samples) {
  const random = randomFrom(11);
  return samples.map((sample, index) => {
    const names = (index % 2 ? Object.keys(sample) : WIDE)
      .map((name) => ({ name, at: random() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, 2 + Math.floor(random() * 3))
      .map(({ name }) => name);
    const query = { FromDate: FROM };
    for (const name of names) {
      const source = index % 4 === 3 ? samples[Math.floor(random() * samples.length)] : sample;
      query[name] = source[name];
    }
    if (query.ConsentGiven && random() < 0.5) query.ConsentGiven = String(query.ConsentGiven !== 'None');
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
async function walk(get, query) {
  const pages = [];
  const seen = new Set();
  let newest = '9999';
  let path = `${PATH}?${new URLSearchParams({ ...query, limit: String(LIMIT) })}`;
  while (path && pages.length < PAGES) {
    const { ms, text, link } = await get(path);
    pages.push({ path, ms });
    const records = JSON.parse(text);
    for (const { Id: id, LastUpdated: updatedAt } of records) {
      if (seen.has(id) || updatedAt > newest)
        throw new Error(`${path}: ${id} is there again or out of order`);
      seen.add(id);
      newest = updatedAt;
    }
    path = nextOf(link);
    // Where several filters hold, a page ends early once it has looked at ten thousand records.
    const isSingle = Object.keys(query).length <= 2;
    if (path && isSingle && records.length !== LIMIT)
      throw new Error(`page ${pages.length} of ${nameOf(query)} is not full`);
  }
  return pages;
}

/** The path of `Link: <…>; rel="next"`, be it written as a path or as an address. */
function nextOf(link) {
  const [, target] = /<([^>]*)>\s*;[^,]*rel="?next"?/.exec(String(link ?? '')) ?? [];
  if (target === undefined) return undefined;
  const { pathname, search } = new URL(target, `http://bench${PATH}`);
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

function toLines(walks, records, memoryMb) {
  const deep = walks.filter(({ pages }) => pages.length >= DEEP);
  if (deep.length === 0) throw new Error('no list is long enough to be measured');
  const most = (all, valueOf) => all.reduce((a, b) => (valueOf(b) > valueOf(a) ? b : a));
  const ratioOf = ({ first, last }) => last / first;
  const worst = most(deep, ratioOf);
  const slowest = most(walks, (one) => one.slowest);
  const warm = most(walks, ({ first, last }) => Math.max(first, last));
  const page = 1 + slowest.pages.findIndex(({ ms }) => ms === slowest.slowest);
  const rounds = { ours: deep.map(({ last }) => last), theirs: deep.map(({ first }) => first) };
  const inFull = deep.filter(({ pages }) => pages.length === PAGES).length;
  return [
    {
      what: `list, page ${PAGES} against page 1, median`,
      unit: '×',
      target: { below: MOST_RATIO },
      value: median(deep.map(ratioOf)),
      detail:
        `${median(rounds.ours).toFixed(2)} ms : ${median(rounds.theirs).toFixed(2)} ms; ${records} records, ` +
        `${deep.length} lists of ${DEEP} pages and more, ${inFull} of them of ${PAGES}`,
      rounds,
    },
    {
      what: `list, page ${PAGES} against page 1, worst`,
      unit: '×',
      target: { below: MOST_RATIO },
      value: ratioOf(worst),
      detail: `${worst.last.toFixed(2)} ms : ${worst.first.toFixed(2)} ms; ${worst.name}`,
    },
    {
      what: 'list, slowest page when asked again',
      unit: 'ms',
      value: Math.max(warm.first, warm.last),
      detail: `of ${walks.length} lists; ${warm.name}`,
    },
    {
      what: 'list, slowest page the first time',
      unit: 'ms',
      value: slowest.slowest,
      detail: `page ${page} of ${slowest.name}; memory of the service ${Math.round(memoryMb)} MB`,
    },
  ];
}
