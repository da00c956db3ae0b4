import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import PostalMime from 'postal-mime';
import { DataSource } from 'typeorm';
import { OutboxSignal } from '../../src/database/outbox-signal.js';
import { MessagesService } from '../../src/delivery/messages.service.js';
import { eventually } from '../support/crm-server.js';
import { MailServer } from '../support/mail-server.js';
import { createTestApp, type TestApp } from '../support/test-app.js';
import { createDatabase, type TestDatabase } from '../support/test-database.js';

let database: TestDatabase;
let app: TestApp;
let mailServer: MailServer | undefined;
let gateway: Server | undefined;

beforeAll(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await app?.sql('delete from outbox');
  await app?.close();
  await mailServer?.close();
  gateway?.close();
});
afterAll(() => database?.drop());

const start = async (environment: Record<string, string>) => {
  app = await createTestApp({ database, deliveries: true, environment });
};
const mail = (variables = {}) => ({
  brandId: 1,
  playerId: '1001',
  to: 'somebody@example.com',
  template: 'test',
  language: 'de',
  variables,
});
async function queueMail(rollBack = false): Promise<void> {
  const messages = app.nest.get(MessagesService, { strict: false });
  await app.nest.get(DataSource).transaction(async (manager) => {
    await messages.queueMail(manager, mail());
    if (rollBack) throw new Error('rolled back');
  });
  app.nest.get(OutboxSignal, { strict: false }).raise(1);
}
async function queueSms(text: string): Promise<void> {
  const messages = app.nest.get(MessagesService, { strict: false });
  await app.nest
    .get(DataSource)
    .transaction((manager) =>
      messages.queueSms(manager, { brandId: 1, playerId: '1001', to: '+441234567890', text }),
    );
  app.nest.get(OutboxSignal, { strict: false }).raise(1);
}
interface Row {
  attempts: number;
  parked: boolean;
  last_error: string | null;
}
const rows = () =>
  app.sql<Row>('select attempts, parked_at is not null as parked, last_error from outbox order by id');
const makeDue = () => app.sql('update outbox set next_attempt_at = now()');
const left = () => eventually(async () => (await rows()).length === 0);

describe('a mail', () => {
  it('leaves once through the mail server, in the language of its reader', async () => {
    mailServer = await MailServer.start();
    await start({ SMTP_URL: mailServer.url, MAIL_FROM: 'Demo <no-reply@demo.example>' });
    await queueMail();
    await left();
    expect(mailServer.taken).toHaveLength(1);
    const parsed = await PostalMime.parse(mailServer.taken[0]?.source ?? '');
    expect(parsed.to?.[0]?.address).toBe('somebody@example.com');
    expect(parsed.from?.address).toBe('no-reply@demo.example');
    expect(parsed.html).toContain('lang="de"');
  });

  it('of a transaction that is rolled back is never sent', async () => {
    mailServer = await MailServer.start();
    await start({ SMTP_URL: mailServer.url });
    await queueMail(true).catch(() => undefined);
    await queueMail();
    await left();
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(mailServer.taken).toHaveLength(1);
  });

  it('that the server puts off goes later, as the same message', async () => {
    mailServer = await MailServer.start({
      data: (count) => (count === 1 ? '451 greylisted' : undefined),
    });
    await start({ SMTP_URL: mailServer.url });
    await queueMail();
    await eventually(async () => (await rows())[0]?.attempts === 1);
    expect(await rows()).toEqual([{ attempts: 1, parked: false, last_error: 'SMTP 451 (DATA)' }]);
    await makeDue();
    await left();
    expect(mailServer.taken).toHaveLength(1);
    expect(mailServer.arrived).toBe(2);
  });

  it('that is refused for good is parked, and goes when it is asked for again', async () => {
    mailServer = await MailServer.start({ recipient: '550 no such mailbox' });
    await start({ SMTP_URL: mailServer.url });
    await queueMail();
    await eventually(async () => (await rows())[0]?.parked);
    const { deliveries } = (await app.call('GET', '/api/deliveries?status=parked&kind=mail')).as<{
      deliveries: { id: string; lastError: string }[];
    }>();
    expect(deliveries.map(({ lastError }) => lastError)).toEqual(['SMTP 550 (RCPT TO)']);
    await mailServer.close();
    const folder = await mkdtemp(join(tmpdir(), 'player-consent-mail-'));
    await app.close();
    await start({ DATA_DIR: folder });
    await app.call('POST', `/api/deliveries/${deliveries[0]?.id}/redeliver`);
    await left();
    const [file = ''] = await readdir(join(folder, 'mail'));
    expect(await readFile(join(folder, 'mail', file), 'utf8')).toContain('somebody@example.com');
    await rm(folder, { recursive: true });
  });

  it('is tried for a day and then parked', async () => {
    await start({ SMTP_URL: 'smtp://127.0.0.1:1' });
    await queueMail();
    await eventually(async () => (await rows())[0]?.attempts === 1);
    await app.sql('update outbox set attempts = 8');
    await makeDue();
    await eventually(async () => (await rows())[0]?.parked);
    expect((await rows())[0]?.last_error).toMatch(/^SMTP connection lost/);
  });
});

describe('a text message', () => {
  it('goes to the gateway, again when it must, under one key', async () => {
    const seen: { key: unknown; body: unknown; auth: unknown }[] = [];
    const answers = [503, 200];
    gateway = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on('end', () => {
        const { authorization: auth, 'idempotency-key': key } = request.headers;
        seen.push({ key, auth, body: JSON.parse(text) });
        response.writeHead(answers.shift() ?? 200).end();
      });
    });
    await new Promise<void>((resolve) => gateway?.listen(0, '127.0.0.1', resolve));
    const { port } = gateway.address() as AddressInfo;
    await start({ SMS_URL: `http://127.0.0.1:${port}/send`, SMS_TOKEN: 'sms-secret' });
    await queueSms('Your code: 123456');
    await eventually(async () => (await rows())[0]?.attempts === 1);
    await makeDue();
    await left();
    expect(seen).toHaveLength(2);
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]).toMatchObject({
      auth: 'Bearer sms-secret',
      body: { to: '+441234567890', text: 'Your code: 123456' },
    });
  });
});
