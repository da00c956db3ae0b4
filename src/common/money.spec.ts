import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { currencyDecimals, fromMinorUnits, toMinorUnits } from './money.js';

it.each([
  ['EUR', 2],
  ['JPY', 0],
  ['KWD', 3],
  ['XYZ', 2],
])('knows the decimals of %s', (currency, decimals) => {
  expect(currencyDecimals(currency)).toBe(decimals);
});

it.each([
  [936.04, 2, 93_604],
  [0.1, 2, 10],
  [1.005, 2, null],
  [0.29, 2, 29],
  [4.35, 2, 435],
  [-12.34, 2, -1234],
  [1.5, 0, null],
  [1500, 0, 1500],
  [0.001, 3, 1],
  [1e300, 2, null],
  [Number.NaN, 2, null],
  [Number.POSITIVE_INFINITY, 2, null],
])('takes %d of %d decimals as %s', (amount, decimals, minor) => {
  expect(toMinorUnits(amount, decimals)).toBe(minor);
});

it('gives every amount back as it came, and refuses whatever has a decimal too many', () => {
  const limit = 10 ** 15;
  fc.assert(
    fc.property(fc.integer({ min: -limit, max: limit }), fc.constantFrom(0, 2, 3), (minor, decimals) => {
      const text = decimalText(minor, decimals);
      const amount = JSON.parse(text) as number;
      expect(toMinorUnits(amount, decimals)).toBe(minor);
      expect(fromMinorUnits(minor, decimals)).toBe(amount);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 10 }), fc.integer({ min: 1, max: 9 }), (minor, digit) => {
      expect(toMinorUnits(Number(`${decimalText(minor, 2)}${digit}`), 2)).toBe(null);
    }),
  );
});

function decimalText(minor: number, decimals: number): string {
  const digits = String(Math.abs(minor)).padStart(decimals + 1, '0');
  const at = digits.length - decimals;
  const sign = minor < 0 ? '-' : '';
  return decimals === 0 ? sign + digits : `${sign}${digits.slice(0, at)}.${digits.slice(at)}`;
}
