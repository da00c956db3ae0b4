// Recording and checking universal consents, beside bare Fastify and beside c15t.
import { inTurns, median, medianRatio } from '../compare.mjs';
import { load } from '../load/index.mjs';
import { say } from '../progress.mjs';
import { BARE_READ, BARE_WRITE, withSides } from './universal-sides.mjs';

const CONNECTIONS = 32;
const C15T = 'c15t';
/** The mix has a fifth of new subjects; a run's end may fall anywhere in it. */
const LEAST_NEW = 0.19;

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function universal(bench) {
  return withSides(bench, async ({ reads, writes, count }) => {
    const { sizes } = bench;
    const checking = await measure(sizes, reads, {
      what: 'checks',
      rate: sizes.checkRate,
      requests: sizes.checks,
      optionsOf: (side, run) => ({ ...side.load, seed: 10 + run }),
    });
    const before = await count();
    const sent = Object.fromEntries(writes.map(({ name }) => [name, 0]));
    const recording = await measure(sizes, writes, {
      what: 'records',
      rate: sizes.recordRate,
      requests: sizes.records,
      optionsOf: ({ name, load: all }) => ({
        ...all,
        writes: { ...all.writes, subjects: sizes.subjects, from: sent[name] },
      }),
      onResult: ({ name }, result) => {
        sent[name] += result.sent;
      },
    });
    const written = verify(before, await count(), recording.answers, sent);
    return toLines(writes[0].server, sizes, checking, { ...recording, written });
  });
}

/** Requests a second as fast as it goes, and the delay at a rate that all can keep up with. */
async function measure(sizes, sides, { what, rate, requests, optionsOf, onResult = () => undefined }) {
  const answers = Object.fromEntries(sides.map(({ name }) => [name, 0]));
  let errors = 0;
  let runs = 0;
  const run = async (side, options) => {
    runs += 1;
    const result = await load(side.server, {
      connections: CONNECTIONS,
      ...optionsOf(side, runs),
      ...options,
    });
    onResult(side, result);
    errors += result.errors;
    answers[side.name] += result.answers;
    return result;
  };
  for (const side of sides) await run(side, { seconds: sizes.warmupSeconds });
  const rates = await inTurns(sides, sizes.rounds, async (side, round) => {
    const { perSecond } = await run(side, { seconds: sizes.seconds });
    say(`${what} ${round + 1}/${sizes.rounds}: ${side.name}: ${Math.round(perSecond)}/s`);
    return perSecond;
  });
  const p99s = await inTurns(sides, sizes.consentLatencyRounds, async (side) => {
    const { p99 } = await run(side, { rate, requests });
    say(`${what} at ${rate}/s: ${side.name}: p99 ${p99.toFixed(2)} ms`);
    return p99;
  });
  return { rates, p99s, errors, answers };
}

/** Throws unless each side has kept a row for every answer; a request that was cut off may have left one too. */
function verify(before, after, answers, sent) {
  const shares = Object.keys(answers).map((name) => {
    const events = after[name].events - before[name].events;
    const added = after[name].subjects - before[name].subjects;
    if (events < answers[name] || events > sent[name] || added < answers[name] * LEAST_NEW) {
      throw new Error(
        `${name} answered ${answers[name]} of ${sent[name]} writes and kept ${events} events and ${added} new subjects`,
      );
    }
    return `${name} ${events}`;
  });
  return shares.join(', ');
}

function toLines({ name, peakMemoryMb }, sizes, checking, recording) {
  const ratio = (what, { rates, p99s }, theirs, atLeast, rate) => ({
    what,
    unit: '×',
    target: { atLeast },
    value: medianRatio(rates[name], rates[theirs]),
    detail:
      `${Math.round(median(rates[name]))}/s : ${Math.round(median(rates[theirs]))}/s; ` +
      `p99 at ${rate}/s ${median(p99s[name]).toFixed(2)} ms : ${median(p99s[theirs]).toFixed(2)} ms`,
    rounds: { ours: rates[name], theirs: rates[theirs] },
  });
  const { checkRate, recordRate } = sizes;
  return [
    ratio(`consent-given, requests/s against ${BARE_READ}`, checking, BARE_READ, 1.2, checkRate),
    ratio(`consent-given, requests/s against c15t's check`, checking, C15T, 9, checkRate),
    ratio(`universal POST, requests/s against ${BARE_WRITE}`, recording, BARE_WRITE, 0.7, recordRate),
    ratio(`universal POST, requests/s against c15t's record`, recording, C15T, 6, recordRate),
    {
      what: 'memory of the service with universal consents',
      unit: 'MB',
      target: { below: 200 },
      value: peakMemoryMb(),
      detail: `${sizes.subjects} subjects; events kept: ${recording.written}`,
    },
    {
      what: 'errors while checking and recording',
      unit: 'errors',
      target: { below: 1 },
      value: checking.errors + recording.errors,
      detail: 'of all sides',
    },
  ];
}
