import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type CrmAddress, CrmClient, type CrmMessage } from '../../src/delivery/crm/crm-client.js';
import { answer, type Behaviour, bytes, endless, Receiver } from './receiver.js';

let client: CrmClient;
let crm: Receiver;
let behave: Behaviour;

beforeEach(async () => {
  // The client's clock alone is the test's: what is on the wire has its own time.
  jest.useFakeTimers({
    doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'queueMicrotask', 'Date', 'hrtime'],
  });
  behave = answer(200);
  crm = await Receiver.start((socket) => behave(socket));
  client = new CrmClient();
});
afterEach(async () => {
  jest.useRealTimers();
  await client.onApplicationShutdown();
  await crm.stop();
});

const address = (): CrmAddress => ({ baseUrl: `http://127.0.0.1:${crm.port}/base/`, apiKey: 'secret' });
const message = (player: string): CrmMessage => ({
  path: 'consents',
  player: JSON.stringify(player),
  origin: JSON.stringify('demo.example'),
  changedAt: new Date('2026-01-31T12:00:00Z'),
});
const tell = (player = 'p-1') => client.tell(address(), message(player));
const tellMany = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, index) => tell(`p-${index}`)));
const told = { status: 200, error: null };

describe('the CRM', () => {
  it('gets the message as it is', async () => {
    expect(await tell('p-"1')).toEqual(told);
    const [head, body] = crm.requests[0]?.split('\r\n\r\n') ?? [];
    expect(head).toMatch(/^PUT \/base\/v2\/integration\/user\/consents HTTP\/1\.1\r\n/);
    expect(head).toMatch(/x-api-key: secret/);
    expect(JSON.parse(body ?? '')).toEqual({
      user_id: 'p-"1',
      timestamp: '2026-01-31T12:00:00.000Z',
      origin: 'demo.example',
    });
  });

  it('is told over the same connections what is told one after the other', async () => {
    for (let count = 0; count < 30; count++) expect(await tell()).toEqual(told);
    // One is free again in the turn after its answer.
    expect(crm.connections).toBeLessThanOrEqual(2);
  });

  it('is told over 128 connections at most; what comes beyond them waits for one', async () => {
    behave = (socket) => void setTimeout(() => answer(200)(socket), 50);
    expect(await tellMany(400)).toEqual(Array(400).fill(told));
    expect(crm.connections).toBe(128);
    expect(new Set(crm.requests.map((request) => request.split('\r\n\r\n')[1])).size).toBe(400);
  });

  it('that closes after each answer is told over a new connection', async () => {
    behave = (socket) => socket.end('HTTP/1.1 200 -\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    for (let count = 0; count < 5; count++) expect(await tell()).toEqual(told);
    expect(crm.connections).toBe(5);
  });

  it('that closed while nothing was told is told over a new connection', async () => {
    behave = (socket) => {
      answer(200)(socket);
      setTimeout(() => socket.end(), 20);
    };
    for (let count = 0; count < 3; count++) {
      expect(await tell()).toEqual(told);
      while (crm.open > 0) await sleep(5);
    }
    expect(crm.connections).toBe(3);
  });

  it('that says 102 first has answered with what comes after it', async () => {
    behave = bytes('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 503 -\r\ncontent-length: 0\r\n\r\n');
    expect(await tell()).toEqual({ status: 503, error: null });
  });

  it('that answers with more than anybody reads loses its connection, no more', async () => {
    behave = endless('HTTP/1.1 200 -\r\ncontent-length: 100000000\r\n\r\n', 'x'.repeat(1000), 0);
    expect(await tell()).toEqual(told);
    // undici connects again at once.
    while (crm.connections === 1) await sleep(5);
    behave = answer(200);
    expect(await tell()).toEqual(told);
  });

  it.each([
    ['speaks no HTTP', bytes('220 mail.example ESMTP\r\n'), 'not HTTP'],
    ['cuts the connection', (socket) => void socket.destroy(), 'connection lost'],
  ] as [string, Behaviour, string][])(
    'that %s is told again over a new connection',
    async (_, bad, error) => {
      behave = bad;
      expect(await tell()).toEqual({ status: null, error });
      behave = answer(200);
      expect(await tell()).toEqual(told);
      expect(crm.connections).toBe(2);
    },
  );

  it('that is not there refuses, and is told once it is', async () => {
    const { port } = crm;
    await crm.stop();
    const gone = { baseUrl: `http://127.0.0.1:${port}`, apiKey: null };
    expect(await client.tell(gone, message('p-1'))).toEqual({ status: null, error: 'connection refused' });
    expect(await client.tell(gone, message('p-1'))).toEqual({ status: null, error: 'connection refused' });
    crm = await Receiver.start((socket) => behave(socket));
    expect(await tell()).toEqual(told);
  });
});

describe('more requests than connections', () => {
  it('are all refused by a CRM that is not there', async () => {
    const gone = address();
    await crm.stop();
    const answers = await Promise.all(Array.from({ length: 300 }, () => client.tell(gone, message('p-1'))));
    expect(answers).toEqual(Array(300).fill({ status: null, error: 'connection refused' }));
    crm = await Receiver.start((socket) => behave(socket));
  });

  it('all get an answer when the service stops', async () => {
    behave = () => undefined;
    const answers = tellMany(5000);
    while (crm.requests.length < 128) await sleep(5);
    await client.onApplicationShutdown();
    expect(await answers).toEqual(Array(5000).fill({ status: null, error: 'connection lost' }));
  });

  it('never take what the CRM says unasked for their answer', async () => {
    const unasked = 'HTTP/1.1 500 -\r\ncontent-length: 0\r\n\r\n';
    behave = (socket) => {
      answer(200)(socket);
      // When the answer has been read, and before the next request can be.
      setImmediate(() => setImmediate(() => socket.write(unasked)));
    };
    const answers = await tellMany(600);
    expect(answers.filter(({ status }) => status === 500)).toEqual([]);
  });
});

describe('what can be sent nowhere', () => {
  it.each(['crm.example', 'http://127.0.0.1:99999', 'mailto:crm@example.com'])(
    '(%s) is a failure with a reason',
    async (baseUrl) => {
      const answered = await client.tell({ baseUrl, apiKey: null }, message('p-1'));
      expect(answered).toEqual({ status: null, error: 'not HTTP' });
    },
  );

  it('(a key with a line break) is one, too, and harms nobody else', async () => {
    const bad = { ...address(), apiKey: 'a\r\nx-other: b' };
    expect(await client.tell(bad, message('p-1'))).toEqual({ status: null, error: 'not HTTP' });
    expect(await tell()).toEqual(told);
    expect(crm.requests).toHaveLength(1);
  });
});

describe('a CRM that hangs', () => {
  it('has 15 seconds, the wait for a connection included; then it is told of what is new', async () => {
    behave = () => undefined;
    const answers = tellMany(150);
    while (crm.requests.length < 128) await sleep(10);
    jest.advanceTimersByTime(14_000);
    await sleep(50);
    expect(crm.open).toBe(128);
    jest.advanceTimersByTime(2000);
    expect(await answers).toEqual(Array(150).fill({ status: null, error: 'timeout' }));
    behave = answer(200);
    expect(await tellMany(150)).toEqual(Array(150).fill(told));
    // What had its time while it waited was never sent.
    expect(crm.requests).toHaveLength(128 + 150);
  });

  it('after its 200 has been told, and loses its connection when the 15 seconds are over', async () => {
    behave = endless('HTTP/1.1 200 -\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\nx\r\n', 20);
    expect(await tell()).toEqual(told);
    jest.advanceTimersByTime(14_000);
    await sleep(50);
    expect(crm.connections).toBe(1);
    jest.advanceTimersByTime(2000);
    while (crm.connections === 1) await sleep(10);
    behave = answer(200);
    expect(await tell()).toEqual(told);
    while (crm.open > 1) await sleep(5);
    expect(crm.connections).toBe(2);
  });
});

describe('connections', () => {
  it('to a CRM that has been told nothing for a minute are forgotten', async () => {
    expect(await tell()).toEqual(told);
    // Free again in the next turn.
    await sleep(1);
    jest.advanceTimersByTime(60_000);
    expect(await tell()).toEqual(told);
    await sleep(1);
    expect(crm.connections).toBe(1);
    jest.advanceTimersByTime(80_000);
    while (crm.open > 0) await sleep(10);
    expect(await tell()).toEqual(told);
    expect(crm.connections).toBe(2);
  });
});
