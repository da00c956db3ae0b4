import { describe, expect, it } from '@jest/globals';
import { DerivedCodes, DerivedLinks } from './derived-codes.js';

const id = '019b8a00-0000-7000-8000-000000000001';
const old = new DerivedCodes('the old key', 'mobile-code');

describe('a derived code', () => {
  it('has six digits, of which every value comes about as often', () => {
    const first = Array.from({ length: 2000 }, (_, index) => old.code(old.originOf(`${id}${index}`)));
    expect(first.filter((code) => !/^\d{6}$/.test(code))).toEqual([]);
    expect(new Set(first).size).toBeGreaterThan(1990);
    const byDigit = Array.from({ length: 10 }, (_, digit) =>
      first.filter((code) => code[0] === String(digit)),
    );
    expect(Math.min(...byDigit.map((codes) => codes.length))).toBeGreaterThan(140);
  });

  it('is the same wherever it is worked out, also after a newer key has come', () => {
    const origin = old.originOf(id);
    const rotated = new DerivedCodes('the new key,the old key', 'mobile-code');
    expect(rotated.code(origin)).toBe(old.code(origin));
    expect(rotated.originOf(id).key).not.toBe(origin.key);
    expect(rotated.code(rotated.originOf(id))).not.toBe(old.code(origin));
  });

  it('is lost with its key', () => {
    const later = new DerivedCodes('the new key', 'mobile-code');
    expect(() => later.code(old.originOf(id))).toThrow(
      'this code was made under a key that is no longer in SECRET_KEYS',
    );
  });
});

describe('a derived link', () => {
  it('has 43 characters for an address, the same wherever they are worked out, and is lost with its key', () => {
    const links = new DerivedLinks('the old key', 'player-link');
    const origin = links.originOf(id);
    expect(links.secret(origin)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(links.secret(links.originOf(`${id}1`))).not.toBe(links.secret(origin));
    expect(new DerivedLinks('the new key,the old key', 'player-link').secret(origin)).toBe(
      links.secret(origin),
    );
    expect(() => new DerivedLinks('the new key', 'player-link').secret(origin)).toThrow(
      'this link was made under a key that is no longer in SECRET_KEYS',
    );
  });
});
