import type { RealityCheck } from './credentials.service.js';

const minuteMs = 60_000;

/** How long a player may play before it is told so, in ms; no limit is none. */
const periods: Record<RealityCheck, number> = {
  '15_min': 15 * minuteMs,
  '30_min': 30 * minuteMs,
  '60_min': 60 * minuteMs,
  no_limit: Number.POSITIVE_INFINITY,
};

/** The time that a player has played. */
export interface TimePlayed {
  hours: number;
  minutes: number;
  /** As a person reads it: `1 hour 15 minutes`. */
  text: string;
}

/** The last instant that a period may have begun and have passed now; null where no period ever passes. */
export function latestStart(period: RealityCheck, now: Date): Date | null {
  const length = periods[period];
  return Number.isFinite(length) ? new Date(now.getTime() - length) : null;
}

/** Whole minutes since a log-in. */
export function timePlayed(loginAt: Date, now: Date): TimePlayed {
  const all = Math.max(0, Math.floor((now.getTime() - loginAt.getTime()) / minuteMs));
  const [hours, minutes] = [Math.floor(all / 60), all % 60];
  const words = [
    ...(hours > 0 ? [count(hours, 'hour')] : []),
    ...(minutes > 0 || hours === 0 ? [count(minutes, 'minute')] : []),
  ];
  return { hours, minutes, text: words.join(' ') };
}

function count(number: number, unit: string): string {
  return `${number} ${unit}${number === 1 ? '' : 's'}`;
}
