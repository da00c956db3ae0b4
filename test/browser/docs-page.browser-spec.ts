import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'playwright-core';
import { eventually } from '../support/crm-server.js';
import { listSeriousFaults } from './accessibility.js';
import { type Complaints, openWatchedPage, startChromium } from './chromium.js';
import { DocsPage, type Input, type Operation } from './docs-page.js';
import { type Service, startService } from './service.js';

const pictures = 'test-results';
const nothingToComplainOf: Complaints = { foreignRequests: [], policyViolations: [], errors: [] };

/** Of Swagger UI's own markup: a row of the list is a button that holds a link. */
const notOurs = ['nested-interactive'];

/** For the README; a picture is made anew with UPDATE_PICTURES=1 and looked at before it is committed. */
const readmePicture = process.env.UPDATE_PICTURES
  ? 'docs/pictures/docs-page.png'
  : `${pictures}/docs-page.png`;

let browser: Browser;
let service: Service;
let context: BrowserContext;
let docs: DocsPage;
let complaints: Complaints;

async function startUnder(prefix: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  browser = await startChromium();
  service = await startService({ PATH_PREFIX: prefix });
}

async function stop(): Promise<void> {
  await browser?.close();
  await service?.stop();
}

async function openDocs(): Promise<void> {
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
  const watched = await openWatchedPage(context, new URL(service.url).origin);
  complaints = watched.complaints;
  docs = new DocsPage(watched.page, service.url);
  await docs.open();
}

function idIn(body: string): string {
  if (!body.startsWith('{')) return '';
  const { id, Id, game_session_id } = JSON.parse(body) as Record<string, string | undefined>;
  return id ?? Id ?? game_session_id ?? '';
}

const someDetails = {
  firstName: 'Jane',
  lastName: 'Doe',
  birthDate: '02/11/1996',
  gender: 'F',
  language: 'en',
  country: 'GB',
  city: 'London',
  address: '1 High Street',
  zipCode: 'SW1A 1AA',
  mobileNumber: '44-7400123456',
};

/** Players come first: others end their sessions. What is deleted was made before. */
function turnOf({ method, path }: Operation): number {
  // The others log in with the password that it changes.
  if (path.endsWith('/change/password')) return 2;
  if (path.startsWith('/gateway/logout/')) return 3;
  if (path.startsWith('/gateway/')) return 1;
  return method === 'DELETE' ? 5 : 4;
}

const openSession = (service: Service, playerId: string) =>
  tokenOf(service, '/internal/sessions', { player_id: playerId });

const beginRegistration = (service: Service) =>
  tokenOf(service, '/gateway/reg-step-one/1.0/1', {
    loginName: 'newcomer',
    email: 'newcomer@example.com',
    password: 'Secr3t-words',
    over18: true,
    signTNC: true,
    language: 'en',
    currency: 'EUR',
  });

const validateCode = 'PUT /gateway/player-data/{version}/validate/code/{brand_id}';

