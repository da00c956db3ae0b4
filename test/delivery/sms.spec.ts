import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/config/config.js';
import {
  isPermanentSmsFailure,
  type OutgoingSms,
  SmsFailure,
  SmsTransport,
} from '../../src/delivery/sms/sms-transport.js';

interface Received {
  method?: string;
  url?: string;
  headers: IncomingHttpHeaders;
  body: string;
}

const sms: OutgoingSms = {
  to: '+49-151-marked',
  text: 'Ihr Code: marked 12 € "ß" 🎰',
  id: '0193a1b2-7000-sms_1',
};
const open: SmsTransport[] = [];
const received: Received[] = [];
let dataDir: string;
let gateway: Server;
let connections = 0;
/** How the gateway answers. */
let answer: (response: ServerResponse) => void;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'player-consent-sms-'));
  received.length = 0;
  connections = 0;
  answer = (response) => response.writeHead(200).end('{"status":"queued"}');
  gateway = createServer((request, response) => {
    const { method, url, headers } = request;
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ method, url, headers, body });
      answer(response);
    });
  });
  gateway.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  gateway.closeAllConnections();
  await new Promise((resolve) => gateway.close(resolve));
  await Promise.all(open.splice(0).map((transport) => transport.onApplicationShutdown()));
  rmSync(dataDir, { recursive: true });
});

function transportWith(variables: Record<string, string>, timeout?: number): SmsTransport {
  const transport = new SmsTransport(readConfig({ DATA_DIR: dataDir, ...variables }), timeout);
  open.push(transport);
  return transport;
}
const gatewayUrl = () => `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/v1/messages?route=a`;
const overHttp = (timeout?: number) =>
  transportWith({ SMS_URL: gatewayUrl(), SMS_TOKEN: 'marked-token' }, timeout);

/** The failure of sending the message, which must not tell about it. */
async function failureOf(transport: SmsTransport): Promise<SmsFailure> {
  const failure: unknown = await transport.send(sms).then(
    () => 'was taken',
    (error: unknown) => error,
  );
  if (!(failure instanceof SmsFailure)) throw new Error(`no SmsFailure: ${inspect(failure)}`);
  expect(inspect(failure, { depth: 9, showHidden: true })).not.toMatch(/marked|\+49/);
  return failure;
}

