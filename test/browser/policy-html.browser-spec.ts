import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { diffPolicyHtml } from '../../src/consents/policies/policy-diff-html.js';
import { compilePolicyText, sanitizePolicyHtml } from '../../src/consents/policies/policy-html.js';
import { htmlEvasions } from '../support/html-evasions.js';
import { startChromium } from './chromium.js';

const address = 'http://policy.test/';

/** What a text did to the page that it was put into. */
interface Effects {
  scriptsRun: number;
  requests: string[];
  /** What in the page is not what a text may hold. */
  faults: string[];
}

/** In the page: everything that could run, fetch or lead astray, after every element was used as a person might. */
const inspect = (expected: number) => `((expected) => {
  const allowed = new Set(('h1 h2 h3 h4 h5 h6 p br hr blockquote pre div section article ul ol li dl dt dd table caption thead tbody ' +
    'tfoot tr th td a abbr b strong i em u s small sub sup code q cite span time ins del colgroup').split(' '));
  const attributes = new Set('lang dir id title href start reversed value colspan rowspan scope datetime'.split(' '));
  const faults = [];
  const visit = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (!allowed.has(element.localName) || element.namespaceURI !== 'http://www.w3.org/1999/xhtml') faults.push(element.outerHTML);
      for (const { name, value } of element.attributes)
        if (!attributes.has(name) || (name === 'id' && !value.startsWith('text-'))) faults.push(name + '=' + value);
      if (element.localName === 'a' && element.hasAttribute('href') && !['http:', 'https:', 'mailto:', 'tel:'].includes(element.protocol))
        faults.push(element.href);
      for (const type of ['mouseover', 'mouseenter', 'focus', 'click', 'load', 'error', 'toggle', 'animationstart'])
        element.dispatchEvent(new Event(type, { cancelable: true }));
    }
  };
  addEventListener('click', (event) => event.preventDefault(), true);
  const texts = [...document.body.children].filter((each) => each.className === 'text');
  for (const text of texts) {
    visit(text);
    for (let pass = 0; pass < 3; pass++) { text.innerHTML = text.innerHTML; visit(text); }
  }
  const [after, ...others] = [...document.body.children].slice(texts.length);
  if (texts.length !== expected || after?.id !== 'after' || after.textContent !== 'after' || others.length > 0)
    faults.push('the page is another');
  return faults;
})(${expected})`;

describe('texts of policies in Chromium', () => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let html = '';
  let effects: Effects;

  beforeAll(async () => {
    browser = await startChromium();
    context = await browser.newContext();
    effects = { scriptsRun: 0, requests: [], faults: [] };
    await context.exposeFunction('ran', () => {
      effects.scriptsRun++;
    });
    page = await context.newPage();
    page.on('dialog', (dialog) => void dialog.dismiss());
    await page.route('**/*', (route) => {
      const url = route.request().url();
      if (url === address) return route.fulfill({ contentType: 'text/html; charset=utf-8', body: html });
      effects.requests.push(url);
      return route.abort();
    });
  });
  afterAll(() => browser?.close());

  /** Without any policy of the page's own: nothing but the sanitiser protects it. */
  async function show(texts: string[]): Promise<Effects> {
    const boxes = texts.map((text) => `<div class="text">${text}</div>`).join('');
    html = `<!doctype html><html lang="en"><title>x</title><body>${boxes}<p id="after">after</p></body></html>`;
    effects = { scriptsRun: 0, requests: [], faults: [] };
    await page.goto(address, { waitUntil: 'load' }).catch(() => undefined);
    effects.faults = await page
      .evaluate<string[]>(inspect(texts.length))
      .catch((error: Error) => [error.message]);
    await page.waitForTimeout(20);
    return effects;
  }

  it('would run scripts and fetch things if they were shown as they came', async () => {
    let running = 0;
    let fetching = 0;
    for (const text of Object.values(htmlEvasions)) {
      const { scriptsRun, requests } = await show([text]);
      if (scriptsRun > 0) running++;
      if (requests.length > 0) fetching++;
      if (page.url() !== address) await page.goto('about:blank');
    }
    expect(running).toBeGreaterThan(40);
    expect(fetching).toBeGreaterThan(40);
  }, 180_000);

  const harmless: Effects = { scriptsRun: 0, requests: [], faults: [] };
  it.each(Object.entries(htmlEvasions))('neither run nor fetch anything: %s', async (_name, text) => {
    const shown = [
      sanitizePolicyHtml(text),
      sanitizePolicyHtml(`<table><tr><td><p>${text}`),
      compilePolicyText('markdown', `# Title\n\n${text}\n\n- [x](${text})`).html,
      diffPolicyHtml('<p>before</p>', sanitizePolicyHtml(text)),
      diffPolicyHtml(sanitizePolicyHtml(text), '<ul><li>after</li></ul>'),
    ];
    expect([shown, await show(shown)]).toEqual([shown, harmless]);
  });
});
