import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import PostalMime from 'postal-mime';
import { readConfig } from '../../src/config/config.js';
import {
  defaultMailTimeouts,
  isPermanentMailFailure,
  MailFailure,
  type MailTimeouts,
  MailTransport,
  type OutgoingMail,
} from '../../src/delivery/mail/mail-transport.js';
import { projectFolder } from '../support/api-document.js';
import { MailServer, type MailServerBehaviour, startTcpServer } from '../support/mail-server.js';
import { makeCertificate } from './certificate.js';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const mail: OutgoingMail = {
  to: 'marked-recipient@example.com',
  messageId: 'm-1',
  subject: 'marked subject',
  text: 'marked text',
  html: '<p>marked html</p>',
};

async function serverThat(behaviour: MailServerBehaviour): Promise<MailServer> {
  const server = await MailServer.start(behaviour);
  closers.push(() => server.close());
  return server;
}

async function listenerThat(talk: (socket: Socket) => void) {
  const listener = await startTcpServer(talk);
  closers.push(() => listener.close());
  return listener;
}

function transportTo(url: string, timeouts: Partial<MailTimeouts> = {}): MailTransport {
  const config = readConfig({ SMTP_URL: url, PUBLIC_URL: 'https://consent.example' });
  const transport = new MailTransport(config, { ...defaultMailTimeouts, ...timeouts });
  closers.push(() => transport.onApplicationShutdown());
  return transport;
}

/** The failure of sending the mail, which must not tell about it. */
async function failureOf(transport: MailTransport, secrets = /marked|example\.com/): Promise<MailFailure> {
  const failure: unknown = await transport.send(mail).then(
    () => 'was taken',
    (error: unknown) => error,
  );
  if (!(failure instanceof MailFailure)) throw new Error(`no MailFailure: ${inspect(failure)}`);
  expect(inspect(failure, { depth: 9, showHidden: true })).not.toMatch(secrets);
  return failure;
}

const quoting = 'said <marked-recipient@example.com> of "marked text"';

const refusals: [what: string, behaviour: MailServerBehaviour, message: string, isPermanent: boolean][] = [
  ['421 at the greeting', { greeting: `421 ${quoting}` }, 'SMTP 421 (CONN)', false],
  ['554 at the greeting', { greeting: `554 ${quoting}` }, 'SMTP 554 (CONN)', false],
  ['451 for the sender', { sender: `451 ${quoting}` }, 'SMTP 451 (MAIL FROM)', false],
  ['550 for the sender', { sender: `550 ${quoting}` }, 'SMTP 550 (MAIL FROM)', false],
  ['451 for the recipient', { recipient: `451 ${quoting}` }, 'SMTP 451 (RCPT TO)', false],
  ['421 for the recipient', { recipient: `421 ${quoting}` }, 'SMTP 421 (CONN)', false],
  ['530 for the recipient', { recipient: `530 ${quoting}` }, 'SMTP 530 (RCPT TO)', false],
  ['550 for the recipient', { recipient: `550 ${quoting}` }, 'SMTP 550 (RCPT TO)', true],
  ['553 for the recipient', { recipient: `553 ${quoting}` }, 'SMTP 553 (RCPT TO)', true],
  ['451 after the mail', { data: () => `451 ${quoting}` }, 'SMTP 451 (DATA)', false],
  ['503 after the mail', { data: () => `503 ${quoting}` }, 'SMTP 503 (DATA)', false],
  ['554 after the mail', { data: () => `554 ${quoting}` }, 'SMTP 554 (DATA)', true],
];

