import { describe, expect, it } from '@jest/globals';
import { hostOfOrigin, toWebOrigin } from './web-origin.js';

describe('toWebOrigin', () => {
  it.each([
    ['https://shop.example', 'https://shop.example'],
    ['https://shop.example/', 'https://shop.example'],
    ['HTTPS://Shop.Example:443', 'https://shop.example'],
    ['http://127.0.0.1:5173', 'http://127.0.0.1:5173'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['https://müller.example', 'https://xn--mller-kva.example'],
  ])('reads %s', (text, origin) => expect(toWebOrigin(text)).toBe(origin));

  it.each([
    '',
    'null',
    '*',
    'shop.example',
    'https://',
    'https://shop.example/path',
    'https://shop.example?',
    'https://shop.example#',
    'https://*.shop.example',
    'https://user@shop.example',
    'https://shop.example\\@other.example',
    'https://shop.example:99999',
    'https://a b.example',
    ' https://shop.example',
    'ftp://shop.example',
    'file://',
    'javascript://shop.example',
  ])('takes %p for none', (text) => expect(toWebOrigin(text)).toBeNull());
});

describe('hostOfOrigin', () => {
  it('takes an origin only as browsers send it', () => {
    expect(hostOfOrigin('https://shop.example')).toBe('shop.example');
    expect(hostOfOrigin('http://shop.example:8443')).toBe('shop.example:8443');
    for (const header of [
      'https://Shop.example',
      'https://shop.example/',
      'https://shop.example:443',
      'null',
    ])
      expect(hostOfOrigin(header)).toBeNull();
  });
});
