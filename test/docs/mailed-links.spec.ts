import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { projectFolder } from '../support/api-document.js';
import { eventually } from '../support/crm-server.js';
import { listCurls, readGuide, runCommand, runScript, shapeOf } from '../support/guide.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const guide = readGuide('README.md', ['**Change an e-mail address', '**Show players what they play for.**']);

let app: TestApp;
let folder: string;
let inbox: ChildProcess | undefined;
let printed = '';

jest.setTimeout(60_000);

/** Waits until so many mails are there, whole: what is not is a hidden file. */
const waitForMails = (count: number) =>
  eventually(async () => {
    const files = readdirSync(folder, { recursive: true }).map(String);
    return files.filter((file) => /^mail.[^.]+\.eml$/.test(file)).length === count;
  });

/** Starts `npm run inbox` on a free port; answers what the service needs to know of it. */
async function startInbox(): Promise<string> {
  inbox = spawn(process.execPath, ['scripts/inbox.mjs'], {
    cwd: projectFolder,
    env: { ...process.env, INBOX_PORT: '0', DATA_DIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  inbox.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  await eventually(() => printed.includes('smtp://'));
  return /smtp:\S+:\d+/.exec(printed)?.[0] ?? '';
}

const [curl = 'curl', other = curl] = listCurls();
const ways = [
  ['files', curl],
  ['the inbox', other],
] as const;

describe.each(ways)('the way through mails as the README says, by %s and %s', (through, program) => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'player-consent-mails-'));
    const environment: Record<string, string> = { DATA_DIR: folder };
    if (through === 'the inbox') environment.SMTP_URL = await startInbox();
    app = await createTestApp({ deliveries: true, environment });
  });
  afterAll(async () => {
    await app?.close();
    inbox?.kill('SIGTERM');
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
        program,
        replacements,
        variables,
      );

    expect(await runScript(guide, change, program, replacements, variables)).toBe('');
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
    if (through === 'the inbox')
      expect(printed).toMatch(/^to ada\.demo@example\.com: .+\n(?: .+\n)* {2}http.+verify\/password/m);
  });
});
