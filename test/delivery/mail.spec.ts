import 'reflect-metadata';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import PostalMime, { type Email } from 'postal-mime';
import { readConfig } from '../../src/config/config.js';
import { ConfigModule } from '../../src/config/config.module.js';
import { MailTemplates } from '../../src/delivery/mail/mail-templates.js';
import {
  defaultMailTimeouts,
  isPermanentMailFailure,
  MailTransport,
  mailTimeouts,
  type OutgoingMail,
} from '../../src/delivery/mail/mail-transport.js';
import { SmsTransport } from '../../src/delivery/sms/sms-transport.js';
import { projectFolder } from '../support/api-document.js';
import { MailServer, type TakenMail } from '../support/mail-server.js';

const dataDir = mkdtempSync(join(tmpdir(), 'player-consent-mail-'));
const environment = { DATA_DIR: dataDir, PUBLIC_URL: 'https://consent.example:8443' };
const templates = new MailTemplates(readConfig(environment));
const open: MailTransport[] = [];
let server: MailServer;

beforeAll(async () => {
  server = await MailServer.start();
});
afterEach(() => {
  for (const transport of open.splice(0)) transport.onApplicationShutdown();
  server.taken.length = 0;
});
afterAll(async () => {
  await server?.close();
  rmSync(dataDir, { recursive: true });
});

function transportWith(variables: Record<string, string> = {}): MailTransport {
  const transport = new MailTransport(readConfig({ ...environment, ...variables }));
  open.push(transport);
  return transport;
}
const overSmtp = (variables: Record<string, string> = {}) =>
  transportWith({ SMTP_URL: server.url, ...variables });

const longLine = 'Ä'.repeat(1_500);
const plain: OutgoingMail = {
  to: 'player1001@example.com',
  messageId: '0193a1b2-0000-7000-8000-000000000001',
  subject:
    'Grüße an Zoë 🎰 — ein Betreff, der länger ist, als eine Zeile in einer Mail sein darf, und noch länger',
  text: `Hello\n.\n..dots\nFrom here\n${longLine}\n東京 👩‍👩‍👧\n`,
  html: `<p>Grüße</p>\n.\n<p>${longLine}</p>`,
};
const headerNames = [
  'auto-submitted',
  'content-type',
  'date',
  'from',
  'message-id',
  'mime-version',
  'subject',
  'to',
];

/** The only mail that the server took since the last test, parsed by somebody else's library. */
async function onlyMail(): Promise<{ taken: TakenMail; mail: Email }> {
  expect(server.taken).toHaveLength(1);
  const [taken] = server.taken as [TakenMail];
  return { taken, mail: await PostalMime.parse(taken.source) };
}
const namesOf = (mail: Email) => mail.headers.map(({ key }) => key).sort();

