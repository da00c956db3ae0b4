import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser, BrowserContext } from 'playwright-core';
import { CrmServer, eventually } from '../support/crm-server.js';
import { type Complaints, openWatchedPage, startChromium } from './chromium.js';
import { type Answer, DocsPage, type Input } from './docs-page.js';
import { type Service, startService } from './service.js';

/** The routes that the newcomer presses its way through. */
const route = {
  register: 'POST /gateway/reg-step-one/{version}/{brand_id}',
  complete: 'POST /gateway/reg-step-two/{version}/{brand_id}',
  logIn: 'POST /gateway/login/{version}/{brand_id}/player',
  logOut: 'POST /gateway/logout/{version}/{brand_id}/player',
  readTerms: 'GET /gateway/tnc/{version}/document/revision/lastPublished/{brand_id}/{language}/{type}',
  sign: 'POST /gateway/player/multi/{version}/sign/tnc',
  info: 'GET /gateway/online-player/{version}/{brand_id}/player/info',
  details: 'GET /gateway/player-personal-details/player/details/{version}/{brand_id}',
  change: 'PUT /gateway/player-personal-details/player/details/{version}/{brand_id}',
  preferences: 'PUT /gateway/player-personal-details/{version}/marketing-preferences/{brand_id}',
  brand: 'PATCH /api/brands/{id}',
  publish: 'POST /api/policies/{id}/versions/{version}/publish',
  consents: 'GET /userconsents/{userid}',
  history: 'GET /userconsents/{userid}/history',
} as const;

const crm = new CrmServer();
let browser: Browser;
let service: Service;
let context: BrowserContext;
let docs: DocsPage;
let complaints: Complaints;

beforeAll(async () => {
  await crm.start();
  browser = await startChromium();
  service = await startService();
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
  const watched = await openWatchedPage(context, new URL(service.url).origin);
  complaints = watched.complaints;
  docs = new DocsPage(watched.page, service.url);
  await docs.open();
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  await crm.stop();
});

/** Presses a route's button, with what is typed in; what is an object goes as JSON. */
async function press(
  name: string,
  { body, parameters }: { body?: object; parameters?: Record<string, string> } = {},
): Promise<Answer> {
  const operation = (await docs.listOperations()).find(({ method, path }) => `${method} ${path}` === name);
  if (!operation) throw new Error(`${name} is not documented`);
  const input: Input = { ...(parameters && { parameters }), ...(body && { body: JSON.stringify(body) }) };
  const answer = await docs.execute(operation, input);
  await docs.fold(operation);
  return answer;
}

const tokenIn = ({ body }: Answer) => {
  const { auth_token: token, token: other } = JSON.parse(body) as { auth_token?: string; token?: string };
  return token ?? other ?? '';
};

it('a newcomer registers, logs in, changes details, opts out, signs the new terms and logs out', async () => {
  const crmIsOn = { crm: { enabled: true, baseUrl: crm.url } };
  await docs.authorize(service.token);
  expect((await press(route.brand, { body: crmIsOn })).status).toBe(200);

  // As it stands: the page has filled the form in.
  const registered = await press(route.register);
  expect(registered.status).toBe(200);
  const { player_id: id } = JSON.parse(registered.body) as { player_id: number };
  const details = {
    auth_token: tokenIn(registered),
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
  expect((await press(route.complete, { body: details })).status).toBe(200);

  const credentials = { user_name: 'jane.doe', password: 'Secr3t-words' };
  const sign = (type: string) =>
    press(route.sign, { body: { brand_id: 1, player_id: id, language: 'en', type } });
  const first = await press(route.logIn, { body: credentials });
  expect([first.status, JSON.parse(first.body)]).toEqual([
    303,
    { token: expect.any(String), result: 'PRIVACY_APPROVAL_REQUIRED', actions: ['marketing_preferences'] },
  ]);
  await docs.authorizeAsPlayer(tokenIn(first));
  expect(await sign('privacy')).toEqual({ status: 201, body: 'successfully signed TNC' });
  const session = await press(route.logIn, { body: credentials });
  expect([session.status, JSON.parse(session.body)]).toMatchObject([200, { result: 'OK' }]);
  await docs.authorizeAsPlayer(tokenIn(session));

  expect(JSON.parse((await press(route.details)).body)).toMatchObject({ city: 'London', firstName: 'Jane' });
  expect((await press(route.change, { body: { city: 'Leeds', comment: 'moved' } })).status).toBe(204);
  expect(JSON.parse((await press(route.details)).body)).toMatchObject({ city: 'Leeds', firstName: 'Jane' });

  const choice = { preferences: [{ channel: 'email', products: [{ product: 'casino', opted_in: true }] }] };
  const chosen = await press(route.preferences, { body: { ...choice, textVersion: 'default-1' } });
  expect(chosen.status).toBe(200);
  await eventually(() => crm.about(String(id)).length >= 1);
  expect((await press(route.change, { body: { optOut: { email: true } } })).status).toBe(204);
  await eventually(() => crm.about(String(id)).length >= 2);
  const userid = { userid: String(id) };
  expect((await press(route.consents, { parameters: userid })).body).not.toContain('true');
  const { events } = JSON.parse((await press(route.history, { parameters: userid })).body) as {
    events: { source: string; actor: string }[];
  };
  expect(events).toMatchObject([
    { source: 'gateway', actor: 'player' },
    { source: 'gateway', actor: 'player' },
  ]);

  expect((await press(route.publish)).status).toBe(200);
  expect(await press(route.info)).toMatchObject({
    status: 401,
    body: expect.stringContaining('TNC_APPROVAL_REQUIRED'),
  });
  expect(JSON.parse((await press(route.readTerms)).body)).toMatchObject({ version: '1.1' });
  expect(await sign('tnc')).toEqual({ status: 201, body: 'successfully signed TNC' });
  expect(JSON.parse((await press(route.info)).body)).toMatchObject({ playerID: { ID: id } });

  expect((await press(route.logOut)).body).toContain('successful logout');
  expect((await press(route.details)).status).toBe(401);
  const unauthorized = complaints.errors.filter((text) => text.includes('401'));
  expect(complaints).toEqual({ foreignRequests: [], policyViolations: [], errors: unauthorized });
}, 120_000);
