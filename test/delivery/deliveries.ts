import { parseAllowedSubnets } from '../../src/delivery/webhooks/address-rules.js';
import { DeliveryFailure } from '../../src/delivery/webhooks/delivery-failure.js';
import { GuardedClient, type GuardedClientOptions } from '../../src/delivery/webhooks/guarded-client.js';
import { type Behaviour, Receiver } from './receiver.js';

export const everything = parseAllowedSubnets('0.0.0.0/0,::/0');
const loopback = parseAllowedSubnets('127.0.0.0/8,::1/128');

const toStop: (() => Promise<void>)[] = [];

/** Ends what a test has started, clients first. */
export async function stopAll(): Promise<void> {
  for (const stop of toStop.splice(0)) await stop();
}

export async function start(
  behave: Behaviour,
  host?: string,
  tls?: { cert: string; key: string },
): Promise<Receiver> {
  const receiver = await Receiver.start(behave, host, tls);
  toStop.push(() => receiver.stop());
  return receiver;
}

/** A client that may come to this machine. */
export function open(options: Partial<GuardedClientOptions> = {}): GuardedClient {
  const client = new GuardedClient({ allowed: loopback, timeoutMs: 10_000, ...options });
  toStop.unshift(() => client.close());
  return client;
}

export const post = (client: GuardedClient, url: string) =>
  client.post(url, { 'content-type': 'application/json', 'webhook-id': '1' }, '{"a":"ü"}');

export async function failureOf(delivery: Promise<unknown>): Promise<DeliveryFailure> {
  const thrown: unknown = await delivery.catch((error: unknown) => error);
  if (thrown instanceof DeliveryFailure) return thrown;
  throw new Error(`no DeliveryFailure but ${JSON.stringify(thrown)}`);
}

export const reasonOf = async (delivery: Promise<unknown>) => (await failureOf(delivery)).reason;

/** Waits for what sockets are about to do. */
export async function until(isTrue: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!isTrue()) {
    if (Date.now() > end) throw new Error(`never came true: ${isTrue.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
