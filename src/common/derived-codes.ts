import { createHmac, hash } from 'node:crypto';
import { deriveKey, type KeyPurpose } from './secrets.js';

const range = 1_000_000;

/** From what a code can be worked out, by whoever has the key. */
export interface CodeOrigin {
  id: string;
  /** Which of SECRET_KEYS: it stays the same when a newer one comes. */
  key: string;
}

/** Codes of six digits that are worked out from an id whenever they are needed, so that they stand in no table. */
export class DerivedCodes {
  private readonly keys: { fingerprint: string; key: Buffer }[];

  constructor(secretKeys: string, purpose: KeyPurpose) {
    this.keys = secretKeys.split(',').map((secret) => {
      const key = deriveKey(secret, purpose);
      return { key, fingerprint: hash('sha256', key, 'hex').slice(0, 8) };
    });
  }

  /** The origin of an id's code under the newest key. */
  originOf(id: string): CodeOrigin {
    return { id, key: this.keys[0]?.fingerprint ?? '' };
  }

  /** The code; throws when its key is no longer among SECRET_KEYS. */
  code({ id, key: fingerprint }: CodeOrigin): string {
    const entry = this.keys.find((candidate) => candidate.fingerprint === fingerprint);
    if (!entry) throw new Error('this code was made under a key that is no longer in SECRET_KEYS');
    const digest = createHmac('sha256', entry.key).update(id, 'utf8').digest();
    return String(digest.readUIntBE(0, 6) % range).padStart(6, '0');
  }
}
