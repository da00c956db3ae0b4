import { describe, expect, it } from '@jest/globals';
import { readCredential } from './credentials.js';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('readCredential', () => {
  it('finds none where there is none', () => {
    expect(readCredential({})).toBeNull();
    expect(readCredential({ cookie: 'x-auth-token=a' })).toBeNull();
  });

  it.each([
    [{ 'x-auth-token': 'a' }, { secret: 'a' }],
    [{ 'x-api-key': 'a' }, { secret: 'a' }],
    [{ authorization: 'Bearer a' }, { secret: 'a' }],
    [{ authorization: '  bearer   a  ' }, { secret: 'a' }],
    [{ authorization: basic('id:a') }, { secret: 'a', clientId: 'id' }],
    [{ authorization: basic('id:a:b') }, { secret: 'a:b', clientId: 'id' }],
    [{ authorization: basic('id:') }, { secret: '', clientId: 'id' }],
    [
      { 'x-auth-token': 'a', authorization: basic('id:a') },
      { secret: 'a', clientId: 'id' },
    ],
    [{ 'x-auth-token': 'a', 'x-api-key': 'a', authorization: 'Bearer a' }, { secret: 'a' }],
  ])('reads %j', (headers, credential) => {
    expect(readCredential(headers)).toEqual(credential);
  });

  it.each([
    [{ 'x-auth-token': 'a', 'x-api-key': 'b' }],
    [{ 'x-auth-token': 'a', authorization: 'Bearer b' }],
    [{ 'x-api-key': 'a', authorization: basic('id:b') }],
    [{ 'x-auth-token': ['a', 'a'] as unknown as string }],
    [{ authorization: '' }],
    [{ authorization: 'Bearer' }],
    [{ authorization: 'Digest a' }],
    [{ authorization: 'a' }],
    [{ authorization: basic(':a') }],
    [{ authorization: basic('no colon') }],
  ])('takes %j for unauthorized', (headers) => {
    expect(() => readCredential(headers)).toThrow(expect.objectContaining({ code: 'unauthorized' }));
  });
});
