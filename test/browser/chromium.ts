import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const path = process.env.CHROMIUM_PATH || '/usr/bin/chromium';

/** Starts the browser; a machine without one fails here, saying what to install. */
export async function startChromium(): Promise<Browser> {
  if (!existsSync(path)) {
    throw new Error(
      `the browser tests need Chromium, and there is none at ${path}: install it (Debian: apt-get install chromium), ` +
        'or set CHROMIUM_PATH to where it is',
    );
  }
  return chromium.launch({
    executablePath: path,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** What a page did that it should not: requests to other hosts, refusals by its policy, errors on its console. */
export interface Complaints {
  foreignRequests: string[];
  policyViolations: string[];
  errors: string[];
}

/** Opens an empty page that is watched from its first request on. */
export async function openWatchedPage(
  context: BrowserContext,
  origin: string,
): Promise<{ page: Page; complaints: Complaints }> {
  const complaints: Complaints = { foreignRequests: [], policyViolations: [], errors: [] };
  await context.exposeFunction('reportViolation', (text: string) => complaints.policyViolations.push(text));
  // Text and not a function: it runs in the page, whose names the compiler here does not know.
  await context.addInitScript(`document.addEventListener('securitypolicyviolation', (event) =>
    window.reportViolation(event.effectiveDirective + ' ' + event.blockedURI + ' ' + event.sample))`);
  const page = await context.newPage();
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== 'data:') complaints.foreignRequests.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.errors.push(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => complaints.errors.push(error.message));
  return { page, complaints };
}
