import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import PostalMime from 'postal-mime';
import { SampleMailService } from '../../src/unsubscribe/sample-mail.service.js';
import { change, newPlayerId, printed } from '../support/consents.js';
import { mint } from '../support/links.js';
import { MailServer } from '../support/mail-server.js';
import { createTestApp, type TestApp } from '../support/test-app.js';
import { listFaults } from './accessibility.js';
import { type Complaints, openWatchedPage, startChromium } from './chromium.js';

const nothingToComplainOf: Complaints = { foreignRequests: [], policyViolations: [], errors: [] };
/** Pictures of the documentation are made anew with UPDATE_PICTURES=1 and looked at before they are committed. */
const documented = ['first', 'withdrawn', 'saved', 'bad-link', 'small', 'dark', 'small-de'].map(
  (name) => `preferences-${name}`,
);
const pictures = 'test-results';
const folderOf = (name: string) =>
  process.env.UPDATE_PICTURES && documented.includes(name) ? 'docs/pictures' : pictures;

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
  app = await createTestApp({ environment: { SMTP_URL: inbox.url, PUBLIC_URL: 'https://consent.example' } });
});
afterAll(async () => {
  await browser?.close();
  await app?.close();
  await inbox?.close();
});
afterEach(() => context?.close());

async function visit(path: string, options: BrowserContextOptions = {}): Promise<void> {
  context = await browser.newContext({ viewport: { width: 760, height: 900 }, locale: 'en-GB', ...options });
  ({ page, complaints } = await openWatchedPage(context, app.url));
  await page.goto(app.url + path);
}

/** A new player with consents, and a link to withdraw mail about the casino. */
async function newPlayer(language?: string): Promise<{ player: string; path: string }> {
  const player = newPlayerId();
  const consents = [
    change('email', true, ['casino', 'sports']),
    change('sms', true, ['casino']),
    change('postMail', true),
  ];
  await app.call('POST', `/userconsents/${player}`, { body: { consents } });
  if (language) await app.call('PUT', `/internal/players/${player}`, { body: { language } });
  return { player, path: await mint(app, { player_id: player, channel: 'email', product: 'casino' }) };
}

const take = (name: string) =>
  page.screenshot({ path: `${folderOf(`preferences-${name}`)}/preferences-${name}.png`, fullPage: true });
const consentsOf = async (player: string) => (await app.call('GET', `/userconsents/${player}`)).text;
const box = (name: string) => page.getByRole('checkbox', { name, exact: true });
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const widthOf = () => page.evaluate<number>('document.documentElement.scrollWidth');
const focused = () =>
  page.evaluate<string>('document.activeElement.value || document.activeElement.className');

async function expectNoFault(): Promise<void> {
  expect(await page.locator('script, iframe, img, link, [onclick]').count()).toBe(0);
  expect(await listFaults(page)).toEqual([]);
  expect(complaints).toEqual(nothingToComplainOf);
}

/** What cannot be told apart from its neighbours urges nobody to one of them. */
async function expectEqualButtons(): Promise<void> {
  const looks = await page.evaluate<string[]>(`[...document.querySelectorAll('.button')].map((each) => {
    const { color, backgroundColor, fontSize, fontWeight, borderColor, borderWidth } = getComputedStyle(each);
    return [color, backgroundColor, fontSize, fontWeight, borderColor, borderWidth].join(' ');
  })`);
  expect(new Set(looks).size).toBe(1);
}

