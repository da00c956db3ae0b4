import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BrandHosts } from '../../src/brands/brand-hosts.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { errorText, problem } from '../support/errors.js';
import { createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

let app: TestApp;
let other: TestApp;
let proxy: DatabaseProxy;

beforeAll(async () => {
  app = await createTestApp();
  proxy = await DatabaseProxy.start(app.database.serviceUrl);
  other = await createTestApp({ database: app.database, databaseUrl: proxy.url });
});
afterAll(async () => {
  await other?.close();
  await app?.close();
  await proxy?.stop();
});

const setHosts = (hosts: unknown, brand = 1) =>
  app.call('PATCH', `/api/brands/${brand}`, {
    body: { hosts },
    ...(brand === 2 && { token: otherBrandKey }),
  });
const hostsOf = async (brand: number) => {
  const token = brand === 2 ? otherBrandKey : undefined;
  return (await app.call('GET', `/api/brands/${brand}`, { token })).as<{ hosts: string[] }>().hosts;
};
const find = (host: string, at = app) => at.nest.get(BrandHosts).findByHost(host);

beforeEach(async () => {
  expect((await setHosts([])).status).toBe(200);
  expect((await setHosts([], 2)).status).toBe(200);
});

describe('the hosts of a brand', () => {
  it('are kept in small letters and printed in the order of the alphabet', async () => {
    const answer = await setHosts(['Shop.Example:8443', 'demo.example', '127.0.0.1:5173', 'LOCALHOST']);
    const hosts = ['127.0.0.1:5173', 'demo.example', 'localhost', 'shop.example:8443'];
    expect(answer.as<{ hosts: string[] }>().hosts).toEqual(hosts);
    expect(await hostsOf(1)).toEqual(hosts);
    expect((await setHosts(['shop.example:8443'])).status).toBe(200);
    expect(await hostsOf(1)).toEqual(['shop.example:8443']);
  });

  const bad: [string, unknown, string][] = [
    ['a scheme', ['https://demo.example'], errorText.hostNames],
    ['a path', ['demo.example/'], errorText.hostNames],
    ['an empty name', [''], errorText.hostNames],
    ['a name with two dots', ['demo..example'], errorText.hostNames],
    ['a port that is none', ['demo.example:http'], errorText.hostNames],
    ['a placeholder', ['*.demo.example'], errorText.hostNames],
    ['letters beyond ASCII', ['müller.example'], errorText.hostNames],
    ['a number', [1], errorText.hostNames],
    ['a text for a list', 'demo.example', 'hosts must be an array'],
    ['a host twice', ['demo.example', 'DEMO.example'], errorText.unique('hosts')],
    [
      'more than 100',
      Array.from({ length: 101 }, (_, n) => `h${n}.example`),
      'hosts must contain no more than 100 elements',
    ],
  ];
  it.each(bad)('refuse %s', async (_name, hosts, text) => {
    await setHosts(['demo.example']);
    const answer = await setHosts(hosts);
    expect([answer.status, answer.text]).toEqual([400, problem(400, text, '/api/brands/1', 'hosts')]);
    expect(await hostsOf(1)).toEqual(['demo.example']);
  });

  it('belong to one brand alone', async () => {
    await setHosts(['demo.example', 'shop.example']);
    const answer = await setHosts(['other.example', 'SHOP.example'], 2);
    const text = errorText.hostTaken('shop.example');
    expect([answer.status, answer.text]).toEqual([409, problem(409, text, '/api/brands/2')]);
    expect(await hostsOf(2)).toEqual([]);
    await setHosts(['demo.example']);
    expect((await setHosts(['other.example', 'shop.example'], 2)).status).toBe(200);
    expect(await find('shop.example')).toBe(2);
  });

  it('go to one of two brands that ask for them at once', async () => {
    for (let turn = 0; turn < 10; turn++) {
      const hosts = [`a${turn}.example`, `b${turn}.example`];
      const answers = await Promise.all([setHosts(hosts), setHosts([...hosts].reverse(), 2)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const swap = await Promise.all([setHosts([`a${turn}.example`]), setHosts([`b${turn}.example`], 2)]);
      expect(swap.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
    }
  });
});

describe('BrandHosts', () => {
  it('knows a change at once here, and within five seconds elsewhere', async () => {
    await setHosts(['demo.example', 'demo.example:8443']);
    expect(await find('demo.example')).toBe(1);
    expect(await find('demo.example:8443')).toBe(1);
    expect(await find('demo.example:9443')).toBeNull();
    expect(await find('sub.demo.example')).toBeNull();
    await find('demo.example', other);
    await setHosts([]);
    expect(await find('demo.example')).toBeNull();
    expect(await find('demo.example', other)).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5100));
    expect(await find('demo.example', other)).toBeNull();
  });

  it('rejects when the database is away and its memory is old', async () => {
    await setHosts(['demo.example']);
    other.nest.get(BrandHosts).forget();
    proxy.cut();
    await expect(find('demo.example', other)).rejects.toThrow();
    proxy.restore();
    expect(await find('demo.example', other)).toBe(1);
  });
});
