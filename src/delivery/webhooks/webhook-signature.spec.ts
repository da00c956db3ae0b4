import { describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { newWebhookSecret, signWebhook } from './webhook-signature.js';

const id = '0198a3f2-7c1e-7a52-9d0c-3f6f0c8b1a77';
const body = '{"type":"marketing_consent.updated","data":{"name":"Zoë 🎲"}}';
const now = () => Math.floor(Date.now() / 1000);

const headers = (timestamp: number, signature: string) => ({
  'webhook-id': id,
  'webhook-timestamp': String(timestamp),
  'webhook-signature': signature,
});

describe('newWebhookSecret', () => {
  it('is whsec_ and 32 bytes that nobody had before', () => {
    const secrets = Array.from({ length: 100 }, newWebhookSecret);
    expect(new Set(secrets).size).toBe(100);
    for (const secret of secrets) {
      expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
      expect(Buffer.from(secret.slice('whsec_'.length), 'base64')).toHaveLength(32);
    }
  });
});

describe('signWebhook', () => {
  it('is what Standard Webhooks prints as its example', () => {
    const example = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1614265330,
      body: '{"test": 2432232314}',
      secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    };
    expect(signWebhook(example)).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('is believed by a foreign verifier', () => {
    for (const text of [body, '', 'plain text', '{}']) {
      const secret = newWebhookSecret();
      const timestamp = now();
      const signature = signWebhook({ id, timestamp, body: text, secrets: [secret] });
      const verifier = new Webhook(secret);
      const verify = (payload: string) =>
        verifier.verify(payload, headers(timestamp, signature), { jsonParse: false });
      expect(() => verify(text)).not.toThrow();
      expect(() => verify(`${text} `)).toThrow('No matching signature found');
    }
  });

  it('is believed for this id and this time only', () => {
    const secret = newWebhookSecret();
    const timestamp = now();
    const signature = signWebhook({ id, timestamp, body, secrets: [secret] });
    const verify = (changed: Record<string, string>) =>
      new Webhook(secret).verify(body, { ...headers(timestamp, signature), ...changed });
    expect(verify({})).toEqual(JSON.parse(body));
    expect(() => verify({ 'webhook-id': `${id}0` })).toThrow('No matching signature found');
    expect(() => verify({ 'webhook-timestamp': String(timestamp - 1) })).toThrow(
      'No matching signature found',
    );
  });

  it('is believed under the old and the new secret while one is rotated out, and under no third', () => {
    const [oldSecret, newSecret, other] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()];
    const timestamp = now();
    const signature = signWebhook({ id, timestamp, body, secrets: [newSecret, oldSecret] });
    expect(signature).toMatch(/^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$/);
    for (const secret of [oldSecret, newSecret])
      expect(new Webhook(secret).verify(body, headers(timestamp, signature))).toEqual(JSON.parse(body));
    expect(() => new Webhook(other).verify(body, headers(timestamp, signature))).toThrow(
      'No matching signature found',
    );
  });

  it('signs with nothing that is no secret', () => {
    const sign = (secrets: string[]) => () => signWebhook({ id, timestamp: now(), body, secrets });
    expect(sign([])).toThrow('a webhook needs a secret to be signed with');
    const texts = ['', 'whsec_', 'whsec_c2hvcnQ=', newWebhookSecret().slice(1)];
    for (const text of texts) expect(sign([newWebhookSecret(), text])).toThrow('24 bytes or more in base64');
  });
});
