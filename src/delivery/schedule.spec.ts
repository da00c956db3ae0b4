import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  afterMessageFailure,
  afterWebhookFailure,
  type Clock,
  crmDelay,
  crmPause,
  isTaken,
  isToBeDisabled,
  parseRetryAfter,
} from './schedule.js';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const clockAt = (now: number, random: number): Clock => ({ now: () => now, random: () => random });
const noon = Date.UTC(2026, 0, 1, 12);
const chance = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const failures = fc.integer({ min: 1, max: 100_000 });

describe('the CRM', () => {
  it('is asked again after 1 s, doubling, and at most 5 minutes later, for ever', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1000].map((n) => crmDelay(n, clockAt(noon, 0)) / second);
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  it('never waits longer than that, nor less than four fifths of it', () => {
    fc.assert(
      fc.property(failures, chance, (n, random) => {
        const full = crmDelay(n, clockAt(noon, 0));
        const delay = crmDelay(n, clockAt(noon, random));
        expect(delay).toBeLessThanOrEqual(full);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(full * 0.8));
        expect(full).toBeLessThanOrEqual(5 * minute);
        expect(crmDelay(n + 1, clockAt(noon, 0))).toBeGreaterThanOrEqual(full);
      }),
    );
  });

  it('rests at most 10 s when it is away', () => {
    fc.assert(
      fc.property(failures, chance, (n, random) => {
        expect(crmPause(n, clockAt(noon, random))).toBeGreaterThanOrEqual(800);
        expect(crmPause(n, clockAt(noon, random))).toBeLessThanOrEqual(10 * second);
      }),
    );
  });
});

describe('a webhook that fails', () => {
  const schedule = [
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

  it('is tried again as the contract says, and parked after the last try', () => {
    const steps = Array.from({ length: 10 }, (_, index) =>
      afterWebhookFailure(index + 1, null, clockAt(noon, 0)),
    );
    expect(steps).toEqual([...schedule.map((delay) => ({ step: 'retry', delay })), { step: 'park' }]);
  });

  it('comes back within the jitter, never sooner than Retry-After asks, and for ever stays parked', () => {
    const retryAfter = fc.option(fc.integer({ min: 0, max: day }), { nil: null });
    fc.assert(
      fc.property(failures, retryAfter, chance, (n, asked, random) => {
        const next = afterWebhookFailure(n, asked, clockAt(noon, random));
        const planned = schedule[n - 1];
        if (planned === undefined) return expect(next).toEqual({ step: 'park' });
        if (next.step !== 'retry') throw new Error('parked too early');
        expect(next.delay).toBeGreaterThanOrEqual(Math.max(Math.floor(planned * 0.8), asked ?? 0));
        expect(next.delay).toBeLessThanOrEqual(Math.max(planned, asked ?? 0));
      }),
    );
  });
});

describe('a message that fails', () => {
  it('is tried for a day and parked then', () => {
    let total = 0;
    let n = 1;
    for (;;) {
      const next = afterMessageFailure(n, clockAt(noon, 0));
      if (next.step === 'park') break;
      total += next.delay;
      n++;
    }
    expect(total).toBeGreaterThan(20 * hour);
    expect(total).toBeLessThan(30 * hour);
  });
});

describe('a subscription', () => {
  it.each([
    [null, false],
    [199, false],
    [200, true],
    [204, true],
    [299, true],
    [300, false],
    [410, false],
  ])('with %s as its answer has taken what was sent: %s', (status, taken) => {
    expect(isTaken(status)).toBe(taken);
  });

  it('is switched off by 410 at once', () => {
    expect(isToBeDisabled(410, null, clockAt(noon, 0))).toBe(true);
  });

  it('is switched off by five days of nothing but failures, and not a millisecond earlier', () => {
    const status = fc.option(fc.integer({ min: 300, max: 599 }), { nil: null });
    fc.assert(
      fc.property(status, fc.integer({ min: 0, max: 10 * day }), (code, since) => {
        const off = isToBeDisabled(code, new Date(noon - since), clockAt(noon, 0));
        expect(off).toBe(code === 410 || since >= 5 * day);
      }),
    );
    expect(isToBeDisabled(500, null, clockAt(noon, 0))).toBe(false);
  });
});

describe('Retry-After', () => {
  it.each([
    ['120', 120 * second],
    [' 0 ', 0],
    ['999999999', day],
    ['Thu, 01 Jan 2026 12:01:00 GMT', minute],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
    ['Sun, 01 Jan 2034 11:00:00 GMT', day],
    ['-5', null],
    ['1.5', null],
    ['soon', null],
    ['', null],
    ['Thu, 99 Foo 2026', null],
  ])('of %j is read', (header, delay) => {
    expect(parseRetryAfter(header, clockAt(noon, 0))).toBe(delay);
  });

  it('of any text is a delay between now and a day, or none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.nat().map(String), fc.date().map(String)), (header) => {
        const delay = parseRetryAfter(header, clockAt(noon, 0));
        if (delay !== null) expect(delay >= 0 && delay <= day).toBe(true);
      }),
    );
    expect(parseRetryAfter(null, clockAt(noon, 0))).toBeNull();
  });
});
