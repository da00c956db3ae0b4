import { expect, it } from '@jest/globals';
import { latestStart, timePlayed } from './reality-check.js';

const login = new Date('2026-01-31T12:00:00.000Z');
const after = (milliseconds: number) => new Date(login.getTime() + milliseconds);
const minute = 60_000;

it.each([
  [15 * minute, '0', '15', '15 minutes'],
  [45 * minute, '0', '45', '45 minutes'],
  [60 * minute - 1, '0', '59', '59 minutes'],
  [60 * minute, '1', '0', '1 hour'],
  [61 * minute, '1', '1', '1 hour 1 minute'],
  [75 * minute, '1', '15', '1 hour 15 minutes'],
  [120 * minute, '2', '0', '2 hours'],
  [26 * 60 * minute + 30_000, '26', '0', '26 hours'],
  [0, '0', '0', '0 minutes'],
  [-5 * minute, '0', '0', '0 minutes'],
])('%d ms are %s hours and %s minutes: %s', (milliseconds, h, min, text) => {
  const played = timePlayed(login, after(milliseconds));
  expect([String(played.hours), String(played.minutes), played.text]).toEqual([h, min, text]);
});

it.each([
  ['15_min', 15 * minute],
  ['30_min', 30 * minute],
  ['60_min', 60 * minute],
] as const)('a period of %s has passed when it is over, and not a millisecond before', (period, length) => {
  expect(latestStart(period, after(length))?.getTime()).toBe(login.getTime());
  expect(latestStart(period, after(length - 1))?.getTime()).toBe(login.getTime() - 1);
});

it('no limit never passes', () => expect(latestStart('no_limit', after(1e12))).toBe(null));
