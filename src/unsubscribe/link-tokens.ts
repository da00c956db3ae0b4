import { SecretBox } from '../common/secrets.js';

const dayMs = 86_400_000;
/** Sealed, the shortest link has 40 bytes; the longest, with every field as long as it can be, 260. */
const tokenPattern = /^[A-Za-z0-9_-]{50,380}$/;
const fieldsPattern = /^(?<numbers>(?:[0-9a-z]+\.){4})(?<playerId>[A-Za-z0-9_-]{1,64})\.(?<campaign>[^]*)$/;

/** What a link is for. */
export interface LinkScope {
  brandId: number;
  playerId: string;
  /** The channel's code in the database. */
  channel: number;
  /** The product's bit as a mask; 0 when the link is for the whole channel. A name can be given up, a bit never is. */
  productBit: number;
  /** The sender's word for the mailing; may be empty. */
  campaign: string;
  /** Days since 1970, in UTC. */
  issuedOn: number;
}

/** Today as a link counts it. */
export function today(now = Date.now()): number {
  return Math.floor(now / dayMs);
}

/**
 * Links as tokens that nobody but the service can read or make: AES-256-GCM under a key derived from SECRET_KEYS, whose fingerprint
 * they carry, so that a new key does not end links that are out. Nothing is kept of them.
 */
export class LinkTokens {
  private readonly box: SecretBox;

  constructor(secretKeys: string) {
    this.box = new SecretBox(secretKeys, 'unsubscribe-link');
  }

  /** 65 characters or so, of those that stand in an address as they are. */
  seal({ brandId, playerId, channel, productBit, campaign, issuedOn }: LinkScope): string {
    const numbers = [brandId, channel, productBit, issuedOn].map((value) => value.toString(36)).join('.');
    return this.box.seal(`${numbers}.${playerId}.${campaign}`).toString('base64url');
  }

  /** What the link is for; null when the token is none of ours. */
  open(token: string): LinkScope | null {
    const sealed = tokenPattern.test(token) ? Buffer.from(token, 'base64url') : null;
    // One spelling alone: the last character has bits to spare.
    if (sealed?.toString('base64url') !== token) return null;
    return parse(this.unseal(sealed));
  }

  private unseal(sealed: Buffer): string {
    try {
      return this.box.open(sealed);
    } catch {
      return '';
    }
  }
}

function parse(text: string): LinkScope | null {
  const { numbers, playerId, campaign } = fieldsPattern.exec(text)?.groups ?? {};
  if (numbers === undefined || playerId === undefined || campaign === undefined) return null;
  const [brandId = 0, channel = 0, productBit = 0, issuedOn = 0] = numbers
    .split('.')
    .map((digits) => Number.parseInt(digits, 36));
  return { brandId, playerId, channel, productBit, campaign, issuedOn };
}
