import { describe, expect, it } from '@jest/globals';
import { storedAddress, truncateAddress } from './ip-address.js';

describe('truncateAddress', () => {
  it.each([
    ['203.0.113.77', '203.0.113.0'],
    ['127.0.0.1', '127.0.0.0'],
    ['::ffff:203.0.113.77', '203.0.113.0'],
    ['2001:db8:1234:5678:9abc:def0:1234:5678', '2001:db8:1234::'],
    ['2001:db8::1', '2001:db8::'],
    ['::1', '::'],
    ['fe80::1%eth0', 'fe80::'],
  ])('cuts %s to %s', (address, network) => {
    expect(truncateAddress(address)).toMatch(new RegExp(`^${network.replaceAll('.', '\\.')}`));
    expect(truncateAddress(address).replace(/%.*/, '')).toBe(network);
  });

  it.each(['', 'localhost', '203.0.113.256', '203.0.113.77, 10.0.0.1', '2001:db8:::1'])(
    'keeps nothing of “%s”, which is no address',
    (text) => expect(truncateAddress(text)).toBe(''),
  );
});

describe('storedAddress', () => {
  it('keeps an address whole, or its network, and nothing that is none', () => {
    expect(storedAddress('203.0.113.77', true)).toBe('203.0.113.77');
    expect(storedAddress('::ffff:203.0.113.77', true)).toBe('203.0.113.77');
    expect(storedAddress('203.0.113.77', false)).toBe('203.0.113.0');
    expect(storedAddress('2001:DB8:0:0::1', true)).toBe('2001:db8::1');
    for (const inFull of [true, false]) expect(storedAddress('<script>', inFull)).toBeUndefined();
  });
});
