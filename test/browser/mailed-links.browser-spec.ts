import { mkdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import PostalMime, { type Email } from 'postal-mime';
import { newPlayerId } from '../support/consents.js';
import { eventually } from '../support/crm-server.js';
import { registerPlayer } from '../support/gateway-players.js';
import { logIn } from '../support/gateway.js';
import { MailServer } from '../support/mail-server.js';
import { createTestApp, type TestApp } from '../support/test-app.js';
import { listSeriousFaults } from './accessibility.js';
import { type Complaints, openWatchedPage, startChromium } from './chromium.js';

const nothingToComplainOf: Complaints = { foreignRequests: [], policyViolations: [], errors: [] };
/** Pictures of the documentation are made anew with UPDATE_PICTURES=1 and looked at before they are committed. */
const documented = ['confirm', 'confirmed', 'cancel', 'password', 'password-dark', 'password-small-de'].map(
  (name) => `links-${name}`,
);
const pictures = 'test-results';
const folderOf = (name: string) =>
  process.env.UPDATE_PICTURES && documented.includes(name) ? 'docs/pictures' : pictures;
const publicUrl = 'https://consent.example';
const password = 'Secr3t-words';

let browser: Browser;
let inbox: MailServer;
let app: TestApp;
let context: BrowserContext;
let page: Page;
let complaints: Complaints;

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  browser = await startChromium();
  inbox = await MailServer.start();
  app = await createTestApp({
    environment: { SMTP_URL: inbox.url, PUBLIC_URL: publicUrl },
    deliveries: true,
  });
});
afterAll(async () => {
  await browser?.close();
  await app?.close();
  await inbox?.close();
});
afterEach(() => context?.close());

async function visit(path: string, options: BrowserContextOptions = {}): Promise<void> {
  context = await browser.newContext({ viewport: { width: 760, height: 620 }, locale: 'en-GB', ...options });
  ({ page, complaints } = await openWatchedPage(context, app.url));
  await page.goto(app.url + path);
}

/** The newest mail to an address whose text says something, once it is there. */
async function mailTo(address: string, saying: string): Promise<Email> {
  const find = async () => {
    const sources = inbox.taken.filter(({ to }) => to.includes(address)).map(({ source }) => source);
    const mails = await Promise.all(sources.map((source) => PostalMime.parse(source)));
    return mails.findLast(({ text }) => text?.includes(saying));
  };
  await eventually(async () => (await find()) !== undefined);
  return (await find()) as Email;
}

/** Where a mail's link leads, which stands in both of its parts. */
function linkIn({ text, html }: Email): string {
  const url = /https:\/\/\S+/.exec(text ?? '')?.[0] ?? '';
  expect(html).toContain(`href="${url}"`);
  expect(url.startsWith(`${publicUrl}/gateway/admission/`)).toBe(true);
  return url.slice(publicUrl.length);
}

async function newPlayer(language = 'en'): Promise<{ id: string; address: string; wanted: string }> {
  const id = newPlayerId();
  await registerPlayer(app, id, { details: { language } });
  return { id, address: `player${id}@example.com`, wanted: `jane${id}@example.com` };
}

/** Asks for another address, and answers what the two mails lead to. */
async function changeAddress(language?: string, wanted?: string) {
  const known = await newPlayer(language);
  const player = { ...known, wanted: wanted ?? known.wanted };
  const { auth_token: token } = await app.openSession(player.id);
  const path = '/gateway/player-personal-details/player/details/emailUpdate/1.0/1';
  await app.call('POST', path, { token, body: { email: player.wanted } });
  const confirm = linkIn(await mailTo(player.wanted, publicUrl));
  return { ...player, confirm, cancel: linkIn(await mailTo(player.address, publicUrl)) };
}

async function forgetPassword(language?: string) {
  const player = await newPlayer(language);
  const path = '/gateway/admission/1.0/forgot/password/1';
  await app.call('POST', path, { token: null, body: { mail: player.address } });
  return { ...player, link: linkIn(await mailTo(player.address, publicUrl)) };
}

const take = (name: string) =>
  page.screenshot({ path: `${folderOf(`links-${name}`)}/links-${name}.png`, fullPage: true });
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const widthOf = () => page.evaluate<number>('document.documentElement.scrollWidth');
const field = (name: string) => page.getByLabel(name, { exact: true });

async function expectNoFault(errors: string[] = []): Promise<void> {
  expect(await page.locator('script, iframe, img, link, [onclick]').count()).toBe(0);
  expect(await listSeriousFaults(page)).toEqual([]);
  const expected = errors.map((text) => expect.stringContaining(text) as unknown as string);
  expect(complaints).toEqual({ ...nothingToComplainOf, errors: expected });
}

async function addressOf(id: string): Promise<unknown> {
  const [row] = await app.sql('select email from player_credentials where player_id = $1', [id]);
  return row?.email;
}

