import { afterEach, describe, expect, it } from '@jest/globals';
import { failureOf, open, post, reasonOf, start, stopAll, until } from './deliveries.js';
import { answer, type Behaviour, bytes, endless } from './receiver.js';

const never = () => undefined;

afterEach(stopAll);

describe('a receiver that does not answer', () => {
  const ok = 'HTTP/1.1 200 OK\r\n';
  const slow: Record<string, Behaviour> = {
    'hangs before the headers': never,
    'hangs in the headers': bytes(ok),
    'is slow with the headers': endless(ok, 'x', 50),
    'hangs in the body': bytes(`${ok}content-length: 2\r\n\r\nx`),
    'is slow with the body': endless(`${ok}content-length: 1000\r\n\r\n`, 'x', 50),
    'never ends a chunk’s extension': endless(`${ok}transfer-encoding: chunked\r\n\r\n5;`, 'x', 50),
    'promises an answer again and again': endless('', 'HTTP/1.1 102 Processing\r\n\r\n', 300),
  };
  it(`ends in a timeout where it ${Object.keys(slow).join(', or ')}`, async () => {
    const client = open({ timeoutMs: 1000 });
    const seen = Object.entries(slow).map(async ([what, behave]) => {
      const receiver = await start(behave);
      const failure = await failureOf(post(client, `http://127.0.0.1:${receiver.port}/`));
      expect(failure.durationMs).toBeGreaterThanOrEqual(990);
      await until(() => receiver.open === 0);
      return [what, failure.reason, failure.message, receiver.requests.length];
    });
    expect(await Promise.all(seen)).toEqual(Object.keys(slow).map((what) => [what, 'timeout', 'timeout', 1]));
  });

  it('ends in a timeout where it never shakes hands', async () => {
    const receiver = await start(never);
    const failure = await failureOf(post(open({ timeoutMs: 300 }), `https://127.0.0.1:${receiver.port}/`));
    expect(failure.reason).toBe('timeout');
    await until(() => receiver.open === 0);
  });

  it('ends in a timeout where its name server hangs, and what resolves later sends nothing', async () => {
    const receiver = await start(answer(200));
    let late: (addresses: string[]) => void = never;
    const resolve = () => new Promise<string[]>((done) => (late = done));
    const client = open({ timeoutMs: 300, resolve });
    const url = `http://slow.example:${receiver.port}/`;
    expect(await reasonOf(post(client, url))).toBe('timeout');
    late(['127.0.0.1']);
    await post(client, `http://127.0.0.1:${receiver.port}/`);
    expect([receiver.connections, receiver.requests.length]).toEqual([1, 1]);
  });

  it.each<[string, Behaviour]>([
    ['endless headers', endless(ok, `x-header: ${'x'.repeat(100)}\r\n`, 0)],
    ['one endless header', endless(`${ok}x-header: `, 'x'.repeat(1000), 0)],
    ['endless trailers', endless(`${ok}transfer-encoding: chunked\r\n\r\n0\r\n`, 'x-trailer: y\r\n', 0)],
    ['endless promises', endless('', 'HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n', 0)],
    ['something else than HTTP', bytes('220 mail.example ESMTP\r\n')],
    ['two lengths', bytes(`${ok}content-length: 1\r\ncontent-length: 2\r\n\r\nxx`)],
    ['another protocol', bytes('HTTP/1.1 101 -\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')],
  ])('but with %s breaks the protocol', async (_what, behave) => {
    const receiver = await start(behave);
    const failure = await failureOf(post(open(), `http://127.0.0.1:${receiver.port}/`));
    expect(failure.reason).toBe('protocol');
    await until(() => receiver.open === 0);
  });

  it.each<[string, Behaviour]>([
    ['resets', (socket) => socket.resetAndDestroy()],
    ['hangs up', (socket) => socket.destroy()],
    ['hangs up in the headers', (socket) => socket.end(ok)],
    ['hangs up in the body', (socket) => socket.end(`${ok}content-length: 10\r\n\r\nx`)],
    [
      'resets in the body',
      (socket) => {
        socket.write(`${ok}content-length: 10\r\n\r\nx`, () => socket.resetAndDestroy());
      },
    ],
  ])('and %s is a reset connection', async (_what, behave) => {
    const receiver = await start(behave);
    const failure = await failureOf(post(open(), `http://127.0.0.1:${receiver.port}/`));
    expect(failure.reason).toBe('connection_reset');
  });

  it('and is not there refuses the connection, at one address or at two', async () => {
    const receiver = await start(never);
    const { port } = receiver;
    await receiver.stop();
    const client = open({ resolve: async () => ['127.0.0.1', '::1'] });
    for (const host of ['127.0.0.1', 'receiver.example']) {
      const failure = await failureOf(post(client, `http://${host}:${port}/`));
      expect([failure.reason, failure.code]).toEqual(['connection_refused', 'ECONNREFUSED']);
      expect(JSON.stringify([failure, failure.message, failure.cause])).not.toContain('127.0.0.1');
    }
  });

  it('and has no name is not found', async () => {
    const failing = Object.assign(new Error('getaddrinfo ENOTFOUND nobody.example'), { code: 'ENOTFOUND' });
    const failure = await failureOf(
      post(open({ resolve: () => Promise.reject(failing) }), 'http://nobody.example/'),
    );
    expect([failure.reason, failure.code]).toEqual(['name_not_found', 'ENOTFOUND']);
    const empty = await failureOf(post(open({ resolve: async () => [] }), 'http://nobody.example/'));
    expect(empty.reason).toBe('name_not_found');
  });
});
