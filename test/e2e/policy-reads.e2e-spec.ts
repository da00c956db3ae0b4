import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorText, problem } from '../support/errors.js';
import { findLedgerFaults } from '../support/ledger.js';
import { policyPath, policyRoutes, type PrintedPolicyRecord } from '../support/policies.js';
import { unknownPolicyId } from '../support/routes.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';
import { clientIdOf, newUserId } from '../support/universal.js';

const unknownClientId = 'AB'.repeat(32);
const yes = '{"ConsentGiven":true}';
const no = '{"ConsentGiven":false}';
let app: TestApp;
let routes: ReturnType<typeof policyRoutes>;
let writer: string;
let reader: string;

beforeAll(async () => {
  app = await createTestApp();
  routes = policyRoutes(app);
  writer = (await app.createClient(['policy:write'])).key;
  reader = (await app.createClient(['policy:read'])).key;
});
afterAll(async () => {
  expect(await findLedgerFaults(app)).toEqual([]);
  await app?.close();
});

const expectProblem = (answer: Answer, status: number, text: string, path = policyPath, field?: string) =>
  expect([answer.status, answer.text]).toEqual([status, problem(status, text, path, field)]);
const givenPath = `${policyPath}/consent-given`;
const textPath = `${policyPath}/policy`;
const given = async (ClientId: string, PolicyId: string, Version?: string) =>
  (await routes.given({ ClientId, PolicyId, ...(Version !== undefined && { Version }) })).text;
const recordOf = async (clientId: string, PolicyId: string) =>
  (await routes.record(clientId, { PolicyId }, { token: reader })).as<PrintedPolicyRecord>();

