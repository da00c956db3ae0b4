import { createHmac, randomBytes } from 'node:crypto';

const prefix = 'whsec_';
/** Standard Webhooks asks for 24 to 64. */
const secretBytes = 32;

/** A secret for one subscription: `whsec_` and 32 random bytes in base64. */
export function newWebhookSecret(): string {
  return prefix + randomBytes(secretBytes).toString('base64');
}

export interface SignedMessage {
  /** The `webhook-id` header, the same on each retry. */
  id: string;
  /** The `webhook-timestamp` header: seconds since 1970, of this attempt. */
  timestamp: number;
  /** The body, letter by letter as it is sent. */
  body: string;
  /** The secrets in force; an old one signs along while it is rotated out. */
  secrets: readonly string[];
}

/**
 * The `webhook-signature` header of Standard Webhooks: a signature for each secret, separated by spaces.
 * Throws an Error when there is no secret or one is none of newWebhookSecret.
 */
export function signWebhook({ id, timestamp, body, secrets }: SignedMessage): string {
  if (secrets.length === 0) throw new Error('a webhook needs a secret to be signed with');
  const signed = `${id}.${timestamp}.${body}`;
  return secrets
    .map((secret) => `v1,${createHmac('sha256', keyOf(secret)).update(signed, 'utf8').digest('base64')}`)
    .join(' ');
}

function keyOf(secret: string): Buffer {
  const key = Buffer.from(secret.slice(prefix.length), 'base64');
  if (!secret.startsWith(prefix) || key.length < 24)
    throw new Error(`a webhook secret is ${prefix} and 24 bytes or more in base64`);
  return key;
}
