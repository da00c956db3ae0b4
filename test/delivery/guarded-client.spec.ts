import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseAllowedSubnets } from '../../src/delivery/webhooks/address-rules.js';
import type { GuardedClientOptions } from '../../src/delivery/webhooks/guarded-client.js';
import { failureOf, open, post, reasonOf, start, stopAll, until } from './deliveries.js';
import { answer, type Behaviour, bytes, endless } from './receiver.js';

const never = () => undefined;

afterEach(stopAll);

describe('a delivery', () => {
  it('is the message, letter by letter, at the path and host that were given', async () => {
    const receiver = await start(answer(200, 'thanks'));
    const client = open({ resolve: async () => ['127.0.0.1'] });
    const answered = await post(client, `http://Receiver.example:${receiver.port}/hooks/ä?a=b#part`);
    expect(answered).toEqual({
      status: 200,
      answer: 'thanks',
      retryAfter: null,
      durationMs: expect.any(Number),
    });
    const [head = '', body] = receiver.requests[0]?.split('\r\n\r\n') ?? [];
    expect(head.split('\r\n')[0]).toBe('POST /hooks/%C3%A4?a=b HTTP/1.1');
    expect(head).toContain(`\r\nhost: receiver.example:${receiver.port}\r\n`);
    expect(head).toContain('\r\ncontent-type: application/json\r\nwebhook-id: 1\r\n');
    expect(head).toContain('\r\ncontent-length: 10');
    expect(Buffer.from(body ?? '', 'latin1').toString()).toBe('{"a":"ü"}');
  });

  it.each([
    ['127.0.0.0/8', '127.0.0.1', '127.0.0.1'],
    ['::1/128', '::1', '[::1]'],
  ])('comes to an inner receiver that %s allows', async (subnet, host, spelled) => {
    const receiver = await start(answer(200), host);
    const url = `http://${spelled}:${receiver.port}/`;
    expect((await post(open({ allowed: parseAllowedSubnets(subnet) }), url)).status).toBe(200);
    const other = subnet === '::1/128' ? '127.0.0.0/8' : '::1/128';
    const refused = post(open({ allowed: parseAllowedSubnets(other) }), url);
    expect(await reasonOf(refused)).toBe('address_refused');
    expect(receiver.requests).toHaveLength(1);
  });

  it('comes to another address of the name when one does not answer', async () => {
    const receiver = await start(answer(200), '::1');
    const client = open({ resolve: async () => ['127.0.0.1', '::1'] });
    expect((await post(client, `http://receiver.example:${receiver.port}/`)).status).toBe(200);
  });

  it.each<[number, Record<string, string>, string | null]>([
    [200, {}, null],
    [204, {}, null],
    [301, { location: 'http://127.0.0.1/' }, null],
    [410, {}, null],
    [429, { 'Retry-After': '120' }, '120'],
    [503, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, 'Wed, 21 Oct 2026 07:28:00 GMT'],
    [500, {}, null],
  ])('tells the status %i and when to come again', async (status, headers, retryAfter) => {
    const receiver = await start(answer(status, status === 204 ? '' : 'text', headers));
    const answered = await post(open(), `http://127.0.0.1:${receiver.port}/`);
    expect(answered).toMatchObject({ status, retryAfter, answer: status === 204 ? '' : 'text' });
  });

  it('takes the first of two Retry-After', async () => {
    const receiver = await start(
      bytes('HTTP/1.1 429 -\r\nretry-after: 5\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n'),
    );
    expect((await post(open(), `http://127.0.0.1:${receiver.port}/`)).retryAfter).toBe('5');
  });

  it('keeps a connection for the same host, and opens another for another at the same address', async () => {
    const receiver = await start(answer(200));
    const client = open({ resolve: async () => ['127.0.0.1'] });
    const hosts = ['one.example', 'one.example', 'two.example', 'one.example', '127.0.0.1'];
    for (const host of hosts) await post(client, `http://${host}:${receiver.port}/`);
    expect(receiver.requests).toHaveLength(5);
    expect(receiver.connections).toBe(3);
  });

  it('leaves no connection behind', async () => {
    const behaviours: Behaviour[] = [
      answer(200),
      answer(200, '', { connection: 'close' }),
      answer(200, 'x'.repeat(2000)),
      (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nto the end'),
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\nto the reset');
        setTimeout(() => socket.resetAndDestroy(), 200);
      },
      never,
    ];
    const receivers = await Promise.all(behaviours.map((behave) => start(behave)));
    const client = open({ timeoutMs: 1000, resolve: async () => ['127.0.0.1'] });
    const posts = receivers.flatMap(({ port }) =>
      ['one.example', 'two.example', '127.0.0.1'].map((host) => post(client, `http://${host}:${port}/`)),
    );
    expect(client.connections).toBe(18);
    const outcomes = (await Promise.allSettled(posts)).map(({ status }) => status);
    expect(outcomes).toEqual([...Array<string>(15).fill('fulfilled'), ...Array<string>(3).fill('rejected')]);
    await until(() => client.connections === 0);
    await until(() => receivers.every((receiver) => receiver.open === 0));
    expect(receivers.map((receiver) => receiver.connections)).toEqual([3, 3, 3, 3, 3, 3]);
  });

  it('goes over TLS only where that is required', async () => {
    const receiver = await start(answer(200));
    const refused = post(open({ requireHttps: true }), `http://127.0.0.1:${receiver.port}/`);
    expect(await reasonOf(refused)).toBe('address_refused');
    expect(receiver.connections).toBe(0);
  });
});