describe('a text message', () => {
  it('is posted to the gateway with the token, under its id', async () => {
    await overHttp().send(sms);
    expect(received).toEqual([
      {
        method: 'POST',
        url: '/v1/messages?route=a',
        headers: {
          host: new URL(gatewayUrl()).host,
          connection: 'keep-alive',
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(received[0]?.body ?? '')),
          'idempotency-key': sms.id,
          authorization: 'Bearer marked-token',
        },
        body: JSON.stringify(sms),
      },
    ]);
  });

  it('goes without a token where there is none', async () => {
    await transportWith({ SMS_URL: gatewayUrl() }).send(sms);
    expect(received.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('shares connections with the next ones', async () => {
    const transport = overHttp();
    for (let count = 0; count < 10; count++) await transport.send(sms);
    expect(received).toHaveLength(10);
    expect(connections).toBeLessThanOrEqual(2);
    await Promise.all(Array.from({ length: 30 }, () => transport.send(sms)));
    expect(received).toHaveLength(40);
    expect(connections).toBeLessThanOrEqual(8);
  });

  it.each(['', 'a b', 'a\r\nx: y', '../x', 'ä'])('is not sent under the id %j', async (id) => {
    for (const transport of [overHttp(), transportWith({})])
      await expect(transport.send({ ...sms, id })).rejects.toThrow('a message id is');
    expect(received).toEqual([]);
  });
});

describe('the gateway’s answer', () => {
  it.each([200, 201, 202, 204])('%i means that it was taken', async (status) => {
    answer = (response) => response.writeHead(status).end();
    await overHttp().send(sms);
    expect(received).toHaveLength(1);
  });

  it.each([
    [400, true],
    [401, false],
    [404, false],
    [413, true],
    [422, true],
    [422, true],
    [408, false],
    [429, false],
    [500, false],
    [502, false],
    [503, false],
  ])('%i is a failure; for good: %j', async (status, isPermanent) => {
    answer = (response) => response.writeHead(status).end(received[0]?.body);
    const failure = await failureOf(overHttp());
    expect(failure.message).toBe(`SMS gateway ${status}`);
    expect(isPermanentSmsFailure(failure)).toBe(isPermanent);
    expect(received).toHaveLength(1);
  });

  it.each([301, 302, 303, 307, 308])('%i is not followed', async (status) => {
    answer = (response) => response.writeHead(status, { location: '/elsewhere' }).end();
    const failure = await failureOf(overHttp());
    expect(failure.message).toBe(`SMS gateway ${status}`);
    expect(isPermanentSmsFailure(failure)).toBe(false);
    expect(received.map(({ url }) => url)).toEqual(['/v1/messages?route=a']);
  });

  it('counts when its body never ends, and the connection is not waited for', async () => {
    answer = (response) => void response.writeHead(200).write('{');
    const transport = overHttp(400);
    const before = Date.now();
    await transport.send(sms);
    expect(Date.now() - before).toBeLessThan(300);
    await transport.send(sms);
    expect(received).toHaveLength(2);
  });

  it('may be of any length', async () => {
    answer = (response) => response.writeHead(202).end('x'.repeat(5_000_000));
    const transport = overHttp();
    await transport.send(sms);
    await transport.send(sms);
    expect(received).toHaveLength(2);
  });
});

describe('a gateway that', () => {
  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['hangs', () => undefined, /^SMS gateway timeout$/],
    [
      'says a little, and hangs',
      (response) => response.socket?.write('HTTP/1.1 200'),
      /^SMS gateway timeout$/,
    ],
    [
      'hangs up',
      (response) => response.socket?.destroy(),
      /^SMS gateway connection lost \(UND_ERR_SOCKET\)$/,
    ],
    [
      'resets',
      (response) => response.socket?.resetAndDestroy(),
      /^SMS gateway connection lost \((ECONNRESET|UND_ERR_SOCKET)\)$/,
    ],
    [
      'speaks no HTTP',
      (response) => response.socket?.end('220 hello\r\n\r\n'),
      /^SMS gateway connection lost/,
    ],
  ])('%s is tried again later', async (_what, behave, message) => {
    answer = behave;
    const failure = await failureOf(overHttp(300));
    expect(failure.message).toMatch(message);
    expect(isPermanentSmsFailure(failure)).toBe(false);
    expect(received).toHaveLength(1);
  });

  it('is not there is tried again later', async () => {
    const transport = overHttp();
    await new Promise((resolve) => gateway.close(resolve));
    const failure = await failureOf(transport);
    expect(failure.message).toBe('SMS gateway connection lost (ECONNREFUSED)');
    expect(isPermanentSmsFailure(failure)).toBe(false);
    expect(isPermanentSmsFailure(new Error('SMS gateway 400'))).toBe(false);
    gateway.listen(0);
  });

  it('closed a kept connection gets the next message all the same', async () => {
    const transport = overHttp();
    await transport.send(sms);
    gateway.closeAllConnections();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await transport.send(sms);
    expect([received.length, connections]).toEqual([2, 2]);
  });
});

describe('without a gateway', () => {
  it('every message is a file, the same id the same one', async () => {
    const transport = transportWith({});
    const ids = Array.from({ length: 20 }, (_, index) => `sms-${index % 10}`);
    await Promise.all(ids.map((id) => transport.send({ ...sms, id })));
    await transport.send({ ...sms, id: 'sms-0', text: 'again' });
    const folder = join(dataDir, 'sms');
    const names = readdirSync(folder).sort();
    expect(names).toEqual(Array.from({ length: 10 }, (_, index) => `sms-${index}.json`));
    for (const name of names) {
      const id = name.replace('.json', '');
      const text = id === 'sms-0' ? 'again' : sms.text;
      expect(JSON.parse(readFileSync(join(folder, name), 'utf8'))).toEqual({ ...sms, id, text });
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    }
    expect(received).toEqual([]);
  });
});