describe('a refusal', () => {
  const seen = new Map<string, { failure: MailFailure; taken: number }>();

  // All at once: a server waits a moment before it greets.
  beforeAll(async () => {
    const ask = async ([what, behaviour]: (typeof refusals)[number]) => {
      const server = await serverThat(behaviour);
      const failure = await failureOf(transportTo(server.url));
      seen.set(what, { failure, taken: server.taken.length });
    };
    await Promise.all(refusals.map(ask));
  });

  it.each(refusals)('with %s is told apart', (what, _behaviour, message, isPermanent) => {
    const { failure, taken } = seen.get(what) ?? {};
    expect([failure?.message, taken]).toEqual([message, 0]);
    expect(isPermanentMailFailure(failure)).toBe(isPermanent);
  });

  it('keeps nobody else from sending, and the retry is the same mail', async () => {
    const answers = ['451 later', '554 never', 'drop'];
    const server = await serverThat({ data: (count) => answers[count - 1] });
    const transport = transportTo(server.url);
    for (const message of ['SMTP 451 (DATA)', 'SMTP 554 (DATA)', 'SMTP connection lost (ECONNECTION)'])
      expect((await failureOf(transport)).message).toBe(message);
    await transport.send(mail);
    await transport.send(mail);
    await transportTo(server.url).send(mail);
    const ids = await Promise.all(
      server.taken.map(async ({ source }) => (await PostalMime.parse(source)).messageId),
    );
    expect(ids).toEqual(Array(3).fill('<m-1@consent.example>'));
    expect(server.arrived).toBe(6);
  });

  it('is no word about other errors', () => {
    for (const other of [new Error('SMTP 550'), undefined, 'SMTP 550', { isPermanent: true }])
      expect(isPermanentMailFailure(other)).toBe(false);
  });
});