describe('the answer', () => {
  const textOf = async (behave: Behaviour, options: Partial<GuardedClientOptions> = {}) => {
    const receiver = await start(behave);
    return (await post(open(options), `http://127.0.0.1:${receiver.port}/`)).answer;
  };
  const withBody = (body: Buffer, headers = ''): Behaviour =>
    bytes(`HTTP/1.1 200 OK\r\n${headers}content-length: ${body.length}\r\n\r\n`, body);

  it('is kept whole up to the bound, and cut behind it', async () => {
    expect(await textOf(answer(200, 'x'.repeat(1024)))).toBe('x'.repeat(1024));
    expect(await textOf(answer(200, `${'x'.repeat(1024)}y`))).toBe('x'.repeat(1024));
    expect(await textOf(answer(200, 'x'.repeat(1_000_000)))).toBe('x'.repeat(1024));
    expect(await textOf(answer(200, 'xyz'), { maxAnswerBytes: 2 })).toBe('xy');
  });

  it('is text that PostgreSQL can store', async () => {
    expect(await textOf(withBody(Buffer.from('a\0b\0\0c')))).toBe('abc');
    expect(await textOf(withBody(Buffer.from([0x61, 0xff, 0xed, 0xa0, 0x80, 0x62])))).toMatch(/^a\ufffd+b$/);
    expect(await textOf(withBody(Buffer.from('äöü')), { maxAnswerBytes: 3 })).toBe('ä');
    expect(await textOf(withBody(Buffer.from('äö').subarray(0, 3)))).toBe('ä\ufffd');
  });

  it('is put together from its pieces', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n';
    expect(await textOf(bytes(chunked))).toBe('abc');
    expect(
      await textOf((socket) => {
        for (const [index, letter] of [...chunked].entries()) setTimeout(() => socket.write(letter), index);
      }),
    ).toBe('abc');
    expect(await textOf((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nto the end'))).toBe('to the end');
  });

  it('is not unpacked', async () => {
    const packed = gzipSync(Buffer.alloc(100_000, 'x'));
    const text = await textOf(withBody(packed, 'content-encoding: gzip\r\n'));
    expect(text).not.toContain('xx');
    expect(text.length).toBeLessThanOrEqual(packed.length);
  });

  it.each(['content-length: 999999999999', 'transfer-encoding: chunked', 'connection: close'])(
    'may be endless (%s): it counts, and the connection is cut',
    async (header) => {
      const part = header.startsWith('transfer') ? `400\r\n${'x'.repeat(1024)}\r\n` : 'x'.repeat(1024);
      const receiver = await start(endless(`HTTP/1.1 202 OK\r\n${header}\r\n\r\n`, part, 0));
      const answered = await post(open(), `http://127.0.0.1:${receiver.port}/`);
      expect(answered).toMatchObject({ status: 202, answer: 'x'.repeat(1024) });
      await until(() => receiver.open === 0);
      expect(receiver.connections).toBe(1);
    },
  );
});

describe('many receivers', () => {
  it('that hang, 100 of them, and as many names, do not slow another one', async () => {
    const hanging = await start(never);
    const receiver = await start(answer(200));
    const resolve = (name: string) =>
      name.endsWith('.nowhere.example') ? new Promise<string[]>(never) : Promise.resolve(['127.0.0.1']);
    const client = open({ resolve, timeoutMs: 60_000 });
    const failures = Array.from({ length: 200 }, (_, index) => {
      const domain = index % 2 === 0 ? 'hanging.example' : 'nowhere.example';
      return failureOf(post(client, `http://r${index}.${domain}:${hanging.port}/`));
    });
    await until(() => hanging.requests.length === 100);
    for (let count = 0; count < 20; count++)
      expect((await post(client, `http://receiver.example:${receiver.port}/`)).status).toBe(200);
    expect([hanging.open, receiver.requests.length]).toEqual([100, 20]);
    await client.close();
    const reasons = (await Promise.all(failures)).map(({ reason }) => reason);
    expect(reasons).toEqual(Array.from({ length: 200 }, () => 'closed'));
  });

  it('at one address wait for none of the others', async () => {
    const receiver = await start((socket) => void setTimeout(() => answer(200)(socket), 50));
    const client = open({ timeoutMs: 5000 });
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => post(client, `http://127.0.0.1:${receiver.port}/`)),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });
});

describe('close', () => {
  it('cuts what is under way, in any state, and takes nothing more', async () => {
    const hanging = await start(never);
    const shaking = await start(never);
    const client = open();
    const failures = [
      failureOf(post(client, `http://127.0.0.1:${hanging.port}/`)),
      failureOf(post(client, `https://127.0.0.1:${shaking.port}/`)),
    ];
    await until(() => hanging.requests.length === 1 && shaking.connections === 1);
    await client.close();
    expect((await Promise.all(failures)).map(({ reason }) => reason)).toEqual(['closed', 'closed']);
    await until(() => hanging.open === 0 && shaking.open === 0);
    expect(await reasonOf(post(client, `http://127.0.0.1:${hanging.port}/`))).toBe('closed');
    expect(hanging.connections).toBe(1);
  });
});
