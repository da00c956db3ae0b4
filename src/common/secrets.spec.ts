import { describe, expect, it } from '@jest/globals';
import { SecretBox, sha256 } from './secrets.js';

const oldKey = 'an older key of sixteen and more';
const newKey = 'a newer key of sixteen and more!';

describe('sha256', () => {
  it('is SHA-256 of the text’s UTF-8', () => {
    expect(sha256('abc').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(sha256('ü').toString('hex')).toBe(sha256(Buffer.from('ü').toString()).toString('hex'));
  });
});

describe('SecretBox', () => {
  it('opens what it sealed, and seals the same text differently each time', () => {
    const box = new SecretBox(newKey, 'crm-api-key');
    for (const text of ['', 'k', 'schlüssel 🔑', 'x'.repeat(10_000)]) {
      const [first, second] = [box.seal(text), box.seal(text)];
      expect(box.open(first)).toBe(text);
      expect(first.equals(second)).toBe(false);
      if (text.length > 3) expect(first.includes(Buffer.from(text))).toBe(false);
    }
  });

  it('opens under any key that is still there, and seals under the newest', () => {
    const sealedBefore = new SecretBox(oldKey, 'crm-api-key').seal('secret');
    const rotated = new SecretBox(`${newKey},${oldKey}`, 'crm-api-key');
    expect(rotated.open(sealedBefore)).toBe('secret');
    expect(new SecretBox(newKey, 'crm-api-key').open(rotated.seal('again'))).toBe('again');
    expect(() => new SecretBox(newKey, 'crm-api-key').open(sealedBefore)).toThrow(/no longer in SECRET_KEYS/);
  });

  it('opens nothing that was tampered with', () => {
    const box = new SecretBox(newKey, 'crm-api-key');
    const sealed = box.seal('secret');
    for (let position = 0; position < sealed.length; position++) {
      const bent = Buffer.from(sealed);
      bent[position] = (bent[position] ?? 0) ^ 1;
      expect(() => box.open(bent)).toThrow();
    }
    expect(() => box.open(sealed.subarray(0, sealed.length - 1))).toThrow();
    expect(() => box.open(Buffer.alloc(0))).toThrow();
  });
});