/** Has a demo player log in with codes: the token that the log-in gives. */
async function beginLogin({ url, token }: Service): Promise<string> {
  const call = (method: string, path: string, body: object) =>
    fetch(url + path, {
      method,
      headers: { 'x-auth-token': token, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await call('PUT', '/internal/players/1004', { is2faRequired: true });
  const names = { user_name: 'player1004', password: 'Passw0rd1' };
  const answer = await call('POST', '/gateway/login/1.0/1/player', names);
  return ((await answer.json()) as { '2fa_auth_token': string })['2fa_auth_token'];
}

/** The code of the one text message that the service has written. */
async function readCode({ dataDir }: Service): Promise<string> {
  const folder = join(dataDir, 'sms');
  const read = () => readdir(folder).catch(() => []);
  const name = await eventually(async () => (await read()).find((file) => /^[^.].*json$/.test(file)));
  const { text } = JSON.parse(await readFile(join(folder, name), 'utf8')) as { text: string };
  return /\d{6}/.exec(text)?.[0] ?? '';
}

/** The session that a route answers with. */
async function tokenOf(service: Service, path: string, body: object): Promise<string> {
  return ((await post(service, path, body)) as { auth_token: string }).auth_token;
}

/** The token of an unsubscribe link. */
async function makeLink(service: Service): Promise<string> {
  const body = { links: [{ player_id: '1002', channel: 'email' }] };
  const { links } = (await post(service, '/unsubscribe-links', body)) as { links: [{ url: string }] };
  return links[0].url.split('/').at(-1) ?? '';
}

async function post({ url, token }: Service, path: string, body: object): Promise<unknown> {
  const answer = await fetch(url + path, {
    method: 'POST',
    headers: { 'x-auth-token': token, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return answer.json();
}

async function find(method: string, path: string): Promise<Operation> {
  const operations = await docs.listOperations();
  const operation = operations.find((each) => each.method === method && each.path === path);
  if (!operation) throw new Error(`${method} ${path} is not documented`);
  return operation;
}

describe('the docs page', () => {
  beforeAll(() => startUnder(''));
  afterAll(stop);
  beforeEach(openDocs);
  afterEach(() => context.close());

  it('reads and changes consents with the token that the service printed', async () => {
    await docs.page.screenshot({ path: readmePicture });
    const read = await find('GET', '/userconsents/{userid}');
    const change = await find('POST', '/userconsents/{userid}');
    await docs.authorize(service.token);

    const before = await docs.execute(read, { parameters: { userid: '1001' } });
    expect(before.status).toBe(200);
    expect(JSON.parse(before.body)).toHaveProperty('consents');

    const body = JSON.stringify({ consents: [{ channel: 'email', opted_in: true, products: ['lottery'] }] });
    const changed = await docs.execute(change, { parameters: { userid: '1001' }, body });
    expect(changed.status).toBe(200);
    const lottery = expect.objectContaining({ opted_in: true, products: ['lottery'] });
    expect(JSON.parse(changed.body)).toEqual({ consents: expect.arrayContaining([lottery]) });

    expect(await docs.execute(read)).toEqual(changed);
    await (await docs.unfold(read)).screenshot({ path: `${pictures}/docs-answer.png` });
    expect(complaints).toEqual(nothingToComplainOf);
  });

  it('tries every documented route', async () => {
    const demoClient = { grant_type: 'client_credentials', client_id: 'demo', client_secret: service.token };
    const inputs: Record<string, Input> = {
      'GET /oauth/token': { parameters: demoClient },
      'POST /oauth/token': { body: JSON.stringify(demoClient) },
      'PATCH /api/brands/{id}': { body: JSON.stringify({ name: 'Demo Casino' }) },
      'PUT /internal/players/{id}': { body: JSON.stringify({ language: 'de' }) },
      'PUT /internal/players/{id}/blocks': { body: JSON.stringify({ blocked: { active: true } }) },
      'POST /internal/sessions': { body: JSON.stringify({ player_id: '1003' }) },
      'POST /userconsents/import': { parameters: { format: 'csv' } },
    };
    await docs.authorize(service.token);
    const session = await openSession(service, '1001');
    await docs.authorizeAsPlayer(session);
    inputs['POST /gateway/reg-step-two/{version}/{brand_id}'] = {
      body: JSON.stringify({ ...someDetails, auth_token: await beginRegistration(service) }),
    };
    await docs.authorizeForCode(await beginLogin(service));
    inputs['POST /gateway/player-data/{version}/send/code/{brand_id}'] = {
      body: JSON.stringify({ mobile_number: '49-15123456789' }),
    };
    const link = { parameters: { token: await makeLink(service) } };
    inputs['GET /unsubscribe/{token}'] = link;
    inputs['POST /unsubscribe/{token}'] = link;
    const operations = (await docs.listOperations()).sort((a, b) => turnOf(a) - turnOf(b));
    const made: Record<string, string> = {};
    const refused: [string, number, string][] = [];
    for (const operation of operations) {
      const name = `${operation.method} ${operation.path}`;
      if (name === validateCode)
        inputs[name] = { body: JSON.stringify({ sms_code: await readCode(service) }) };
      await docs.showOnly(operation.tag);
      const id = operation.method === 'DELETE' && made[operation.path.replace(/\/\{id\}$/, '')];
      const { status, body } = await docs.execute(operation, id ? { parameters: { id } } : inputs[name]);
      if (status < 200 || status > 299) refused.push([name, status, body]);
      const collection = operation.path.replace(/subscribe$/, 'subscriptions');
      if (status === 201 || collection !== operation.path) made[collection] = idIn(body);
      await docs.fold(operation);
    }
    // Whose link comes by mail; nothing waits to be delivered in the demo data.
    const byMail = refused.filter(([name]) => /\/(verify|cancel)\/(email|password)\//.test(name));
    expect(byMail.map(([, status]) => status)).toEqual(Array.from({ length: 7 }, () => 400));
    const nothing = expect.stringContaining('there is no such delivery') as unknown as string;
    expect(refused.filter((each) => !byMail.includes(each))).toEqual([
      ['POST /api/deliveries/{id}/redeliver', 404, nothing],
    ]);
    expect(operations.length).toBeGreaterThanOrEqual(20);
    const expected = [...byMail.map(() => '400'), '404'].map((status): unknown =>
      expect.stringContaining(status),
    );
    expect(complaints).toEqual({ ...nothingToComplainOf, errors: expected });
  }, 300_000);

  it('shows the refusal when there is no token', async () => {
    const read = await find('GET', '/userconsents/{userid}');
    const { status } = await docs.execute(read, { parameters: { userid: '1001' } });
    expect(status).toBe(401);
    const expected = expect.stringContaining('401') as unknown as string;
    expect(complaints).toEqual({ ...nothingToComplainOf, errors: [expected] });
  });

  it('has no serious fault for people who use a screen reader or the keyboard', async () => {
    const faults: Record<string, string[]> = {};
    faults.page = await listSeriousFaults(docs.page, notOurs);
    await docs.openAuthorization();
    await docs.page.screenshot({ path: `${pictures}/docs-authorize.png` });
    faults.dialog = await listSeriousFaults(docs.page, notOurs, '.dialog-ux');
    await docs.page.keyboard.press('Escape');
    await docs.authorize(service.token);
    await docs.execute(await find('POST', '/userconsents/{userid}'), { parameters: { userid: '1002' } });
    faults.operation = await listSeriousFaults(docs.page, notOurs, '.opblock.is-open');
    await docs.page.getByRole('button', { name: 'Schemas' }).click();
    faults.schemas = await listSeriousFaults(docs.page, notOurs, '.models');
    expect(faults).toEqual({ page: [], dialog: [], operation: [], schemas: [] });
  });

  it('fits a small screen', async () => {
    await docs.page.setViewportSize({ width: 390, height: 844 });
    await docs.page.screenshot({ path: `${pictures}/docs-small.png` });
    const width = await docs.page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(390);
  });
});

describe('the docs page behind a path prefix', () => {
  beforeAll(() => startUnder('/consent/v1'));
  afterAll(stop);
  beforeEach(openDocs);
  afterEach(() => context.close());

  it('calls the routes where they are', async () => {
    expect(service.url).toMatch(/\/consent\/v1$/);
    await docs.authorize(service.token);
    const { status } = await docs.execute(await find('GET', '/userconsents/{userid}'));
    expect(status).toBe(200);
    expect(complaints).toEqual(nothingToComplainOf);
  });
});