describe('a mail server that', () => {
  it('is not there', async () => {
    const server = await MailServer.start();
    await server.close();
    const failure = await failureOf(transportTo(server.url));
    expect(failure.message).toBe('SMTP connection lost (ECONNREFUSED)');
    expect(isPermanentMailFailure(failure)).toBe(false);
  });

  it.each<[string, MailServerBehaviour | ((socket: Socket) => void), Partial<MailTimeouts>, string]>([
    ['hangs after the mail', { data: () => 'hang' }, { socket: 300 }, 'SMTP timeout'],
    ['hangs up after the mail', { data: () => 'drop' }, {}, 'SMTP connection lost (ECONNECTION)'],
    ['never greets', () => undefined, { greeting: 300 }, 'SMTP timeout'],
    ['hangs up without a greeting', (socket) => socket.destroy(), {}, 'SMTP connection lost (ECONNECTION)'],
    ['resets', (socket) => socket.resetAndDestroy(), {}, 'SMTP connection lost (ECONNRESET)'],
    [
      'says nothing sensible',
      (socket) => socket.write('HTTP/1.1 400\r\n\r\n'),
      {},
      'SMTP connection lost (EPROTOCOL)',
    ],
  ])('%s is tried again later', async (_what, behaviour, timeouts, message) => {
    const url =
      typeof behaviour === 'function'
        ? `smtp://127.0.0.1:${(await listenerThat(behaviour)).port}`
        : (await serverThat(behaviour)).url;
    const failure = await failureOf(transportTo(url, timeouts));
    expect(failure.message).toBe(message);
    expect(isPermanentMailFailure(failure)).toBe(false);
  });

  it('hangs up in the middle of the mail gets it once, and is tried again later', async () => {
    const { port, connections } = await listenerThat((socket) => {
      socket.write('220 mail.example\r\n');
      socket.on('data', (chunk: Buffer) => {
        if (/^EHLO/.test(chunk.toString())) socket.write('250 mail.example\r\n');
        else if (/^(MAIL|RCPT)/.test(chunk.toString())) socket.write('250 ok\r\n');
        else if (/^DATA/.test(chunk.toString())) socket.write('354 go on\r\n');
        else socket.destroy();
      });
    });
    const transport = transportTo(`smtp://127.0.0.1:${port}`);
    const failure = await failureOf(transport);
    expect(failure.message).toMatch(/^SMTP connection lost \((ECONNECTION|ECONNRESET|EPIPE)\)$/);
    expect(isPermanentMailFailure(failure)).toBe(false);
    expect(connections()).toBe(1);
  });

  it('always says a little more is given up in all', async () => {
    const { port } = await listenerThat((socket) => {
      socket.write('220 mail.example\r\n');
      const timer = setInterval(() => socket.write('250-more\r\n'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    const before = Date.now();
    const failure = await failureOf(transportTo(`smtp://127.0.0.1:${port}`, { socket: 200, total: 600 }));
    expect(failure.message).toBe('SMTP timeout');
    expect(Date.now() - before).toBeGreaterThan(500);
    expect(Date.now() - before).toBeLessThan(2_000);
  });

  it('hangs makes those who wait for a connection fail in their time too', async () => {
    const server = await serverThat({ data: () => 'hang' });
    const transport = transportTo(server.url, { total: 500 });
    const failures = await Promise.all(Array.from({ length: 7 }, () => failureOf(transport)));
    expect(failures.map(({ message }) => message)).toEqual(Array(7).fill('SMTP timeout'));
    expect(server.arrived).toBe(3);
  });

  it('closes idle connections does not lose the next mail', async () => {
    const server = await serverThat({});
    const transport = transportTo(server.url);
    await Promise.all([transport.send(mail), transport.send(mail), transport.send(mail)]);
    server.dropAll();
    await Promise.all([transport.send(mail), transport.send(mail), transport.send(mail)]);
    expect(server.taken).toHaveLength(6);
  });
});

describe('the log-in', () => {
  const login = { user: 'consent@example.com', password: 'p@ss:w/rd %é' };
  const credentials = (password: string) =>
    `${encodeURIComponent(login.user)}:${encodeURIComponent(password)}@`;
  const urlWith = (server: MailServer, text: string) => server.url.replace('//', `//${text}`);

  it('takes user and password from SMTP_URL, percent-decoded', async () => {
    const server = await serverThat({ login });
    await transportTo(urlWith(server, credentials(login.password))).send(mail);
    expect(server.taken).toHaveLength(1);
  });

  it.each([
    ['wrong', credentials('marked password'), 'SMTP 535 (AUTH PLAIN)'],
    ['missing', '', 'SMTP 530 (MAIL FROM)'],
  ])('that is %s costs no mail: it is tried again later', async (_what, text, message) => {
    const server = await serverThat({ login });
    const failure = await failureOf(transportTo(urlWith(server, text)));
    expect(failure.message).toBe(message);
    expect(isPermanentMailFailure(failure)).toBe(false);
    expect(server.taken).toEqual([]);
  });
});

describe('TLS', () => {
  const certificate = makeCertificate({ addresses: ['127.0.0.1'] });
  const folder = mkdtempSync(join(tmpdir(), 'player-consent-tls-'));
  const authority = join(folder, 'authority.pem');
  writeFileSync(authority, certificate.cert);
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is used, whether offered or spoken at once', async () => {
    const offered = await serverThat({ tls: { when: 'offered', ...certificate } });
    const atOnce = await serverThat({ tls: { when: 'at once', ...certificate } });
    // A process of its own, because only a start takes further authorities.
    const script = `
      const { MailTransport } = await import('./dist/src/delivery/mail/mail-transport.js');
      const { readConfig } = await import('./dist/src/config/config.js');
      const [mail, ...urls] = process.argv.slice(1);
      for (const SMTP_URL of urls) {
        const transport = new MailTransport(readConfig({ SMTP_URL }));
        await transport.send(JSON.parse(mail));
        transport.onApplicationShutdown();
      }`;
    const arguments_ = ['--import', 'reflect-metadata', '--input-type=module', '-e', script];
    await promisify(execFile)(
      process.execPath,
      [...arguments_, JSON.stringify(mail), offered.url, atOnce.url],
      {
        cwd: projectFolder,
        env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: authority },
      },
    );
    for (const { taken } of [offered, atOnce])
      expect(taken).toMatchObject([{ to: [mail.to], isEncrypted: true }]);
  });

  it.each(['offered', 'at once'] as const)(
    '%s under a certificate that nobody trusts is no reason to send in the clear',
    async (when) => {
      const server = await serverThat({ tls: { when, ...certificate } });
      const failure = await failureOf(transportTo(server.url));
      expect(failure.message).toMatch(/^SMTP connection lost \([A-Z_]+\)$/);
      expect(isPermanentMailFailure(failure)).toBe(false);
      expect([server.connections, server.arrived]).toEqual([1, 0]);
    },
  );
});
