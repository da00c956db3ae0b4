import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { publishPolicy } from '../support/policy-pages.js';
import { createTestApp, type TestApp } from '../support/test-app.js';
import { listSeriousFaults } from './accessibility.js';
import { type Complaints, openWatchedPage, startChromium } from './chromium.js';
import { privacyPolicy } from './policy-texts.js';

const nothingToComplainOf: Complaints = { foreignRequests: [], policyViolations: [], errors: [] };
/** Pictures of the documentation are made anew with UPDATE_PICTURES=1 and looked at before they are committed. */
const documented = ['policy-page', 'policy-changes', 'policy-dark', 'policy-small-de'];
const pictures = 'test-results';
const folderOf = (name: string) =>
  process.env.UPDATE_PICTURES && documented.includes(name) ? 'docs/pictures' : pictures;

let browser: Browser;
let app: TestApp;
let context: BrowserContext;
let page: Page;
let complaints: Complaints;
let url: string;

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  browser = await startChromium();
  app = await createTestApp();
  url = `${app.url}/policies/${await publishPolicy(app, privacyPolicy)}`;
});
afterAll(async () => {
  await browser?.close();
  await app?.close();
});
afterEach(() => context.close());

async function visit(address: string, options: BrowserContextOptions = {}): Promise<void> {
  context = await browser.newContext({
    viewport: { width: 1000, height: 1000 },
    locale: 'en-GB',
    ...options,
  });
  ({ page, complaints } = await openWatchedPage(context, app.url));
  await page.goto(address);
}

const take = (name: string, fullPage = false) =>
  page.screenshot({ path: `${folderOf(name)}/${name}.png`, fullPage });
const textOf = (selector: string) => page.locator(selector).first().innerText();
const widthOf = () => page.evaluate<number>('document.documentElement.scrollWidth');

async function expectNoFault(): Promise<void> {
  expect(await page.locator('script, iframe, img, form, link, [onclick]').count()).toBe(0);
  expect(await listSeriousFaults(page)).toEqual([]);
  expect(complaints).toEqual(nothingToComplainOf);
}