describe('a mailed link', () => {
  it('leads from the inbox to a page that changes the address by its button, without any script', async () => {
    const { id, address, wanted, confirm } = await changeAddress('en', 'jane.doe@example.com');
    await visit(confirm);
    expect(await page.title()).toBe('Confirm your new e‑mail address – Demo Casino');
    expect(await page.getByRole('main').innerText()).toContain(wanted);
    await take('confirm');
    await expectNoFault();
    expect(await addressOf(id)).toBe(address);
    await context.close();
    await visit(confirm, { javaScriptEnabled: false });
    await press('Confirm the new address');
    expect(await page.getByRole('status').innerText()).toContain('is confirmed');
    await take('confirmed');
    expect(await addressOf(id)).toBe(wanted);
  });

  it('to the old address cancels, in German where the reader is German, also on a small screen', async () => {
    const english = await changeAddress();
    await visit(english.cancel);
    await take('cancel');
    await expectNoFault();
    await context.close();
    const { id, address, confirm, cancel } = await changeAddress('de');
    await visit(cancel, { viewport: { width: 320, height: 640 } });
    expect(await page.title()).toBe('Änderung der E‑Mail-Adresse abbrechen – Demo Casino');
    expect(await widthOf()).toBe(320);
    await take('cancel-small-de');
    await expectNoFault();
    await press('Änderung abbrechen');
    expect(await page.getByRole('status').innerText()).toContain('bleibt, wie sie war');
    await expectNoFault();
    await page.goto(app.url + confirm);
    expect(await page.title()).toBe('This link does not work – Demo Casino');
    await take('bad-link');
    await expectNoFault(['400']);
    expect(await addressOf(id)).toBe(address);
  });

  it.each([
    ['en', 'activation', 'Confirm this address', 'E‑mail address confirmed – Demo Casino'],
    ['de', 'activation-de', 'Diese Adresse bestätigen', 'E‑Mail-Adresse bestätigt – Demo Casino'],
  ])('confirms the address of who registers, in %s', async (language, picture, button, title) => {
    const address = `newcomer-${language}@example.com`;
    const body = {
      ...{ loginName: `newcomer-${language}`, email: address, password, over18: true, signTNC: true },
      ...{ language, currency: 'EUR' },
    };
    await app.call('POST', '/gateway/reg-step-one/1.0/1', { token: null, body });
    await visit(linkIn(await mailTo(address, publicUrl)));
    await take(picture);
    await press(button);
    expect(await page.title()).toBe(title);
    await expectNoFault();
  });
});

describe('the form for a new password', () => {
  it('says what is wrong, sets it by keyboard alone, and the player is told', async () => {
    const { id, address, link } = await forgetPassword();
    await visit(link);
    await take('password');
    await expectNoFault();
    await field('New password').fill('abc');
    await field('New password, once more').fill('abc');
    await press('Set the password');
    expect(await page.title()).toBe('Not set yet: new password – Demo Casino');
    expect(await page.getByRole('alert').innerText()).toContain('It must have at least 8 characters.');
    await take('password-fault');
    await expectNoFault(['422']);
    for (let presses = 0; presses < 10; presses++) {
      await page.keyboard.press('Tab');
      if ((await page.evaluate<string>('document.activeElement.id')) === 'new') break;
    }
    await page.keyboard.type(password);
    await page.keyboard.press('Tab');
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=status]');
    expect(await page.title()).toBe('Password changed – Demo Casino');
    await take('password-set');
    expect((await logIn(app, { user_name: `player${id}`, password })).status).toBe(303);
    expect((await mailTo(address, 'has just been changed')).subject).toBe(
      'Your password for Demo Casino was changed',
    );
  });

  it('fits a small screen in German, and is dark where the reader wants it dark', async () => {
    const { link, address } = await forgetPassword('de');
    await visit(link, { viewport: { width: 320, height: 640 } });
    expect(await page.title()).toBe('Neues Passwort festlegen – Demo Casino');
    expect(await widthOf()).toBe(320);
    await take('password-small-de');
    await expectNoFault();
    const targets = await page.evaluate<number[]>(
      `[...document.querySelectorAll('button, input')].map((each) => Math.min(each.offsetWidth, each.offsetHeight))`,
    );
    expect(Math.min(...targets)).toBeGreaterThanOrEqual(44);
    await page.evaluate(`document.documentElement.style.setProperty('font-size', '200%')`);
    expect(await widthOf()).toBe(320);
    await field('Neues Passwort').fill(password);
    await field('Neues Passwort, noch einmal').fill(password);
    await press('Passwort festlegen');
    await mailTo(address, 'wurde soeben geändert');
    await context.close();
    const english = await forgetPassword();
    await app.call('PATCH', '/api/brands/1', { body: { colour: '#14532d' } });
    await visit(english.link, { colorScheme: 'dark' });
    await take('password-dark');
    await expectNoFault();
  });
});

describe('the mails', () => {
  it('can be read, in light and dark, in both languages', async () => {
    const seen = new Set<string>();
    for (const colorScheme of ['light', 'dark'] as const) {
      context = await browser.newContext({ viewport: { width: 640, height: 500 }, colorScheme });
      page = await context.newPage();
      for (const { source } of inbox.taken) {
        const { subject = '', html = '' } = await PostalMime.parse(source);
        const name = `mail-${subject.replaceAll(/[^a-zäöüß]+/gi, '-').toLowerCase()}-${colorScheme}`;
        if (seen.has(name)) continue;
        seen.add(name);
        await page.setContent(html);
        await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
        // In the dark it takes the paper, which nobody names, to be white.
        if (colorScheme === 'light') expect([name, await listSeriousFaults(page)]).toEqual([name, []]);
      }
      await context.close();
    }
    expect(seen.size).toBeGreaterThanOrEqual(20);
  });
});
