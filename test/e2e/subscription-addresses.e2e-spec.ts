import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { impossibleHosts, internalHosts, reachingHosts } from '../delivery/internal-urls.js';
import { answer, Receiver } from '../delivery/receiver.js';
import { eventually } from '../support/crm-server.js';
import { errorText, problem } from '../support/errors.js';
import {
  type NewSubscription,
  type PrintedDelivery,
  subscribePath,
  subscriptionRoutes,
} from '../support/subscriptions.js';
import { createTestApp, type TestApp } from '../support/test-app.js';
import { universalRoutes } from '../support/universal.js';

/** A service that may go to no address of this machine: a network that no test uses is all that it is allowed beside public ones. */
const strict = { WEBHOOK_ALLOWED_SUBNETS: '198.51.100.0/24' };
/** Names need a name server that lies, which the service cannot be given: test/delivery/internal-urls.spec.ts has them. */
const isName = (host: string) => /\.example\.?$/.test(host);
const spellings = [...reachingHosts, ...internalHosts].filter((host) => !isName(host));
let app: TestApp;
let routes: ReturnType<typeof subscriptionRoutes>;
let listeners: Receiver[];

beforeAll(async () => {
  app = await createTestApp({ environment: strict });
  await app.sql('delete from webhook_subscriptions');
  routes = subscriptionRoutes(app);
  const hosts = ['127.0.0.1', '::1', '0.0.0.0'];
  listeners = await Promise.all(hosts.map((host) => Receiver.start(answer(200), host)));
});
afterAll(async () => {
  expect(listeners.map(({ connections }) => connections)).toEqual([0, 0, 0]);
  expect(await app.sql('select from webhook_subscriptions')).toEqual([]);
  await Promise.all(listeners.map((listener) => listener.stop()));
  await app?.close();
});

async function expectRefused(WebhookUrl: string, text: string): Promise<void> {
  const refused = await routes.subscribe({ WebhookUrl });
  expect([refused.status, refused.text]).toEqual([400, problem(400, text, subscribePath, 'WebhookUrl')]);
}

describe('nobody can subscribe an internal address', () => {
  it('in any of 60 spellings and more', () => {
    expect(new Set(spellings).size).toBeGreaterThanOrEqual(60);
  });

  it.each(spellings)('%j is refused', async (host) => {
    for (const { port } of listeners)
      for (const scheme of ['http', 'https'])
        await expectRefused(`${scheme}://${host}:${port}/`, errorText.webhookAddress);
  });

  it.each(impossibleHosts)('%j is no host', async (host) => {
    for (const { port } of listeners) await expectRefused(`http://${host}:${port}/`, errorText.webhookUrl);
  });

  it.each([
    'http:HOST/',
    'http:\\\\HOST\\',
    'http:///HOST/',
    '\thttp://HOST/ ',
    'ht\ntp://HOST',
    'HTTP://HOST#@8.8.8.8',
  ])('the odd form %j is refused', async (form) => {
    for (const { port } of listeners)
      await expectRefused(form.replace('HOST', `127.0.0.1:${port}`), errorText.webhookAddress);
  });

  it.each([
    ['http://8.8.8.8@HOST/', errorText.webhookUser],
    ['http://user:word@HOST/', errorText.webhookUser],
    ['ws://HOST/', errorText.webhookUrl],
    ['file://HOST/', errorText.webhookUrl],
  ])('%s is refused', async (form, text) => {
    for (const { port } of listeners) await expectRefused(form.replace('HOST', `127.0.0.1:${port}`), text);
  });

  it('nor, in production, one without TLS', async () => {
    const environment = {
      ...{ NODE_ENV: 'production', SECRET_KEYS: 'a key for this test alone', SHUTDOWN_GRACE_MS: '0' },
      WEBHOOK_ALLOWED_SUBNETS: '127.0.0.0/8',
    };
    const production = await createTestApp({ environment });
    try {
      const { subscribe } = subscriptionRoutes(production);
      const refused = await subscribe({ WebhookUrl: 'http://127.0.0.1/' });
      const text = problem(400, errorText.webhookHttps, subscribePath, 'WebhookUrl');
      expect([refused.status, refused.text]).toEqual([400, text]);
      expect((await subscribe({ WebhookUrl: 'https://127.0.0.1/' })).status).toBe(200);
    } finally {
      await production.close();
    }
  });
});

describe('an address that was allowed when it was subscribed', () => {
  it('gets nothing once it no longer is', async () => {
    const allowing = await createTestApp();
    const hosts = ['127.0.0.1', 'localhost', '[::1]', '0x7f.1'];
    const receivers = await Promise.all(
      ['127.0.0.1', '::1'].map((host) => Receiver.start(answer(200), host)),
    );
    const ids: string[] = [];
    for (const host of hosts)
      for (const { port } of receivers) {
        const made = await subscriptionRoutes(allowing).subscribe({ WebhookUrl: `http://${host}:${port}/` });
        expect(made.status).toBe(200);
        ids.push(made.as<NewSubscription>().Id);
      }
    const { database } = allowing;
    const refusing = await createTestApp({ database, environment: strict, deliveries: true });
    try {
      const { deliveries, ping } = subscriptionRoutes(refusing);
      expect((await universalRoutes(refusing).post({})).status).toBe(201);
      const failed = { Status: null, Error: 'address_refused', Answer: null };
      for (const id of ids) {
        const delivery = await eventually(async () => {
          const [newest] = (await deliveries(id)).as<PrintedDelivery[]>();
          return newest && newest.Attempts.length > 0 ? newest : null;
        });
        expect(delivery.Status).toBe('pending');
        expect(delivery.Attempts).toEqual([expect.objectContaining(failed)]);
        expect((await ping(id)).json).toMatchObject(failed);
      }
      expect(receivers.map(({ connections }) => connections)).toEqual([0, 0]);
    } finally {
      await refusing.close();
      await allowing.close();
      await Promise.all(receivers.map((receiver) => receiver.stop()));
    }
  });
});