describe('GET consent-given', () => {
  it('is false where nothing is recorded, or nobody is known', async () => {
    const PolicyId = await routes.createPublished();
    const other = await routes.createPublished();
    const unpublished = await routes.create();
    const ClientId = clientIdOf(await routes.post({ PolicyId: other }));
    expect(await given(ClientId, PolicyId)).toBe(no);
    expect(await given(ClientId, other, 'none')).toBe(no);
    expect(await given(ClientId, unpublished)).toBe(no);
    expect(await given(unknownClientId, PolicyId)).toBe(no);
    expect(await given(unknownClientId, unpublished)).toBe(no);
  });

  it('counts the last word', async () => {
    const PolicyId = await routes.createPublished();
    const ClientId = clientIdOf(await routes.post({ PolicyId }));
    for (const ConsentGiven of [false, true, false]) {
      await routes.post({ PolicyId, ClientId, ConsentGiven });
      expect(await given(ClientId.toLowerCase(), PolicyId)).toBe(JSON.stringify({ ConsentGiven }));
    }
  });

  it('is asked again by a material version, and by no other', async () => {
    const PolicyId = await routes.createPublished('1');
    const ClientId = clientIdOf(await routes.post({ PolicyId }));
    await routes.publish(PolicyId, '1.1', { isMaterial: false });
    expect(await given(ClientId, PolicyId)).toBe(yes);
    expect(await given(ClientId, PolicyId, '1')).toBe(yes);
    expect(await given(ClientId, PolicyId, '1.1')).toBe(no);
    await routes.publish(PolicyId, '2');
    expect(await given(ClientId, PolicyId)).toBe(no);
    expect(await given(ClientId, PolicyId, '1')).toBe(yes);
    await routes.publish(PolicyId, '2.1', { isMaterial: false });
    expect(await given(ClientId, PolicyId)).toBe(no);
    await routes.post({ PolicyId, ClientId });
    expect(await given(ClientId, PolicyId)).toBe(yes);
    expect(await given(ClientId, PolicyId, '2')).toBe(no);
    expect(await given(ClientId, PolicyId, '2.1')).toBe(yes);
  });

  it('lets a first version count that is not material', async () => {
    const PolicyId = await routes.createPublished('1', { isMaterial: false });
    const ClientId = clientIdOf(await routes.post({ PolicyId }));
    expect(await given(ClientId, PolicyId)).toBe(yes);
  });

  it('takes its parameters from a JSON body too, and is never cached', async () => {
    const PolicyId = await routes.createPublished();
    const ClientId = clientIdOf(await routes.post({ PolicyId }));
    const answer = await app.call('GET', givenPath, { token: null, body: { ClientId, PolicyId } });
    expect([answer.text, answer.headers['cache-control']]).toEqual([yes, 'no-store']);
    const both = await app.call('GET', `${givenPath}?ClientId=${unknownClientId}&PolicyId=${PolicyId}`, {
      token: null,
      body: { ClientId },
    });
    expectProblem(both, 400, errorText.givenTwice('ClientId'), givenPath, 'ClientId');
  });

  it('knows bad input, wrong credentials, unknown policies and other brands', async () => {
    const PolicyId = await routes.createPublished();
    const elsewhere = await routes.createPublished('1', { brandId: 2 });
    const emptyElsewhere = await routes.create({}, 2);
    const ClientId = clientIdOf(await routes.post({ PolicyId }));
    const ask = (parameters: Record<string, string>, token: string | null = null) =>
      routes.given({ ClientId, PolicyId, ...parameters }, { token });
    expectProblem(await ask({ ClientId: '12' }), 400, errorText.badClientId, givenPath, 'ClientId');
    const missing = await routes.given({ PolicyId });
    expectProblem(missing, 400, errorText.badClientId, givenPath, 'ClientId');
    const none = await routes.given({ ClientId });
    expectProblem(none, 400, errorText.notAText('PolicyId'), givenPath, 'PolicyId');
    const key = await ask({ Reference: 'x' });
    expectProblem(key, 400, errorText.unknownKey('Reference'), givenPath, 'Reference');
    for (const id of [unknownPolicyId, 'terms', '', 'x'.repeat(300)])
      expectProblem(await ask({ PolicyId: id }), 404, errorText.noSuchPolicy, givenPath);
    for (const id of [elsewhere, emptyElsewhere])
      expectProblem(await ask({ PolicyId: id }), 404, errorText.noPolicyRecord, givenPath);
    expectProblem(await ask({}, otherBrandKey), 404, errorText.noSuchPolicy, givenPath);
    expectProblem(await ask({}, 'wrong'), 401, errorText.unauthorized, givenPath);
    expect((await ask({}, reader)).text).toBe(yes);
    expect((await ask({}, writer)).text).toBe(yes);
  });
});

