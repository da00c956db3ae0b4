import { createCipheriv, createDecipheriv, createHmac, hash, hkdfSync, randomBytes } from 'node:crypto';

const fingerprintLength = 4;
const nonceLength = 12;
const headLength = fingerprintLength + nonceLength + 16;
const noncesAtOnce = 512;

/** Purposes that keys are derived for, so that none can be used for another's work. */
export type KeyPurpose =
  | 'attempts'
  | 'caller'
  | 'client-id'
  | 'crm-api-key'
  | 'mobile-code'
  | 'mobile-code-hash'
  | 'player-link'
  | 'unsubscribe-link'
  | 'webhook-secret';

/** SHA-256, as tokens and keys are stored. */
export function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

/** A key of 32 bytes for one purpose. */
export function deriveKey(secret: string, purpose: KeyPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'player-consent', purpose, 32));
}

/** Digests that nobody can compute without our key: HMAC-SHA-256 under the newest of SECRET_KEYS. */
export class KeyedHash {
  private readonly key: Buffer;

  constructor(secretKeys: string, purpose: KeyPurpose) {
    this.key = deriveKey(secretKeys.split(',', 1)[0] ?? '', purpose);
  }

  /** 32 bytes. */
  digest(text: string): Buffer {
    return createHmac('sha256', this.key).update(text, 'utf8').digest();
  }
}

/** Random nonces, each for one use: drawn by the hundred, since each draw costs as much as the encryption. */
class Nonces {
  private drawn = Buffer.alloc(0);
  private used = 0;

  next(): Buffer {
    if (this.used === this.drawn.length) {
      this.drawn = randomBytes(nonceLength * noncesAtOnce);
      this.used = 0;
    }
    this.used += nonceLength;
    return this.drawn.subarray(this.used - nonceLength, this.used);
  }
}

/**
 * Seals secrets that the service itself must present. A sealed value carries the fingerprint of its key, so keys of
 * SECRET_KEYS can be rotated: new values use the first, old ones find theirs. AES-256-GCM, nonce of 96 bits.
 */
export class SecretBox {
  private readonly keys: { fingerprint: Buffer; key: Buffer }[];
  private readonly nonces = new Nonces();

  constructor(secretKeys: string, purpose: KeyPurpose) {
    this.keys = secretKeys.split(',').map((secret) => {
      const key = deriveKey(secret, purpose);
      return { key, fingerprint: hash('sha256', key, 'buffer').subarray(0, fingerprintLength) };
    });
  }

  /** Encrypts with the newest key. */
  seal(text: string): Buffer {
    const [newest] = this.keys;
    if (!newest) throw new Error('no secret key');
    const nonce = this.nonces.next();
    const cipher = createCipheriv('aes-256-gcm', newest.key, nonce);
    const sealed = cipher.update(text, 'utf8');
    cipher.final();
    return Buffer.concat([newest.fingerprint, nonce, cipher.getAuthTag(), sealed]);
  }

  /** Decrypts; throws when the key is no longer among SECRET_KEYS or the value was tampered with. */
  open(sealed: Buffer): string {
    if (sealed.length < headLength) throw new Error('this is no sealed secret');
    const fingerprint = sealed.subarray(0, fingerprintLength);
    const entry = this.keys.find((candidate) => candidate.fingerprint.equals(fingerprint));
    if (!entry) throw new Error('this secret was sealed under a key that is no longer in SECRET_KEYS');
    const nonce = sealed.subarray(fingerprintLength, fingerprintLength + nonceLength);
    const decipher = createDecipheriv('aes-256-gcm', entry.key, nonce);
    decipher.setAuthTag(sealed.subarray(fingerprintLength + nonceLength, headLength));
    return Buffer.concat([decipher.update(sealed.subarray(headLength)), decipher.final()]).toString('utf8');
  }
}
