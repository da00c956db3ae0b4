import { describe, expect, it } from '@jest/globals';
import { callerNetwork, storedAddress } from './ip-address.js';

describe('storedAddress', () => {
  it.each([
    ['203.0.113.77', '203.0.113.0'],
    ['127.0.0.1', '127.0.0.0'],
    ['::ffff:203.0.113.77', '203.0.113.0'],
    ['2001:db8:1234:5678:9abc:def0:1234:5678', '2001:db8:1234::'],
    ['2001:db8::1', '2001:db8::'],
    ['::1', '::'],
    ['fe80::1%eth0', 'fe80::'],
  ])('cuts %s to %s', (address, network) => expect(storedAddress(address, false)).toBe(network));

  it.each(['', 'localhost', '203.0.113.256', '203.0.113.77, 10.0.0.1', '2001:db8:::1'])(
    'keeps nothing of “%s”, which is no address',
    (text) => expect(storedAddress(text, false)).toBeUndefined(),
  );

  it('keeps an address whole, or its network, and nothing that is none', () => {
    expect(storedAddress('203.0.113.77', true)).toBe('203.0.113.77');
    expect(storedAddress('::ffff:203.0.113.77', true)).toBe('203.0.113.77');
    expect(storedAddress('203.0.113.77', false)).toBe('203.0.113.0');
    expect(storedAddress('2001:DB8:0:0::1', true)).toBe('2001:db8::1');
    for (const inFull of [true, false]) expect(storedAddress('<script>', inFull)).toBeUndefined();
  });
});

describe('callerNetwork', () => {
  it('is the address, without the dress of IPv6', () => {
    expect(callerNetwork('203.0.113.77')).toBe('203.0.113.77');
    for (const same of ['::ffff:203.0.113.77', '::FFFF:203.0.113.77', '::ffff:cb00:714d'])
      expect(callerNetwork(same)).toBe('203.0.113.77');
    expect(callerNetwork('203.0.113.78')).not.toBe(callerNetwork('203.0.113.77'));
  });

  it('is the /64 of an IPv6 address, however it is written', () => {
    const own = callerNetwork('2001:db8:1:2::1');
    for (const same of ['2001:0DB8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::', '2001:db8:1:2:0:0:1.2.3.4'])
      expect(callerNetwork(same)).toBe(own);
    for (const other of ['2001:db8:1:3::1', '2001:db8:2:2::1', '::1', 'fe80::1%eth0'])
      expect(callerNetwork(other)).not.toBe(own);
    expect(callerNetwork('fe80::1%eth0')).toBe(callerNetwork('fe80::2%eth1'));
  });

  it('is one and the same for all that is no address', () => {
    expect(callerNetwork('<script>')).toBe('');
    expect(callerNetwork(`${'9'.repeat(4_000)}.0.0.1`)).toBe('');
  });
});
