import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type Fingerprint, FingerprintService } from '../../src/auth/fingerprint.service.js';
import { Public } from '../../src/common/access.js';
import { RawConnection } from '../support/raw-http.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

/** Stands for a route that records where its caller is. */
@Controller('api/universalconsent')
class OpenController {
  constructor(private readonly fingerprints: FingerprintService) {}

  @Get('fingerprint')
  @Public()
  readFingerprint(@Req() request: FastifyRequest, @Query('full') full: string): Fingerprint {
    return this.fingerprints.read(request, full === 'true');
  }
}

const path = '/api/universalconsent/fingerprint?full=true';

async function readFrom(
  app: TestApp,
  from: string,
  headers: Record<string, string> = {},
  to = path,
): Promise<Fingerprint> {
  const all = { 'x-forwarded-for': from, ...headers };
  return (await app.call('GET', to, { token: null, headers: all, offDocument: true })).as<Fingerprint>();
}

/** What Node makes of the bytes of a UTF-8 text in a header, and the other way round. */
const asBytes = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

describe('behind a proxy that says nothing of places', () => {
  let app: TestApp;
  const read = (from: string, headers?: Record<string, string>, to?: string) =>
    readFrom(app, from, headers, to);

  beforeAll(async () => {
    app = await createTestApp({ controllers: [OpenController], environment: { TRUST_PROXY: '1' } });
  });
  afterAll(() => app?.close());

  it('is all that can be known, and null for the rest', async () => {
    const headers = { 'user-agent': 'Mozilla/5.0 (Test)', origin: 'https://casino.example' };
    expect(await read('212.58.244.26', headers)).toEqual({
      ip: '212.58.244.26',
      proxifiedIp: '212.58.244.0',
      userAgent: 'Mozilla/5.0 (Test)',
      origin: 'https://casino.example',
      city: null,
      state: null,
      country: 'GB',
    });
    expect(await read('nonsense', { 'user-agent': '' })).toEqual({
      ip: null,
      proxifiedIp: null,
      userAgent: null,
      origin: null,
      city: null,
      state: null,
      country: null,
    });
  });

  it('holds the network alone where the brand does not keep whole addresses', async () => {
    const cut = path.replace('true', 'false');
    expect(await read('212.58.244.26', {}, cut)).toMatchObject({
      ip: '212.58.244.0',
      proxifiedIp: '212.58.244.0',
      country: 'GB',
    });
    expect(await read('2a02:2e0:3fe:1001::26', {}, cut)).toMatchObject({
      ip: '2a02:2e0:3fe::',
      proxifiedIp: '2a02:2e0:3fe::',
    });
    expect(await read('2A02:2E0:3FE:1001::26')).toMatchObject({
      ip: '2a02:2e0:3fe:1001::26',
      proxifiedIp: '2a02:2e0:3fe::',
    });
  });

  it.each([
    ['8.8.8.8', 'US'],
    ['::ffff:8.8.8.8', 'US'],
    ['193.99.144.80', 'DE'],
    ['2a02:2e0:3fe:1001:302::', 'DE'],
    ['10.1.2.3', null],
    ['127.0.0.1', null],
    ['169.254.1.1', null],
    ['172.16.0.1', null],
    ['192.168.1.1', null],
    ['100.64.0.1', null],
    ['203.0.113.7', null],
    ['198.51.100.7', null],
    ['224.0.0.1', null],
    ['255.255.255.255', null],
    ['::1', null],
    ['::808:808', null],
    ['fd00::1', null],
    ['fe80::1', null],
    ['2001:db8::1', null],
    ['2002:808:808::1', null],
    ['64:ff9b::808:808', null],
    ['2c0f:ffff:ffff::1', null],
  ])('finds the country of %s: %s', async (from, country) => {
    expect((await read(from)).country).toBe(country);
  });

  it('believes no header on places that it was not told of', async () => {
    const headers = { 'cf-ipcountry': 'FR', 'cf-ipcity': 'Paris', country: 'FR' };
    expect(await read('8.8.8.8', headers)).toMatchObject({ city: null, country: 'US' });
  });

  it('cuts long texts', async () => {
    const long = await read('8.8.8.8', { 'user-agent': 'u'.repeat(501), origin: 'o'.repeat(5_000) });
    expect([long.userAgent, long.origin]).toEqual(['u'.repeat(500), 'o'.repeat(500)]);
    const whole = await read('8.8.8.8', { 'user-agent': 'u'.repeat(500) });
    expect(whole.userAgent).toBe('u'.repeat(500));
  });

  it('never holds a character that PostgreSQL refuses', async () => {
    for (let code = 0; code < 256; code++) {
      if (code === 10 || code === 13) continue;
      const { status, body } = await sendAgent(app, Buffer.of(0x61, code, 0x62));
      const isControl = (code < 32 && code !== 9) || code === 127;
      expect([code, status]).toEqual([code, isControl ? 400 : 200]);
      if (!isControl)
        expect((JSON.parse(body) as Fingerprint).userAgent).toBe(`a${String.fromCharCode(code)}b`);
    }
  });
});

