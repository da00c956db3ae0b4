// What the CRM is told: how soon after a change, and how fast when much has piled up.
import { median, medianRatio } from '../compare.mjs';
import { BARE, measureDrain, OURS } from './delivery-drain.mjs';
import { measureDelay } from './delivery-delay.mjs';

const CRM_MS = 20;

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function delivery(bench) {
  const delay = await measureDelay(bench, CRM_MS);
  const drain = await measureDrain(bench);
  return [...delayLines(delay, bench.sizes), drainLine(drain), memoryLine(delay, drain)];
}

function delayLines({ fromAnswer, fromBegin, told, events }, { changeRate: rate }) {
  const what = `change to CRM's 200 at ${rate}/s, CRM of ${CRM_MS} ms`;
  const tail = ({ p50, p95, p99 }) =>
    `p50 ${p50.toFixed(1)}, p95 ${p95.toFixed(1)}, p99 ${p99.toFixed(1)} ms`;
  return [
    {
      what: `${what}: median`,
      unit: 'ms',
      target: { below: 50 },
      value: fromAnswer.p50,
      detail: `from the POST's answer: ${tail(fromAnswer)}`,
    },
    {
      what: `${what}: p95`,
      unit: 'ms',
      target: { below: 500 },
      value: fromAnswer.p95,
      detail: `from its beginning: ${tail(fromBegin)}; ${told} changes, ${events} events`,
    },
  ];
}

function drainLine({ rates, events }) {
  return {
    what: 'draining a backlog, events/s against an undici loop',
    unit: '×',
    target: { atLeast: 0.5 },
    value: medianRatio(rates[OURS], rates[BARE]),
    detail: `${Math.round(median(rates[OURS]))}/s : ${Math.round(median(rates[BARE]))}/s, ${events} events`,
    rounds: { ours: rates[OURS], theirs: rates[BARE] },
  };
}

function memoryLine(delay, drain) {
  return {
    what: 'memory of the service while delivering',
    unit: 'MB',
    target: { below: 200 },
    value: Math.max(delay.memory, drain.memory),
    detail: `${Math.round(delay.memory)} MB at a fixed rate, ${Math.round(drain.memory)} MB draining`,
  };
}