describe('the page of a policy', () => {
  it('shows a first visitor the text in force', async () => {
    await visit(url);
    expect(await page.title()).toBe('Privacy policy – Demo Casino');
    expect(await textOf('h1')).toBe('Privacy policy');
    expect(await textOf('.facts')).toMatch(/Version\s+2\.1\s+In force since\s+1 February 2026 at 08:00 UTC/);
    expect(await page.getByRole('main').getByRole('article').innerText()).toContain(
      'After that we delete it.',
    );
    await take('policy-page');
    await expectNoFault();
  });

  it('greets a German in German, who may choose English', async () => {
    await visit(url, { locale: 'de-AT' });
    expect(await page.title()).toBe('Datenschutzerklärung – Demo Casino');
    expect(await textOf('.facts')).toContain('Gültig seit');
    await take('policy-german');
    await expectNoFault();
    await page.getByRole('navigation', { name: 'Sprachen' }).getByRole('link', { name: 'English' }).click();
    expect(await textOf('h1')).toBe('Privacy policy');
    expect(page.url()).toBe(`${url}?lang=en`);
  });

  it('leads to what changed, to earlier versions, and back', async () => {
    await visit(url);
    await page.getByRole('link', { name: 'Changes since version 1.0' }).click();
    expect(page.url()).toBe(`${url}?since=1.0`);
    expect(await textOf('.note')).toContain('What has changed since version 1.0 of 25 May 2024 is marked');
    const lineOf = (name: string) =>
      page.evaluate<string>(
        `getComputedStyle(document.querySelector('article > ${name}, article > * ${name}')).textDecorationLine`,
      );
    expect([await lineOf('ins'), await lineOf('del')]).toEqual(['underline', 'line-through']);
    const signOf = (name: string) =>
      page.evaluate<string>(
        `getComputedStyle(document.querySelector('article ${name}'), '::before').content`,
      );
    expect([await signOf('ins'), await signOf('del')]).toEqual(['"+"', '"−"']);
    await take('policy-changes');
    await expectNoFault();
    await page.getByRole('link', { name: 'Read version 1.0', exact: true }).click();
    expect(await textOf('.note')).toContain('This version is no longer in force.');
    expect(await page.getByRole('article').innerText()).toContain('for ten years');
    await take('policy-earlier');
    await expectNoFault();
    await page.getByRole('link', { name: 'Read the current version' }).click();
    expect(await textOf('.facts')).toContain('2.1');
  });

  it('is dark where the reader wants it dark', async () => {
    await visit(`${url}?since=2.0`, { colorScheme: 'dark' });
    const background = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    expect(background).toBe('rgb(21, 23, 27)');
    await take('policy-dark');
    await expectNoFault();
  });

  it.each([
    ['en-GB', 320],
    ['de-DE', 320],
    ['en-GB', 1920],
  ])('in %s fits a screen of %d px', async (locale, width) => {
    for (const query of ['', '?since=1.0', '?version=1.0']) {
      await visit(url + query, { locale, viewport: { width, height: 800 } });
      expect([query, await widthOf()]).toEqual([query, width]);
      if (width === 320) await take(`policy-small-${locale.slice(0, 2)}${query.replace(/\W/g, '-')}`, true);
      await expectNoFault();
      if (query !== '?version=1.0') await context.close();
    }
  });

  it('survives letters of twice the size, and words without end', async () => {
    const endless = 'Donaudampfschifffahrtsgesellschaftskapitän'.repeat(8);
    const id = await publishPolicy(app, {
      name: endless,
      versions: [
        {
          version: '1',
          at: '2025-01-01T00:00:00Z',
          texts: {
            en: `<p>${endless}</p><pre>${endless}</pre><table><tr><td>${endless}</td><td>b</td></tr></table>`,
          },
        },
      ],
    });
    await visit(`${app.url}/policies/${id}`, { viewport: { width: 320, height: 800 } });
    await page.evaluate(`document.documentElement.style.setProperty('font-size', '200%')`);
    expect(await widthOf()).toBe(320);
  });

  it('prints the text, its version and what changed, without what leads elsewhere', async () => {
    await visit(`${url}?since=2.0`, { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')).toBe(
      'rgb(255, 255, 255)',
    );
    for (const hidden of ['nav', '.skip', '#versions'])
      expect(await page.locator(hidden).first().isVisible()).toBe(false);
    expect(await textOf('.facts')).toContain('2.1');
    await take('policy-print', true);
    expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(5000);
  });

  it('is walked through by keyboard: past the head at once, every link seen', async () => {
    await visit(`${url}?since=2.0`);
    await page.keyboard.press('Tab');
    expect(await page.evaluate<string>('document.activeElement.className')).toBe('skip');
    expect(await page.locator('.skip').boundingBox()).toMatchObject({ y: 8 });
    await take('policy-keyboard');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate<string>('document.activeElement.innerText')).toBe(
      'Read the text without marks',
    );
    const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');
  });

  it('needs no script at all', async () => {
    await visit(url, { javaScriptEnabled: false });
    await page.getByRole('link', { name: 'Changes since version 2.0' }).click();
    expect(await page.locator('article ins').count()).toBeGreaterThan(0);
  });

  it('that is not there says so, in the reader’s language', async () => {
    for (const [locale, title] of [
      ['en-GB', 'This page is not here'],
      ['de-DE', 'Diese Seite gibt es nicht'],
    ] as const) {
      await visit(`${app.url}/policies/nothing`, { locale, viewport: { width: 600, height: 400 } });
      expect(await page.title()).toBe(title);
      expect(await textOf('h1')).toBe(title);
      await take(`policy-missing-${locale.slice(0, 2)}`);
      expect(await listSeriousFaults(page)).toEqual([]);
      const expected = expect.stringContaining('404') as unknown as string;
      expect(complaints).toEqual({ ...nothingToComplainOf, errors: [expected] });
      if (locale === 'en-GB') await context.close();
    }
  });
});
