import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { makeResolver, type ResolveName } from '../../src/delivery/webhooks/resolve-name.js';
import { until } from './deliveries.js';
import { startNameServer } from './name-server.js';

const folder = mkdtempSync(join(tmpdir(), 'player-consent-hosts-'));
const hostsFile = join(folder, 'hosts');
const [a, aaaa] = ['8.8.8.8', '2001:4860:4860::8888'];

let server: Awaited<ReturnType<typeof startNameServer>>;
let resolve: ResolveName;
beforeAll(async () => {
  writeFileSync(
    hostsFile,
    '# 10.0.0.9 not.example\n10.0.0.1\tInside.example alias # x.example\n\nfd00::1 alias\n',
  );
  server = await startNameServer({
    'both.example': { A: [a, '8.8.4.4'], AAAA: [aaaa] },
    'v4.example': { A: [a] },
    'v6.example': { AAAA: [aaaa] },
    'empty.example': { A: [], AAAA: [] },
    'inside.example': { A: ['8.8.8.8'] },
    'silent.example': 'silent',
    ...Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`r${index}.example`, 'silent' as const]),
    ),
  });
  resolve = makeResolver({ servers: [server.address], hostsFile, timeoutMs: 100 });
});
beforeEach(() => {
  server.asked.length = 0;
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

describe('the resolver', () => {
  it.each([
    ['both.example', [a, '8.8.4.4', aaaa]],
    ['both.example.', [a, '8.8.4.4', aaaa]],
    ['Both.EXAMPLE', [a, '8.8.4.4', aaaa]],
    ['v4.example', [a]],
    ['v6.example', [aaaa]],
  ])('finds every address of %s', async (name, addresses) => {
    expect([...(await resolve(name))].sort()).toEqual([...addresses].sort());
    expect(server.asked.length).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ['unknown.example', 'ENOTFOUND'],
    ['not.example', 'ENOTFOUND'],
    ['x.example', 'ENOTFOUND'],
    ['silent.example', 'ETIMEOUT'],
    ['empty.example', 'ENODATA'],
  ])('finds none of %s: %s', async (name, code) => {
    await expect(resolve(name)).rejects.toMatchObject({ code });
  });

  it.each([
    ['inside.example', ['10.0.0.1']],
    ['INSIDE.example.', ['10.0.0.1']],
    ['alias', ['10.0.0.1', 'fd00::1']],
    ['localhost', ['127.0.0.1', '::1']],
    ['localhost.', ['127.0.0.1', '::1']],
    ['any.LOCALHOST', ['127.0.0.1', '::1']],
  ])('finds %s without asking a name server', async (name, addresses) => {
    expect(await resolve(name)).toEqual(addresses);
    expect(server.asked).toEqual([]);
  });

  it('does without a hosts file', async () => {
    const without = makeResolver({ servers: [server.address], hostsFile: join(folder, 'none') });
    expect(await without('v4.example')).toEqual([a]);
  });

  it('keeps nobody waiting for the names of silent servers', async () => {
    const patient = makeResolver({ servers: [server.address], hostsFile, timeoutMs: 20_000 });
    let settled = 0;
    const waiting = Array.from({ length: 100 }, (_, index) =>
      patient(`r${index}.example`).catch(() => settled++),
    );
    await until(() => server.asked.length === 200);
    expect(await patient('v4.example')).toEqual([a]);
    expect(settled).toBe(0);
    server.release();
    await Promise.all(waiting);
  });
});
