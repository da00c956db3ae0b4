/** Decides when to try again, when to give up and when to switch off: pure, so that time can be given. All in milliseconds. */

/** The time and the chance that decisions rest on. */
export interface Clock {
  now(): number;
  /** From 0 to below 1. */
  random(): number;
}

export const systemClock: Clock = { now: Date.now, random: Math.random };

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const longestCrmDelay = 5 * minute;
const longestPause = 10 * second;
const longestRetryAfter = day;
const webhookDelays = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  day,
];
const messageDelays = [5 * second, minute, 5 * minute, 15 * minute, hour, 3 * hour, 6 * hour, 12 * hour];
const disableAfter = 5 * day;
/** A share of the delay, at random, is taken off it, so that what failed together does not come back together. */
const jitter = 0.2;

/** How long to wait after the n-th failure (from 1) at the CRM: 1 s, doubling, at most 5 minutes; for ever. */
export function crmDelay(failures: number, clock: Clock): number {
  return jittered(Math.min(second * 2 ** Math.min(failures - 1, 20), longestCrmDelay), clock);
}

/** How long a brand's whole lane rests after so many failures in a row: its CRM is away, and one request will tell. */
export function crmPause(failuresInARow: number, clock: Clock): number {
  return jittered(Math.min(second * 2 ** Math.min(failuresInARow - 1, 20), longestPause), clock);
}

export type NextStep = { step: 'retry'; delay: number } | { step: 'park' };

/** What follows the n-th failure (from 1) of a webhook; what the receiver asks for in Retry-After counts where it is longer. */
export function afterWebhookFailure(failures: number, retryAfter: number | null, clock: Clock): NextStep {
  return afterFailure(webhookDelays, failures, retryAfter, clock);
}

/** What follows the n-th failure (from 1) of a mail or a text message that may yet arrive. */
export function afterMessageFailure(failures: number, clock: Clock): NextStep {
  return afterFailure(messageDelays, failures, null, clock);
}

/**
 * Whether a subscription is switched off: 410 Gone says so at once, else five days of nothing but failures.
 * @param failingSince the first failure since the last success; null when this is the first
 */
export function isToBeDisabled(status: number | null, failingSince: Date | null, clock: Clock): boolean {
  return status === 410 || (failingSince !== null && clock.now() - failingSince.getTime() >= disableAfter);
}

/** Whether a receiver has taken a webhook; one that takes a ping is switched on again. */
export function isTaken(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** The Retry-After header as a delay from now, at most a day; null when there is none that can be read. */
export function parseRetryAfter(header: string | null, clock: Clock): number | null {
  if (header === null) return null;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * second, longestRetryAfter);
  const at = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) return null;
  return Math.min(Math.max(0, at - clock.now()), longestRetryAfter);
}

function afterFailure(
  delays: readonly number[],
  failures: number,
  retryAfter: number | null,
  clock: Clock,
): NextStep {
  const delay = delays[failures - 1];
  if (delay === undefined) return { step: 'park' };
  return { step: 'retry', delay: Math.max(jittered(delay, clock), retryAfter ?? 0) };
}

function jittered(delay: number, clock: Clock): number {
  return Math.round(delay * (1 - jitter * clock.random()));
}