describe('GET a record', () => {
  it('is the newest, of the version if one is named', async () => {
    const PolicyId = await routes.createPublished('1');
    const ClientId = clientIdOf(await routes.post({ PolicyId }));
    await routes.publish(PolicyId, '2');
    await routes.post({ PolicyId, ClientId });
    await routes.post({ PolicyId, ClientId, ConsentGiven: false });
    const read = async (Version?: string) =>
      (await routes.record(ClientId.toLowerCase(), { PolicyId, ...(Version && { Version }) })).json;
    expect(await read()).toMatchObject({ Version: '2', ConsentGiven: false, ClientId });
    expect(await read('2')).toMatchObject({ Version: '2', ConsentGiven: false });
    expect(await read('1')).toMatchObject({ Version: '1', ConsentGiven: true });
  });

  it('shows who it is to a reader of the brand alone', async () => {
    const PolicyId = await routes.createPublished();
    const CustomUserId = newUserId();
    const ClientId = clientIdOf(await routes.post({ PolicyId, CustomUserId }));
    expect((await routes.record(ClientId, { PolicyId })).text).not.toContain(CustomUserId);
    const written = await routes.record(ClientId, { PolicyId }, { token: writer });
    expect(written.text).not.toContain(CustomUserId);
    expect(await recordOf(ClientId, PolicyId)).toMatchObject({ CustomUserId });
    const nobody = clientIdOf(await routes.post({ PolicyId }));
    expect((await recordOf(nobody, PolicyId)).CustomUserId).toBeNull();
  });

  it('answers 404 for whatever is none', async () => {
    const PolicyId = await routes.createPublished();
    const elsewhere = await routes.createPublished('1', { brandId: 2 });
    const ClientId = clientIdOf(await routes.post({ PolicyId }));
    for (const [id, parameters] of [
      ['consent', { PolicyId }],
      ['AB', { PolicyId }],
      [unknownClientId, { PolicyId }],
      [ClientId, { PolicyId: elsewhere }],
      [ClientId, { PolicyId, Version: '2' }],
    ] as const) {
      const answer = await routes.record(id, parameters);
      expectProblem(answer, 404, errorText.noPolicyRecord, `${policyPath}/${id}`);
    }
    const path = `${policyPath}/${ClientId}`;
    for (const id of [unknownPolicyId, 'terms'])
      expectProblem(await routes.record(ClientId, { PolicyId: id }), 404, errorText.noSuchPolicy, path);
    const foreign = await routes.record(ClientId, { PolicyId }, { token: otherBrandKey });
    expectProblem(foreign, 404, errorText.noSuchPolicy, path);
    const wrong = await routes.record(ClientId, { PolicyId }, { token: 'wrong' });
    expectProblem(wrong, 401, errorText.unauthorized, path);
    expectProblem(await routes.record(ClientId, {}), 400, errorText.notAText('PolicyId'), path, 'PolicyId');
  });

  it('takes its parameters from a JSON body too', async () => {
    const PolicyId = await routes.createPublished();
    const ClientId = clientIdOf(await routes.post({ PolicyId }));
    const answer = await app.call('GET', `${policyPath}/${ClientId}`, { token: null, body: { PolicyId } });
    expect(answer.json).toMatchObject({ PolicyId, ClientId });
  });

  it('takes the ClientId once more beside the path, if it is the same', async () => {
    const PolicyId = await routes.createPublished();
    const ClientId = clientIdOf(await routes.post({ PolicyId }));
    const path = `${policyPath}/${ClientId}`;
    for (const again of [ClientId, ClientId.toLowerCase()]) {
      const body = { ClientId: again, PolicyId, Version: '1' };
      expect((await app.call('GET', path, { token: null, body })).json).toMatchObject({ PolicyId, ClientId });
    }
    const other = await routes.record(ClientId, { PolicyId, ClientId: unknownClientId });
    expectProblem(other, 400, errorText.clientIdTwice, path, 'ClientId');
    const bad = await routes.record(ClientId, { PolicyId, ClientId: '12' });
    expectProblem(bad, 400, errorText.badClientId, path, 'ClientId');
  });
});