describe('behind a proxy that says where its callers are', () => {
  let app: TestApp;
  const read = (headers: Record<string, string>, from = '8.8.8.8') => readFrom(app, from, headers);

  beforeAll(async () => {
    const environment = {
      TRUST_PROXY: '1',
      GEO_HEADERS: 'city=CF-IPCity,state=cf-region,country=cf-ipcountry',
    };
    app = await createTestApp({ controllers: [OpenController], environment });
  });
  afterAll(() => app?.close());

  it('is what the proxy says', async () => {
    const headers = { 'cf-ipcity': ' London ', 'cf-region': 'England', 'cf-ipcountry': 'gb' };
    expect(await read(headers)).toMatchObject({ city: 'London', state: 'England', country: 'GB' });
  });

  it.each(['XX', 'T1', '', ' ', 'ZZ', 'EU', 'A1', 'GBR', 'G', 'GB, FR', '44', 'ÅL'])(
    'has no country when the proxy says “%s”',
    async (text) => expect((await read({ 'cf-ipcountry': asBytes(text) })).country).toBeNull(),
  );

  it('knows nothing when the proxy says nothing', async () => {
    expect(await read({})).toMatchObject({ city: null, state: null, country: null });
  });

  it('reads UTF-8, and Latin-1 where it is no UTF-8', async () => {
    const headers = { 'cf-ipcity': asBytes('São Paulo'), 'cf-region': 'Zürich' };
    expect(await read(headers)).toMatchObject({ city: 'São Paulo', state: 'Zürich' });
    const half = Buffer.of(0x41, 0xed, 0xa0, 0x80).toString('latin1');
    expect((await read({ 'cf-ipcity': half })).city).toBe(half);
    expect((await read({ 'cf-ipcity': 'S%C3%A3o' })).city).toBe('S%C3%A3o');
  });

  it('cuts long names, and never in the middle of a character', async () => {
    expect((await read({ 'cf-ipcity': 'x'.repeat(101) })).city).toBe('x'.repeat(100));
    const headers = {
      'cf-ipcity': asBytes(`${'x'.repeat(99)}😀`),
      'cf-region': asBytes(`${'x'.repeat(98)}😀y`),
    };
    expect(await read(headers)).toMatchObject({ city: 'x'.repeat(99), state: `${'x'.repeat(98)}😀` });
  });
});

describe('behind a proxy that knows of cities alone', () => {
  it('takes the country from the table', async () => {
    const environment = { TRUST_PROXY: '1', GEO_HEADERS: 'city=x-city' };
    const app = await createTestApp({ controllers: [OpenController], environment });
    try {
      const place = await readFrom(app, '193.99.144.80', { 'x-city': 'Hannover', 'cf-ipcountry': 'FR' });
      expect(place).toMatchObject({ city: 'Hannover', state: null, country: 'DE' });
    } finally {
      await app.close();
    }
  });
});

/** A request whose User-Agent is these bytes, which no HTTP client would send. */
async function sendAgent(app: TestApp, agent: Buffer): Promise<{ status: number; body: string }> {
  const connection = await RawConnection.open(app.url);
  connection.writeBytes(`GET ${path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\nuser-agent: `);
  connection.writeBytes(Buffer.concat([agent, Buffer.from('\r\n\r\n')]));
  const [head = '', body = ''] = (await connection.untilClosed()).split('\r\n\r\n');
  return { status: Number(head.slice(9, 12)), body };
}