describe('a mail', () => {
  it('arrives as it was given, in two parts, under the id of its sender', async () => {
    await overSmtp({ MAIL_FROM: '"Käsino, Ltd." <no-reply@casino.example>' }).send(plain);
    const { taken, mail } = await onlyMail();
    expect([taken.from, taken.to]).toEqual(['no-reply@casino.example', ['player1001@example.com']]);
    expect(mail).toMatchObject({
      from: { name: 'Käsino, Ltd.', address: 'no-reply@casino.example' },
      to: [{ name: '', address: 'player1001@example.com' }],
      subject: plain.subject,
      messageId: '<0193a1b2-0000-7000-8000-000000000001@consent.example>',
      text: plain.text,
      html: plain.html,
      attachments: [],
    });
    expect(namesOf(mail)).toEqual(headerNames);
    expect(mail.headers.find(({ key }) => key === 'auto-submitted')?.value).toBe('auto-generated');
    expect(mail.headers.find(({ key }) => key === 'content-type')?.value).toMatch(/^multipart\/alternative;/);
    expect(Math.abs(Date.now() - Date.parse(mail.date ?? ''))).toBeLessThan(5_000);
    for (const line of taken.source.toString('latin1').split('\r\n')) {
      expect(line.length).toBeLessThanOrEqual(998);
      expect(line).toMatch(/^[\t -~]*$/);
    }
  });

  it('comes from MAIL_FROM’s host when there is no PUBLIC_URL', async () => {
    await overSmtp({ PUBLIC_URL: '', MAIL_FROM: 'no-reply@käsino.example' }).send(plain);
    const { taken, mail } = await onlyMail();
    expect(taken.from).toBe('no-reply@käsino.example');
    expect(mail.headers.find(({ key }) => key === 'from')?.value).toBe('no-reply@xn--ksino-gra.example');
    expect(mail.messageId).toBe('<0193a1b2-0000-7000-8000-000000000001@xn--ksino-gra.example>');
  });

  it('may be a rendered template', async () => {
    const rendered = templates.render({
      template: 'test',
      language: 'de-AT',
      defaultLanguage: 'en',
      brandName: 'Käsino & Söhne',
    });
    await overSmtp().send({ ...rendered, to: plain.to, messageId: 'm1' });
    const { mail } = await onlyMail();
    expect(mail.subject).toBe('Testmail von Käsino & Söhne');
    expect([mail.text?.trim(), mail.html?.trim()]).toEqual([rendered.text.trim(), rendered.html.trim()]);
    expect(mail.html).toContain('<a href="https://consent.example:8443">');
    expect(mail.from).toEqual({ name: 'Player Consent', address: 'no-reply@localhost' });
  });

  it('goes over few connections, however many go at once', async () => {
    const before = server.connections;
    const transport = overSmtp();
    const ids = Array.from({ length: 40 }, (_, index) => `many-${index}`);
    await Promise.all(ids.map((messageId) => transport.send({ ...plain, messageId })));
    const mails = await Promise.all(server.taken.map(({ source }) => PostalMime.parse(source)));
    expect(mails.map(({ messageId }) => messageId).sort()).toEqual(
      ids.map((id) => `<${id}@consent.example>`).sort(),
    );
    expect(server.connections - before).toBeLessThanOrEqual(3);
  });

  it('closes its connections when the service stops', async () => {
    await overSmtp().send(plain);
    expect(server.openConnections).toBeGreaterThan(0);
    for (const transport of open) transport.onApplicationShutdown();
    const closed = async (): Promise<void> => {
      if (server.openConnections === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
      return closed();
    };
    await closed();
  });
});

describe('what is put into a mail', () => {
  const attempts = [
    '\r\nBcc: victim@example.com',
    '\nBcc: victim@example.com',
    '\rBcc: victim@example.com',
    '\r\n\r\n<p>body</p>',
    '\r\n.\r\nRCPT TO:<victim@example.com>\r\nDATA',
    '\0\u2028\u0085Bcc: victim@example.com',
    '=?utf-8?Q?=0D=0ABcc:_victim=40example.com?=',
    '; boundary="x"',
    ', victim@example.com',
  ];

  it.each(attempts)('makes no header and no recipient: %j', async (attempt) => {
    const transport = overSmtp();
    await transport.send({ ...plain, subject: `Subject${attempt}` });
    await transport.send({ ...plain, text: `Text${attempt}`, html: `<p>HTML${attempt}</p>` });
    await transport.send({
      ...plain,
      ...templates.render({ template: 'test', defaultLanguage: 'en', brandName: `Brand${attempt}` }),
    });
    expect(server.taken).toHaveLength(3);
    for (const { to, source } of server.taken) {
      const mail = await PostalMime.parse(source);
      expect([to, mail.to]).toEqual([[plain.to], [{ name: '', address: plain.to }]]);
      expect(namesOf(mail)).toEqual(headerNames);
      expect(mail.attachments).toEqual([]);
    }
  });

  it.each([
    ...attempts.map((attempt) => `player@example.com${attempt}`),
    ...attempts.map((attempt) => `player${attempt}@example.com`),
    '',
    'player',
    '@example.com',
    'player@',
    'a@b@example.com',
    'victim@example.com, player@example.com',
    'victim@example.com player@example.com',
    'Victim <victim@example.com>',
    '"victim@example.com"@example.com',
    'team: victim@example.com;',
    'player@[127.0.0.1]',
    'player(victim@example.com)@example.com',
  ])('is no recipient: %j', async (to) => {
    const failure = await overSmtp()
      .send({ ...plain, to })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: 'not one mail address' });
    expect(isPermanentMailFailure(failure)).toBe(true);
    expect(server.taken).toEqual([]);
  });

  it.each(['', 'a b', 'a>\r\nBcc: b@c.example', '../../etc/passwd', '.', 'a/b', 'ä', 'x'.repeat(129)])(
    'is no message id: %j',
    async (messageId) => {
      for (const transport of [overSmtp(), transportWith()])
        await expect(transport.send({ ...plain, messageId })).rejects.toThrow('a message id is');
      expect(server.taken).toEqual([]);
    },
  );

  it('reads no file and no address of the web', async () => {
    const { port } = new URL(server.url);
    const before = server.connections;
    const text = { path: '/etc/hostname' } as unknown as string;
    const html = { href: `http://127.0.0.1:${port}/` } as unknown as string;
    await expect(overSmtp().send({ ...plain, text })).rejects.toThrow('SMTP');
    await expect(overSmtp().send({ ...plain, html })).rejects.toThrow('SMTP');
    expect(server.taken).toEqual([]);
    expect(server.connections - before).toBeLessThanOrEqual(2);
  });
});

