import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { parseAllowedSubnets } from '../../src/delivery/webhooks/address-rules.js';
import { checkWebhookUrl, WebhookUrlRefused } from '../../src/delivery/webhooks/webhook-url.js';
import { everything, open, post, reasonOf, start, stopAll, until } from './deliveries.js';
import { impossibleHosts, internalHosts, reachingHosts, resolveForTests } from './internal-urls.js';
import { answer, Receiver } from './receiver.js';

afterEach(stopAll);

describe('no webhook touches an internal address', () => {
  let listeners: Receiver[];
  beforeAll(async () => {
    const hosts = ['127.0.0.1', '::1', '0.0.0.0'];
    listeners = await Promise.all(hosts.map((host) => Receiver.start(answer(200), host)));
  });
  afterAll(() => Promise.all(listeners.map((listener) => listener.stop())));

  const connections = () => listeners.map((listener) => listener.connections);
  const urlsOf = (host: string) =>
    listeners.flatMap(({ port }) => [`http://${host}:${port}/`, `https://${host}:${port}/`]);

  it('has a table of 60 spellings and more', () => {
    expect(new Set([...reachingHosts, ...internalHosts]).size).toBeGreaterThanOrEqual(60);
  });

  it.each([...reachingHosts, ...internalHosts])(
    '%j is refused at registration and at delivery',
    async (host) => {
      const before = connections();
      const client = open({ allowed: [], resolve: resolveForTests });
      for (const url of urlsOf(host)) {
        expect(await reasonOf(post(client, url))).toBe('address_refused');
        const rules = { requireHttps: false, allowed: [], resolve: resolveForTests };
        const refused = checkWebhookUrl(url, rules);
        await expect(refused).rejects.toThrow(WebhookUrlRefused);
        await expect(refused).rejects.toThrow('must lead to a public address');
      }
      expect(connections()).toEqual(before);
    },
  );

  it.each(reachingHosts)('%j would have reached a listener', async (host) => {
    const before = connections();
    const client = open({ allowed: everything, resolve: resolveForTests });
    await Promise.all(urlsOf(host).map((url) => post(client, url).catch(() => undefined)));
    expect(connections()).not.toEqual(before);
  });

  it.each(impossibleHosts)('%j is no host', async (host) => {
    const before = connections();
    const client = open({ allowed: everything, resolve: resolveForTests });
    for (const url of urlsOf(host)) {
      expect(await reasonOf(post(client, url))).toBe('address_refused');
      await expect(checkWebhookUrl(url, { requireHttps: false, allowed: everything })).rejects.toThrow(
        WebhookUrlRefused,
      );
    }
    expect(connections()).toEqual(before);
  });

  it.each([
    'http:HOST/',
    'http:\\\\HOST\\',
    'http:///HOST/',
    '\thttp://HOST/ ',
    'ht\ntp://HOST',
    'HTTP://HOST#@8.8.8.8',
  ])('refuses the odd form %j', async (form) => {
    const before = connections();
    const client = open({ allowed: [] });
    for (const { port } of listeners) {
      const url = form.replace('HOST', `127.0.0.1:${port}`);
      expect(await reasonOf(post(client, url))).toBe('address_refused');
    }
    expect(connections()).toEqual(before);
  });

  it.each(['http://8.8.8.8@HOST/', 'http://user:word@HOST/', 'ftp://HOST/', 'ws://HOST/', 'file://HOST/'])(
    'refuses %s even where the address is allowed',
    async (form) => {
      const before = connections();
      const client = open();
      for (const { port } of listeners) {
        const url = form.replace('HOST', `127.0.0.1:${port}`);
        expect(await reasonOf(post(client, url))).toBe('address_refused');
      }
      expect(connections()).toEqual(before);
    },
  );

  it('is not fooled by a name that is public at registration and internal at delivery', async () => {
    const before = connections();
    let asked = 0;
    const resolve = async () => (asked++ === 0 ? ['8.8.8.8'] : ['127.0.0.1']);
    const client = open({ allowed: [], resolve });
    for (const { port } of listeners) {
      asked = 0;
      const url = `http://rebinding.example:${port}/`;
      await checkWebhookUrl(url, { requireHttps: false, allowed: [], resolve });
      expect(await reasonOf(post(client, url))).toBe('address_refused');
      expect(asked).toBe(2);
    }
    expect(connections()).toEqual(before);
  });

  it('connects to the address that it judged, not to what the name says a moment later', async () => {
    let asked = 0;
    const resolve = async () => (asked++ === 0 ? ['127.0.0.1'] : ['127.0.0.66', '::1']);
    const receiver = await start(answer(200, '', { connection: 'close' }), '0.0.0.0');
    const client = open({ allowed: parseAllowedSubnets('127.0.0.1/32'), resolve });
    const url = `http://rebinding.example:${receiver.port}/`;
    expect((await post(client, url)).status).toBe(200);
    expect(asked).toBe(1);
    await until(() => receiver.open === 0);
    expect(await reasonOf(post(client, url))).toBe('address_refused');
    expect(asked).toBe(2);
    expect(receiver.localAddresses).toEqual(['127.0.0.1']);
  });

  it.each([301, 302, 303, 307, 308])('does not follow a %i', async (status) => {
    const before = connections();
    const client = open({ allowed: everything });
    for (const listener of listeners) {
      const host = listener === listeners[1] ? '[::1]' : '127.0.0.1';
      const location = `http://${host}:${listener.port}/`;
      const receiver = await start(answer(status, 'moved', { location, refresh: `0; url=${location}` }));
      const answered = await post(client, `http://127.0.0.1:${receiver.port}/`);
      expect([answered.status, answered.answer]).toEqual([status, 'moved']);
    }
    expect(connections()).toEqual(before);
  });
});