describe('GET an app’s record', () => {
  it('takes its parameters from a JSON body too, and the newest of a version', async () => {
    const PolicyId = await routes.createPublished('1');
    const ClientId = clientIdOf(await routes.postMobile({ PolicyId }));
    await routes.publish(PolicyId, '2');
    await routes.postMobile({ PolicyId, ClientId, ConsentGiven: false });
    const answer = await app.call('GET', policyPath, { body: { ClientId, PolicyId } });
    expect(answer.json).toMatchObject({ PolicyVersion: '2', ConsentGiven: false, CustomUserId: null });
    const first = await routes.read({ ClientId, PolicyId, Version: '1' });
    expect(first.json).toMatchObject({ PolicyVersion: '1', ConsentGiven: true });
  });

  it.each([
    ['CustomUserId', 'x'],
    ['FromDate', '2026-01-01'],
    ['ToDate', '2026-01-01'],
    ['ConsentGiven', 'true'],
    ['PolicyVersion', '1'],
    ['MobileApplicationId', 'x'],
    ['DeviceManufacturer', 'x'],
    ['SDKVersion', 'x'],
    ['OSVersion', 'x'],
    ['DomainId', 'x'],
    ['limit', '5'],
    ['cursor', 'x'],
  ])('refuses the list’s %s', async (name, value) => {
    const answer = await routes.read({ ClientId: unknownClientId, PolicyId: unknownPolicyId, [name]: value });
    expectProblem(answer, 400, errorText.notWithClientId(name), policyPath, name);
  });

  it('knows bad, missing and foreign input', async () => {
    const PolicyId = await routes.createPublished();
    const ClientId = clientIdOf(await routes.postMobile({ PolicyId }));
    const bad = await routes.read({ ClientId: '12', PolicyId });
    expectProblem(bad, 400, errorText.badClientId, policyPath, 'ClientId');
    expectProblem(await routes.read({ ClientId }), 400, errorText.policyIdMissing, policyPath, 'PolicyId');
    const unknown = await routes.read({ ClientId, PolicyId: 'terms' });
    expectProblem(unknown, 404, errorText.noSuchPolicy);
    const none: Record<string, string>[] = [{ ClientId: unknownClientId }, { Version: '2' }];
    for (const parameters of none)
      expectProblem(await routes.read({ ClientId, PolicyId, ...parameters }), 404, errorText.noPolicyRecord);
    const foreign = await routes.read({ ClientId, PolicyId }, { token: otherBrandKey });
    expectProblem(foreign, 404, errorText.noSuchPolicy);
    expectProblem(await routes.read({ ClientId, PolicyId }, { token: null }), 401, errorText.unauthorized);
    const lacking = await routes.read({ ClientId, PolicyId }, { token: writer });
    expectProblem(lacking, 403, errorText.lacksScope('policy:read'));
  });
});

describe('limits', () => {
  it('are documented and kept on the open routes', async () => {
    const limited = await createTestApp({
      database: app.database,
      environment: { PUBLIC_RATE_LIMIT: '4', TRUST_PROXY: '1' },
    });
    try {
      const PolicyId = await routes.createPublished();
      const calls = [
        ['GET', `${textPath}?PolicyId=${PolicyId}`],
        ['GET', `${givenPath}?PolicyId=${PolicyId}&ClientId=${unknownClientId}`],
        ['GET', `${policyPath}/${unknownClientId}?PolicyId=${PolicyId}`],
        ['POST', policyPath],
      ] as const;
      const headers = { 'x-forwarded-for': '198.18.7.7' };
      const call = (method: string, path: string) =>
        limited.call(method, path, { token: null, headers, ...(method === 'POST' && { body: {} }) });
      for (const [method, path] of calls) expect((await call(method, path)).status).not.toBe(429);
      for (const [method, path] of calls) {
        const answer = await call(method, path);
        expectProblem(answer, 429, errorText.tooManyRequests, path.split('?')[0]);
      }
    } finally {
      await limited.close();
    }
  });
});

describe('a publication', () => {
  it('is seen by another instance within a second', async () => {
    const other = await createTestApp({ database: app.database });
    try {
      const elsewhere = policyRoutes(other);
      const PolicyId = await routes.createPublished('1');
      const ClientId = clientIdOf(await elsewhere.post({ PolicyId }));
      expect((await elsewhere.text({ PolicyId })).json).toMatchObject({ Version: '1' });
      expect((await elsewhere.given({ ClientId, PolicyId })).text).toBe(yes);
      await routes.publish(PolicyId, '2');
      const publishedAt = Date.now();
      const seen = async () =>
        (await elsewhere.text({ PolicyId })).as<{ Version: string }>().Version === '2' &&
        (await elsewhere.given({ ClientId, PolicyId })).text === no;
      while (!(await seen()) && Date.now() - publishedAt < 3000)
        await new Promise((resolve) => setTimeout(resolve, 20));
      expect(Date.now() - publishedAt).toBeLessThan(1000);
      // What is recorded knows at once.
      await routes.publish(PolicyId, '3');
      const stale = await elsewhere.post({ PolicyId, Version: '2' });
      expectProblem(stale, 409, errorText.oldVersion('2', '3'));
    } finally {
      await other.close();
    }
  });
});
