// Policy consent: does what somebody said count, beside bare Fastify; and the text itself, beside a constant.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from '../progress.mjs';
import { withContestants } from './contestants.mjs';
import { measure, ratioLine } from './measure.mjs';
import { fillPolicies, sampleQuestions } from './policy-records.mjs';

const PATH = '/api/policyconsent';
const BARE = 'bare Fastify + pg';
const NEST = 'a constant of Nest-Fastify';
const UNKNOWN_POLICY = '00000000-0000-7000-8000-000000000000';
/** Another one in each answer of the service; the constant has that of one. */
const VARYING_HEADERS = new Set(['date', 'x-request-id']);

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function policy(bench) {
  const { brand, policies } = await fillPolicies(bench);
  const questions = await sampleQuestions(bench, brand.id);
  const text = `${PATH}/policy?PolicyId=${policies[0].id}`;
  const baselines = /** @type {const} */ ([
    [BARE, 'policy-read.mjs'],
    [NEST, 'nest-fastify.mjs', ({ origin }) => [origin + text]],
  ]);
  return withContestants(bench, baselines, async ([ours, bare, constant]) => {
    const checking = await measureQuestions(bench, [ours, bare], questions);
    const reading = await measureText(bench, [ours, constant], text);
    const given = questions.filter(({ isGiven }) => isGiven).length / questions.length;
    return toLines(ours, bench.sizes, checking, reading, given);
  });
}

async function measureQuestions({ folder, sizes }, servers, questions) {
  for (const { name, origin } of servers) {
    const path = pathOf({ ...questions[0], policyId: UNKNOWN_POLICY });
    const { status } = await fetch(origin + path);
    if (status !== 404) throw new Error(`${name} answers ${status} for a policy that there is not`);
  }
  const lines = questions.map((one) => `${pathOf(one)}\t"ConsentGiven":${one.isGiven}`);
  const sides = sidesOf(servers, { pathsFile: writeLines(folder, 'policy questions.txt', lines) });
  return measure(sizes, sides, {
    what: 'policy checks',
    rate: sizes.policyRate,
    requests: sizes.policyRequests,
    optionsOf: (side, run) => ({ ...side.load, seed: 10 + run }),
  });
}

function pathOf({ clientId, policyId, version }) {
  const path = `${PATH}/consent-given?ClientId=${clientId}&PolicyId=${policyId}`;
  return version === null ? path : `${path}&Version=${version}`;
}

/** The whole text, and 304 for who has it. */
async function measureText({ folder, sizes }, servers, path) {
  const answers = [];
  for (const { origin } of servers) answers.push(await readText(origin + path));
  const [{ body, etag, shown }, theirs] = answers;
  if (shown !== theirs.shown)
    throw new Error(`the constant is not the same answer: ${shown}\n${theirs.shown}`);
  const lines = [`${path}\t${body.slice(0, body.indexOf('"CompiledHtml"'))}`];
  const asked = { pathsFile: writeLines(folder, 'policy text.txt', lines), headers: {}, answer: '' };
  const known = {
    pathsFile: writeLines(folder, 'policy text known.txt', [path]),
    ...{ headers: { 'If-None-Match': etag }, status: 304, answer: '' },
  };
  say(`the text is of ${body.length} bytes`);
  const measureAs = (what, options) =>
    measure(sizes, sidesOf(servers, options), {
      what,
      optionsOf: (side, run) => ({ ...side.load, seed: run }),
    });
  const whole = await measureAs('policy text', asked);
  return { whole, notModified: await measureAs('policy text, 304', known), bytes: body.length };
}

/** What a server answers to who has nothing yet, and to who has it; `shown` is all of it that must be the same. */
async function readText(url) {
  const first = await fetch(url);
  const body = await first.text();
  const etag = first.headers.get('etag');
  const again = await fetch(url, { headers: { 'If-None-Match': etag } });
  const shown = [first, again].map(({ status, headers }) => ({
    status,
    headers: Object.fromEntries([...headers].filter(([name]) => !VARYING_HEADERS.has(name))),
  }));
  if (first.status !== 200 || again.status !== 304) throw new Error(`${url}: ${JSON.stringify(shown)}`);
  return { body, etag, shown: JSON.stringify([shown, body]) };
}

const sidesOf = (servers, load) =>
  servers.map((server) => ({ name: server.name, server, load: { headers: {}, ...load } }));

function writeLines(folder, name, lines) {
  const file = join(folder, name);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

function toLines({ name: ours, peakMemoryMb }, sizes, checking, { whole, notModified, bytes }, given) {
  const checks = ratioLine(`policy consent-given, requests/s against ${BARE}`, checking, {
    ...{ ours, theirs: BARE, atLeast: 1.2, rate: sizes.policyRate },
  });
  const text = (what, measured) =>
    ratioLine(`policy text${what}, requests/s against ${NEST}`, measured, {
      ours,
      theirs: NEST,
      atLeast: 0.7,
    });
  return [
    {
      ...checks,
      detail: `${checks.detail}; ${sizes.acceptances} consents, ${Math.round(given * 100)} % yes`,
    },
    { ...text('', whole), detail: `${text('', whole).detail}; ${bytes} bytes` },
    text(' not modified', notModified),
    {
      what: 'memory of the service with policies',
      unit: 'MB',
      target: { below: 200 },
      value: peakMemoryMb(),
      detail: `${sizes.acceptances} consents`,
    },
    {
      what: 'errors while checking and reading policies',
      unit: 'errors',
      target: { below: 1 },
      value: checking.errors + whole.errors + notModified.errors,
      detail: 'of all sides; every answer was looked at',
    },
  ];
}