describe('without a mail server', () => {
  const folder = join(dataDir, 'mail');

  it('every mail is a file of its own, whole at any moment, for the owner’s eyes', async () => {
    const transport = transportWith();
    let watching = true;
    let looks = 0;
    const watch = async (): Promise<void> => {
      for (; watching; looks++)
        for (const name of await readdir(folder).catch(() => []))
          if (name.endsWith('.eml'))
            expect((await readFile(join(folder, name), 'latin1')).slice(-4)).toBe('--\r\n');
    };
    const watched = watch();
    const ids = Array.from({ length: 30 }, (_, index) => `file-${index % 20}`);
    await Promise.all(ids.map((messageId) => transport.send({ ...plain, messageId })));
    watching = false;
    await watched;
    expect(looks).toBeGreaterThan(0);
    const names = Array.from({ length: 20 }, (_, index) => `file-${index}.eml`).sort();
    expect(readdirSync(folder).sort()).toEqual(names);
    for (const name of names) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
      const mail = await PostalMime.parse(readFileSync(join(folder, name)));
      expect(namesOf(mail)).toEqual(headerNames);
      expect(mail).toMatchObject({
        messageId: `<${name.replace('.eml', '')}@consent.example>`,
        subject: plain.subject,
        text: plain.text,
        to: [{ address: plain.to }],
      });
    }
  });

  it('the same id replaces its file', async () => {
    const transport = transportWith();
    await transport.send({ ...plain, messageId: 'again', text: 'first' });
    await transport.send({ ...plain, messageId: 'again', text: 'second' });
    const mail = await PostalMime.parse(readFileSync(join(folder, 'again.eml')));
    expect(mail.text?.trim()).toBe('second');
  });
});

describe('the application', () => {
  it('needs only its configuration for what sends, and may set other time limits', async () => {
    const config = ConfigModule.forRoot(readConfig({ ...environment, SMTP_URL: server.url }));
    const providers = [MailTemplates, MailTransport, SmsTransport];
    const timeouts = { provide: mailTimeouts, useValue: { ...defaultMailTimeouts, total: 1 } };
    const usual = await Test.createTestingModule({ imports: [config], providers }).compile();
    const hasty = await Test.createTestingModule({
      imports: [config],
      providers: [...providers, timeouts],
    }).compile();
    const rendered = usual
      .get(MailTemplates)
      .render({ template: 'test', defaultLanguage: 'en', brandName: 'Demo Casino' });
    const mail = { ...rendered, to: plain.to, messageId: 'from-nest' };
    await usual.get(MailTransport).send(mail);
    expect(server.taken).toHaveLength(1);
    await expect(hasty.get(MailTransport).send(mail)).rejects.toThrow('SMTP timeout');
    await Promise.all([usual, hasty].map((each) => each.close()));
  });
});

describe('the build', () => {
  it('brings the templates along', () => {
    const folder = join('src', 'delivery', 'mail', 'templates');
    const contents = (root: string) =>
      readdirSync(join(root, folder)).map((name) => [name, readFileSync(join(root, folder, name), 'utf8')]);
    expect(contents(join(projectFolder, 'dist'))).toEqual(contents(projectFolder));
  });
});
