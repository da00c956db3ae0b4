import { describe, expect, it } from '@jest/globals';
import { isForbiddenAddress, parseAllowedSubnets } from './address-rules.js';

const none = parseAllowedSubnets('');

describe('an address that is not public', () => {
  it.each([
    ['this network', '0.0.0.0', '0.0.0.1', '0.255.255.255'],
    [
      'private',
      '10.0.0.0',
      '10.255.255.255',
      '172.16.0.0',
      '172.31.255.255',
      '192.168.0.0',
      '192.168.255.255',
    ],
    ['carrier-grade NAT', '100.64.0.0', '100.100.100.200', '100.127.255.255'],
    ['loopback', '127.0.0.0', '127.0.0.1', '127.255.255.255', '::1'],
    ['link-local', '169.254.0.0', '169.254.255.255', 'fe80::', 'fe80::1', 'febf:ffff::1', 'fe80::1%eth0'],
    ['metadata', '169.254.169.254', '169.254.170.2', 'fd00:ec2::254', '192.0.0.192', '168.63.129.16'],
    ['protocol assignments', '192.0.0.0', '192.0.0.9', '192.0.0.255'],
    ['documentation', '192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1', '3fff:fff::1'],
    ['relays and sinks', '192.88.99.1', '192.31.196.1', '192.52.193.1', '192.175.48.1', '2620:4f:8000::1'],
    ['benchmarking', '198.18.0.0', '198.19.255.255', '2001:2::1'],
    ['multicast', '224.0.0.0', '224.0.0.1', '239.255.255.255', 'ff00::', 'ff02::1', 'ffff::1'],
    ['reserved', '240.0.0.0', '255.255.255.254', '2001:1::1', '2001:1ff::1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['mapped', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '::ffff:10.0.0.1', '::FFFF:0.0.0.0'],
    ['compatible', '::127.0.0.1', '::7f00:1', '::a00:1', '::8.8.8.8', '::2'],
    ['translated', '::ffff:0:127.0.0.1', '::ffff:0:8.8.8.8'],
    ['NAT64', '64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b::', '64:ff9b::168.63.129.16'],
    ['local NAT64', '64:ff9b:1::8.8.8.8', '64:ff9b:1:ffff::1'],
    ['beside NAT64', '64:ff9b:2::8.8.8.8', '64:ff9b:0:1::8.8.8.8', '64:ff9a::1'],
    ['6to4', '2002:7f00:1::', '2002:808:808::1', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['Teredo', '2001::', '2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001:0:ffff::1'],
    ['AMT, AS112', '2001:3::1', '2001:4:112::1'],
    ['ORCHID', '2001:10::1', '2001:1f::1', '2001:20::1', '2001:2f:ffff::1'],
    ['remote identification', '2001:30::1'],
    ['unique local', 'fc00::', 'fd00::1', 'fdff:ffff::1'],
    ['site-local', 'fec0::1', 'feff:ffff::1'],
    ['discard', '100::', '100::1', '100::ffff:ffff:ffff:ffff', '100:0:0:1::1'],
    ['segment routing', '5f00::1'],
    ['outside what is handed out', '4000::1', '1000::1', '8000::1', 'e000::1', '200::1'],
  ])('is forbidden: %s', (_kind, ...addresses) => {
    expect(addresses.filter((address) => !isForbiddenAddress(address, none))).toEqual([]);
  });
});

describe('isForbiddenAddress', () => {
  it('allows what is plainly public, and the neighbours of what is not', () => {
    const neighbours = ['9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255'];
    neighbours.push(
      '128.0.0.0',
      '169.253.255.255',
      '169.255.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '192.0.1.0',
    );
    neighbours.push('192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255');
    neighbours.push('168.63.129.15', '168.63.129.17', '1.0.0.0', '8.8.8.8');
    const v6 = [
      '2001:200::1',
      '2001:4860:4860::8888',
      '2001:db7::1',
      '2001:db9::1',
      '2003::1',
      '2a00:1450::1',
    ];
    v6.push('2606:4700::1111', '3ffe::1', '2000::1', '2620:4f:8001::1');
    const wrapped = ['::ffff:8.8.8.8', '64:ff9b::8.8.8.8'];
    const all = [...neighbours, ...v6, ...wrapped];
    expect(all.filter((address) => isForbiddenAddress(address, none))).toEqual([]);
  });

  it.each([
    ['', 'a name', 'example.com', '8.8.8', '8.8.8.8.8', '8.8.8.256', '134744072', '0x8.8.8.8', '010.8.8.8'],
    [
      '8.8.8.8:80',
      '[2001:4860::1]',
      '2001:4860::1%eth0',
      '8.8.8.8 ',
      '8.8.8.8/32',
      '2001:4860:::1',
      '８.8.8.8',
    ],
  ])('forbids what is no address: %j …', (...texts) => {
    expect(texts.filter((text) => !isForbiddenAddress(text, none))).toEqual([]);
  });

  it('lets in what a subnet allows, and nothing beside it', () => {
    const allowed = parseAllowedSubnets(' 127.0.0.0/8, ::1/128,10.1.0.0/16 ,fd00:12::/32,,');
    const inside = ['127.0.0.1', '127.255.255.255', '::1', '10.1.2.3', 'fd00:12:ffff::1', '::ffff:127.0.0.1'];
    const outside = ['10.2.0.0', '10.0.255.255', '::2', '::', 'fd00:13::1', '::127.0.0.1'];
    outside.push('64:ff9b::127.0.0.1', '169.254.169.254', '2002:7f00:1::', 'fd00:12::1%eth0');
    expect(inside.filter((address) => isForbiddenAddress(address, allowed))).toEqual([]);
    expect(outside.filter((address) => !isForbiddenAddress(address, allowed))).toEqual([]);
  });

  it('lets everything in that has an address, if told to', () => {
    const everything = parseAllowedSubnets('0.0.0.0/0,::/0');
    for (const address of ['0.0.0.0', '255.255.255.255', '::', 'ff02::1'])
      expect(isForbiddenAddress(address, everything)).toBe(false);
    expect(isForbiddenAddress('name', everything)).toBe(true);
  });
});

describe('parseAllowedSubnets', () => {
  it.each(['', ' ', ',', ' , '])('reads nothing in %j', (text) =>
    expect(parseAllowedSubnets(text)).toEqual([]),
  );

  it.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '10.0.0.0/8.0',
    '10/8',
    '010.0.0.0/8',
    '0x0a000000/8',
    'fd00::/129',
    'fe80::%eth0/64',
    'localhost/8',
    'localhost',
    '*',
  ])('names an entry that is no subnet: %s', (entry) => {
    expect(() => parseAllowedSubnets(`127.0.0.0/8,${entry}`)).toThrow(
      `WEBHOOK_ALLOWED_SUBNETS: "${entry}" is not a subnet such as 10.0.0.0/8 or fd00::/8`,
    );
  });

  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['fd00::1/8', 'fd00::/8'],
    ['127.0.0.1/31', '127.0.0.0/31'],
  ])('takes %s for a slip', (entry, meant) => {
    expect(() => parseAllowedSubnets(entry)).toThrow(`"${entry}" is no network, did you mean ${meant}?`);
    expect(parseAllowedSubnets(meant)).toHaveLength(1);
  });
});
