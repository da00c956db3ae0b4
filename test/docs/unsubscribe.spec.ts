import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { change, printed } from '../support/consents.js';
import { type Command, listCurls, readGuide, runScript } from '../support/guide.js';
import { oneClick } from '../support/links.js';
import { MailServer } from '../support/mail-server.js';
import { RawConnection } from '../support/raw-http.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const guide = readGuide('README.md', ['**Let players unsubscribe**', '**Give a service a key**']);
const [links, seeing, lists, ...others] = guide.commands as [Command, Command, Command];

let app: TestApp;
let inbox: MailServer;
let folder: string;

// The command line is a process of its own each time.
jest.setTimeout(120_000);

describe.each(listCurls())('unsubscribing as the README says, by %s', (curl) => {
  beforeAll(async () => {
    app = await createTestApp();
    inbox = await MailServer.start();
    folder = await mkdtemp(join(tmpdir(), 'player-consent-guide-'));
  });
  afterAll(async () => {
    await app?.close();
    await inbox?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const run = (command: Command) =>
    runScript(
      guide,
      command,
      curl,
      { 'http://127.0.0.1:3000': app.url, 'complaints.txt': join(folder, 'complaints.txt') },
      {
        NODE_ENV: 'test',
        DATABASE_URL: app.database.serviceUrl,
        DATABASE_MIGRATION_URL: app.database.ownerUrl,
        SMTP_URL: inbox.url,
      },
    );
  const optIn = (player: string) =>
    app.call('POST', `/userconsents/${player}`, {
      body: { consents: [change('email', true, ['casino', 'sports']), change('sms', false)] },
    });
  const emailOf = async (player: string) =>
    (await app.call('GET', `/userconsents/${player}`)).as<{ consents: { type: string }[] }>().consents[0];
  /** What a mail program sends, to the byte. */
  async function click(url: string): Promise<string> {
    const connection = await RawConnection.open(app.url);
    const { pathname, host } = new URL(url);
    const [head, body] = [oneClick.headers['content-type'], oneClick.body];
    connection.write(
      [
        `POST ${pathname} HTTP/1.1`,
        `Host: ${host}`,
        `Content-Type: ${head}`,
        `Content-Length: ${body.length}`,
        'Connection: close',
      ],
      body,
    );
    return connection.untilClosed();
  }

  it('makes links, whose headers withdraw from the inbox', async () => {
    expect(others).toEqual([]);
    await optIn('1001');
    const made = JSON.parse(await run(links)) as { links: { player_id: string; url: string }[] };
    expect(made).toEqual({ links: [{ player_id: '1001', url: expect.stringContaining('/unsubscribe/') }] });
    expect(await click(made.links[0]?.url ?? '')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(await emailOf('1001')).toEqual({ type: 'email', opted_in: true, products: ['sports'] });

    const [created, sent, url = ''] = (await run(seeing)).split('\n');
    expect(created).toContain('/unsubscribe/');
    expect(sent).toBe('sent, with the link');
    expect(inbox.taken.map(({ to }) => to)).toEqual([['you@example.com']]);
    const [head = ''] = inbox.taken[0]?.source.toString().split('\r\n\r\n') ?? [];
    const headers = head.split('\r\n').filter((line) => /^List-/.test(line));
    // As they are printed, but for the link.
    const printedHeaders = links.written?.replace(/<.*>/, `<${url}>`).trim().split('\n');
    expect(headers).toEqual(printedHeaders);
    expect(await click(url)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(await emailOf('1001')).toEqual({ type: 'email', opted_in: false });

    const brand = await app.call('GET', '/api/brands/1');
    expect(brand.json).toMatchObject({ colour: '#14532d', marketingStatement: { version: '1' } });
  });

  it('withdraws for a list', async () => {
    await writeFile(join(folder, 'complaints.txt'), 'listed-1\nlisted-2\n');
    for (const player of ['listed-1', 'listed-2']) await optIn(player);
    const [said, ...answer] = (await run(lists)).split('\n');
    expect(said).toBe('2 players: 2 consents would be withdrawn, 0 were out already, 0 lines rejected');
    expect(JSON.parse(answer.join('\n'))).toMatchObject({ players: 2, withdrawn: 2, rejected: 0 });
    expect((await app.call('GET', '/userconsents/listed-1')).text).toBe(printed());
  });
});
