import { createHmac, hash } from 'node:crypto';
import { deriveKey, type KeyPurpose } from './secrets.js';

const range = 1_000_000;

/** From what a code or a link can be worked out, by whoever has the key. */
export interface CodeOrigin {
  id: string;
  /** Which of SECRET_KEYS: it stays the same when a newer one comes. */
  key: string;
}

/** What is worked out from an id whenever it is needed, so that it stands in no table. */
class Derived {
  private readonly keys: { fingerprint: string; key: Buffer }[];

  constructor(
    secretKeys: string,
    purpose: KeyPurpose,
    private readonly what: string,
  ) {
    this.keys = secretKeys.split(',').map((secret) => {
      const key = deriveKey(secret, purpose);
      return { key, fingerprint: hash('sha256', key, 'hex').slice(0, 8) };
    });
  }

  /** The origin of what an id stands for, under the newest key. */
  originOf(id: string): CodeOrigin {
    return { id, key: this.keys[0]?.fingerprint ?? '' };
  }

  /** 32 bytes; throws when the key is no longer among SECRET_KEYS. */
  protected digest({ id, key: fingerprint }: CodeOrigin): Buffer {
    const entry = this.keys.find((candidate) => candidate.fingerprint === fingerprint);
    if (!entry) throw new Error(`this ${this.what} was made under a key that is no longer in SECRET_KEYS`);
    return createHmac('sha256', entry.key).update(id, 'utf8').digest();
  }
}

/** Codes of six digits. */
export class DerivedCodes extends Derived {
  constructor(secretKeys: string, purpose: KeyPurpose) {
    super(secretKeys, purpose, 'code');
  }

  /** The code; throws when its key is no longer among SECRET_KEYS. */
  code(origin: CodeOrigin): string {
    return String(this.digest(origin).readUIntBE(0, 6) % range).padStart(6, '0');
  }
}

/** What makes a link somebody's: 43 characters that stand in an address as they are. */
export class DerivedLinks extends Derived {
  constructor(secretKeys: string, purpose: KeyPurpose) {
    super(secretKeys, purpose, 'link');
  }

  /** The link's secret; throws when its key is no longer among SECRET_KEYS. */
  secret(origin: CodeOrigin): string {
    return this.digest(origin).toString('base64url');
  }
}
