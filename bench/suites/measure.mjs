// Sides that are asked for the same, measured in turns.
import { inTurns, median, medianRatio } from '../compare.mjs';
import { load } from '../load/index.mjs';
import { say } from '../progress.mjs';

const CONNECTIONS = 32;

/**
 * @typedef {object} Measured
 * @property {Record<string, number[]>} rates requests a second, by side
 * @property {Record<string, number[]>} p99s by side; empty where none was asked for
 * @property {number} errors of all sides
 * @property {Record<string, number>} answers by side
 */

/**
 * Requests a second as fast as it goes and, where a rate is given, the delay at one that all can keep up with.
 * @param {import('../run.mjs').Bench['sizes']} sizes
 * @param {readonly {name: string, server: import('../servers.mjs').Server}[]} sides
 * @param {{what: string, rate?: number, requests?: number, optionsOf: (side: any, run: number) => object,
 *   onResult?: (side: any, result: any) => void}} options what each side is asked in each run, and what came of it
 * @returns {Promise<Measured>}
 */
export async function measure(sizes, sides, { what, rate, requests, optionsOf, onResult = () => undefined }) {
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
  if (rate === undefined) return { rates, p99s: {}, errors, answers };
  const p99s = await inTurns(sides, sizes.consentLatencyRounds, async (side) => {
    const { p99 } = await run(side, { rate, requests });
    say(`${what} at ${rate}/s: ${side.name}: p99 ${p99.toFixed(2)} ms`);
    return p99;
  });
  return { rates, p99s, errors, answers };
}

/**
 * @param {string} what
 * @param {Measured} measured
 * @param {{ours: string, theirs: string, atLeast: number, rate?: number}} options the sides' names, and the rate of the p99s
 * @returns {import('../report.mjs').Line}
 */
export function ratioLine(what, { rates, p99s }, { ours, theirs, atLeast, rate }) {
  const both = `${Math.round(median(rates[ours]))}/s : ${Math.round(median(rates[theirs]))}/s`;
  const delays = () => `${median(p99s[ours]).toFixed(2)} ms : ${median(p99s[theirs]).toFixed(2)} ms`;
  return {
    what,
    unit: '×',
    target: { atLeast },
    value: medianRatio(rates[ours], rates[theirs]),
    detail: rate === undefined ? both : `${both}; p99 at ${rate}/s ${delays()}`,
    rounds: { ours: rates[ours], theirs: rates[theirs] },
  };
}