describe('the page behind a link', () => {
  it('shows what stands, and has no fault', async () => {
    const { path } = await newPlayer();
    await visit(path);
    expect(await page.title()).toBe('Marketing preferences – Demo Casino');
    expect(await page.getByRole('main').innerText()).toContain(
      'Demo Casino may contact you with marketing by email about Casino.',
    );
    expect(await box('Casino, Email').isChecked()).toBe(true);
    expect(await box('Lottery, Email').isChecked()).toBe(false);
    await expectEqualButtons();
    await take('first');
    await expectNoFault();
  });

  it('withdraws with one press, and says so', async () => {
    const { player, path } = await newPlayer();
    await visit(path);
    await press('Stop marketing by email about Casino');
    expect(await page.title()).toBe('Done: marketing preferences – Demo Casino');
    expect(await page.getByRole('status').innerText()).toContain('no longer contacts you');
    expect(await box('Casino, Email').isChecked()).toBe(false);
    await take('withdrawn');
    await expectNoFault();
    expect(await consentsOf(player)).toBe(printed({ email: ['sports'], sms: ['casino'], postMail: true }));
    await press('Stop all marketing');
    expect(await page.getByRole('status').innerText()).toContain('on any channel');
    expect(await page.getByRole('button').count()).toBe(1);
    await expectNoFault();
    expect(await consentsOf(player)).toBe(printed());
  });

  it('saves what is chosen, by keyboard alone', async () => {
    const { player, path } = await newPlayer();
    await visit(path);
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('skip');
    await page.keyboard.press('Enter');
    const reach = async (value: string) => {
      for (let presses = 0; presses < 40 && (await focused()) !== value; presses++)
        await page.keyboard.press('Tab');
      expect(await focused()).toBe(value);
      const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
      expect(outline).toBe('solid');
    };
    await reach('telephone.casino');
    await page.keyboard.press('Space');
    await reach('pushNotification');
    await page.keyboard.press('Space');
    await reach('save');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=status]');
    expect(await page.getByRole('status').innerText()).toContain('Saved.');
    await take('saved');
    await expectNoFault();
    expect(await consentsOf(player)).toBe(
      printed({
        email: ['casino', 'sports'],
        sms: ['casino'],
        telephone: ['casino'],
        postMail: true,
        pushNotification: true,
      }),
    );
  });

  it('greets a German in German, who may choose English, also after saving', async () => {
    const { path } = await newPlayer('de');
    await visit(path, { viewport: { width: 320, height: 800 } });
    expect(await page.title()).toBe('Werbe-Einstellungen – Demo Casino');
    expect(await widthOf()).toBe(320);
    await take('small-de');
    await expectNoFault();
    await page.getByRole('navigation', { name: 'Sprachen' }).getByRole('link', { name: 'English' }).click();
    await press('Save choices');
    expect(await page.getByRole('status').innerText()).toContain('Saved.');
  });

  it('is dark where the reader wants it dark, in any colour of the brand', async () => {
    const { path } = await newPlayer();
    for (const colour of ['#ffd200', '#000000', '#14532d']) {
      await app.call('PATCH', '/api/brands/1', { body: { colour } });
      for (const colorScheme of ['light', 'dark'] as const) {
        await visit(path, { colorScheme });
        if (colour === '#14532d' && colorScheme === 'dark') {
          await take('dark');
          break;
        }
        await take(`colour-${colour.slice(1)}-${colorScheme}`);
        await expectNoFault();
        await context.close();
      }
    }
    await expectNoFault();
  });

  it.each([
    ['en-GB', 320],
    ['de-DE', 320],
    ['en-GB', 1920],
  ])('in %s fits a screen of %d px, with letters of twice the size', async (locale, width) => {
    const { path } = await newPlayer();
    await visit(path, { locale, viewport: { width, height: 800 } });
    expect(await widthOf()).toBe(width);
    if (width === 320 && locale === 'en-GB') await take('small');
    if (width === 1920) await take('wide');
    await expectNoFault();
    const targets = await page.evaluate<number[]>(
      `[...document.querySelectorAll('button, label')].map((each) => Math.min(each.offsetWidth, each.offsetHeight))`,
    );
    expect(Math.min(...targets)).toBeGreaterThanOrEqual(44);
    await page.evaluate(`document.documentElement.style.setProperty('font-size', '200%')`);
    expect(await widthOf()).toBe(width);
  });

  it('needs no script at all', async () => {
    const { player, path } = await newPlayer();
    await visit(path, { javaScriptEnabled: false });
    await box('Bingo, Phone').check();
    await box('Post').uncheck();
    await press('Save choices');
    await press('Stop marketing by email about Casino');
    await page.reload();
    expect(await consentsOf(player)).toBe(
      printed({ email: ['sports'], sms: ['casino'], telephone: ['bingo'] }),
    );
  });

  it('that is none says so', async () => {
    await visit('/unsubscribe/nothing', { viewport: { width: 760, height: 420 } });
    expect(await page.title()).toBe('This link does not work');
    await take('bad-link');
    expect(await listFaults(page)).toEqual([]);
    const expected = expect.stringContaining('404') as unknown as string;
    expect(complaints).toEqual({ ...nothingToComplainOf, errors: [expected] });
  });
});

describe('a marketing mail', () => {
  it('leads from the inbox to the page, and what is done there to the CRM', async () => {
    const { player } = await newPlayer();
    const link = { player_id: player, channel: 'email', product: 'casino' } as const;
    await app.nest.get(SampleMailService, { strict: false }).send(1, 'jane@example.com', link);
    const mail = await PostalMime.parse(inbox.taken.at(-1)?.source ?? '');
    const href = /<a href="([^"]+)"/.exec(mail.html ?? '')?.[1] ?? '';
    const header = mail.headers.find(({ key }) => key === 'list-unsubscribe')?.value;
    expect(header).toBe(`<${href}>`);
    expect(mail.text).toContain(href);
    const { origin, pathname } = new URL(href);
    expect(origin).toBe('https://consent.example');
    await visit(pathname);
    await press('Stop marketing by email about Casino');
    expect(await page.getByRole('status').innerText()).toContain('Done.');
    expect(await consentsOf(player)).toBe(printed({ email: ['sports'], sms: ['casino'], postMail: true }));
  });
});
