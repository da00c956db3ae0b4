import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../support/crm-server.js';
import { listCurls, readGuide, runCommand, runScript, shapeOf } from '../support/guide.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const guide = readGuide('README.md', ['**Change an e-mail address', '**Import a file of any size**']);

let app: TestApp;
let folder: string;

jest.setTimeout(60_000);

/** Waits until so many mails are there, whole: what is not is a hidden file. */
const waitForMails = (count: number) =>
  eventually(async () => {
    const files = readdirSync(folder, { recursive: true }).map(String);
    return files.filter((file) => /^mail.[^.]+\.eml$/.test(file)).length === count;
  });

describe.each(listCurls())('the way through mails as the README says, by %s', (curl) => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'player-consent-mails-'));
    app = await createTestApp({ deliveries: true, environment: { DATA_DIR: folder } });
  });
  afterAll(async () => {
    await app?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('changes an e-mail address, and sets a forgotten password', async () => {
    const [change, confirm, forget, set, ...others] = guide.commands;
    if (!change || !confirm || !forget || !set) throw new Error('a command is missing');
    expect(others).toEqual([]);
    const { auth_token: AUTH_TOKEN } = await app.openSession('1001');
    const variables = { AUTH_TOKEN, G: `${app.url}/gateway` };
    // A mail's links begin with PUBLIC_URL, which is the address that `npm start` prints.
    const replacements = { '.data/mail': join(folder, 'mail') };
    const toHere = `s#http://127.0.0.1:3000#${app.url}#`;
    const link = /^link\(\) \{\n[^]*?^\}\n/m.exec(confirm.text)?.[0] ?? '';
    const remembered = link.replace('tail -n 1', `tail -n 1 | sed '${toHere}'`);
    const run = (command: typeof change) =>
      runCommand(
        guide,
        { ...command, text: remembered + command.text.replace(link, '') },
        curl,
        replacements,
        variables,
      );

    expect(await runScript(guide, change, curl, replacements, variables)).toBe('');
    await waitForMails(2);
    expect(await run(confirm)).toEqual(confirm.printed);
    expect(await run(forget)).toEqual(forget.printed);
    await waitForMails(3);
    const answer = await run(set);
    expect(shapeOf(answer)).toEqual(shapeOf(set.printed));
    const login = await app.call('POST', '/gateway/login/1.0/1/player', {
      token: null,
      body: { email: 'ada.demo@example.com', password: 'An0ther-word' },
    });
    expect(login.status).toBe(200);
  });
});
