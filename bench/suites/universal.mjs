// Recording and checking universal consents, beside bare Fastify and beside c15t.
import { measure, ratioLine } from './measure.mjs';
import { BARE_READ, BARE_WRITE, withSides } from './universal-sides.mjs';

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
  const ratio = (what, measured, theirs, atLeast, rate) =>
    ratioLine(what, measured, { ours: name, theirs, atLeast, rate });
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
