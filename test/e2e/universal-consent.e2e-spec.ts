import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorText, problem } from '../support/errors.js';
import { findLedgerFaults } from '../support/ledger.js';
import { createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';
import { clientIdOf, newUserId, type UniversalRecord, universalRoutes } from '../support/universal.js';

const path = '/api/universalconsent';
const unknownClientId = 'AB'.repeat(32);
let app: TestApp;
let routes: ReturnType<typeof universalRoutes>;

beforeAll(async () => {
  app = await createTestApp();
  routes = universalRoutes(app);
});
afterAll(async () => {
  expect(await findLedgerFaults(app)).toEqual([]);
  await app?.close();
});

const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const eventsOf = (clientId: string) =>
  app.sql<{ kind: number; before: number; after: number; actor: string; source: string }>(
    `select e.kind, e.before, e.after, e.actor, e.source from consent_events e
     join subjects s using (brand_id, player_id) where s.client_id = $1 order by e.seq`,
    [Buffer.from(clientId, 'hex')],
  );

describe('POST /api/universalconsent', () => {
  it('records a consent and answers when and for whom', async () => {
    const answer = await routes.post(
      { CustomUserId: newUserId(), Metadata: '{"text": "Call me"}' },
      { headers: { origin: 'https://demo.example' } },
    );
    expect(answer.status).toBe(201);
    expect(answer.json).toEqual({ Created: instant, ClientId: expect.stringMatching(/^[0-9A-F]{64}$/) });
    const record = (await routes.get(clientIdOf(answer))).as<UniversalRecord>();
    expect(record).toEqual({
      Id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      Created: answer.as<UniversalRecord>().Created,
      LastUpdated: answer.as<UniversalRecord>().Created,
      URI: 'https://demo.example',
      ConsentGiven: 'All',
      ConsentType: 'Call',
      Metadata: '{"text": "Call me"}',
      Reference: 'callback',
      ClientId: clientIdOf(answer),
    });
  });

  it('leads the same CustomUserId to the same ClientId, and nobody to one that is drawn', async () => {
    const CustomUserId = newUserId();
    const [one, same, other] = await Promise.all([
      routes.post({ CustomUserId }),
      routes.post({ CustomUserId, Reference: 'other' }),
      routes.post({ CustomUserId }, { token: otherBrandKey }),
    ]);
    expect(clientIdOf(same)).toBe(clientIdOf(one));
    expect(clientIdOf(other)).not.toBe(clientIdOf(one));
    const [first, second] = await Promise.all([routes.post({}), routes.post({})]);
    expect(clientIdOf(first)).not.toBe(clientIdOf(second));
  });

  it('makes one subject of sixteen first uses at once', async () => {
    const CustomUserId = newUserId();
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        routes.post({ CustomUserId, Reference: `at-once-${index % 4}` }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(clientIdOf)).size).toBe(1);
    const [{ records }] = (await app.sql<{ records: number }>(
      'select count(*)::integer as records from universal_consents where client_id = $1',
      [Buffer.from(clientIdOf(answers[0] as never), 'hex')],
    )) as [{ records: number }];
    expect(records).toBe(4);
    expect(await eventsOf(clientIdOf(answers[0] as never))).toHaveLength(16);
  });

  it('updates the record of a reference and keeps every consent as an event', async () => {
    const CustomUserId = newUserId();
    const first = await routes.post({ CustomUserId, ConsentGiven: 'None', URI: 'https://demo.example/a' });
    for (const ConsentGiven of ['Partial', 'All', 'All', 'None'])
      await routes.post({ CustomUserId, ConsentGiven, ConsentType: 'Chatbot' });
    const last = await routes.post({ CustomUserId, ConsentGiven: 'None' });
    expect(last.status).toBe(201);
    expect(last.text).toBe(first.text);
    const record = (await routes.get(clientIdOf(first))).as<UniversalRecord>();
    expect(record).toMatchObject({ ConsentGiven: 'None', ConsentType: 'Call', URI: null, Metadata: null });
    expect(record.LastUpdated > record.Created).toBe(true);
    expect(
      (await eventsOf(clientIdOf(first))).map(({ kind, before, after }) => [kind, before, after]),
    ).toEqual([
      [10, 0, 1],
      [1, 1, 2],
      [2, 2, 3],
      [4, 3, 3],
      [3, 3, 1],
      [4, 1, 1],
    ]);
  });

  it('keeps one answer for an Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'universal-1' };
    const first = await routes.post({}, { headers });
    const again = await routes.post({}, { headers });
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(await eventsOf(clientIdOf(first))).toHaveLength(1);
    const other = await routes.post({ ConsentGiven: 'None' }, { headers });
    expect([other.status, other.text]).toEqual([422, problem(422, errorText.keyReused, path)]);
  });

  it.each([
    [{ ConsentGiven: 'Some' }, 'ConsentGiven', errorText.consentGiven('ConsentGiven')],
    [{ ConsentGiven: true }, 'ConsentGiven', errorText.consentGiven('ConsentGiven')],
    [{ Reference: '' }, 'Reference', errorText.tooShort('Reference')],
    [{ Reference: 5 }, 'Reference', errorText.notAText('Reference')],
    [{ Reference: 'x'.repeat(501) }, 'Reference', errorText.tooLong('Reference', 500)],
    [{ ConsentType: undefined }, 'ConsentType', errorText.notAText('ConsentType')],
    [{ CustomUserId: null }, 'CustomUserId', errorText.notAText('CustomUserId')],
    [{ CustomUserId: 'x'.repeat(257) }, 'CustomUserId', errorText.tooLong('CustomUserId', 256)],
    [{ Metadata: 'not json' }, 'Metadata', errorText.metadata],
    [{ Metadata: `"${'x'.repeat(199)}"` }, 'Metadata', errorText.metadata],
    [{ Metadata: { text: 'no text' } }, 'Metadata', errorText.metadata],
    [{ customUserId: 'small letters' }, 'customUserId', errorText.unknownKey('customUserId')],
  ])('refuses %j and changes nothing', async (body, field, text) => {
    const before = await app.countRows();
    const answer = await routes.post(body);
    expect([answer.status, answer.text]).toEqual([400, problem(400, text, path, field)]);
    expect(await app.countRows()).toEqual(before);
  });

  it('counts the characters of Metadata, not their parts, and keeps every byte', async () => {
    const Metadata = ` "${'😀'.repeat(197)}"`;
    const answer = await routes.post({ Metadata });
    expect(answer.status).toBe(201);
    expect((await routes.get(clientIdOf(answer))).as<UniversalRecord>().Metadata).toBe(Metadata);
  });

  it('keeps its hands off CORS and the like: a closed route needs a credential with the scope', async () => {
    const reader = await app.createClient(['universal:read']);
    const statuses = [
      await routes.post({}, { token: null }),
      await routes.post({}, { token: 'wrong' }),
      await routes.post({}, { token: reader.key }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([401, 401, 403]);
  });
});

describe('PATCH /api/universalconsent', () => {
  it('changes what is given, and answers the record', async () => {
    const ClientId = clientIdOf(await routes.post({ Metadata: '{"a":1}', URI: 'https://demo.example/x' }));
    const answer = await routes.patch({
      ClientId: ClientId.toLowerCase(),
      Reference: 'callback',
      ConsentGiven: 'None',
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      ClientId,
      ConsentGiven: 'None',
      Metadata: '{"a":1}',
      URI: 'https://demo.example/x',
    });
    expect(answer.text).toBe((await routes.get(ClientId)).text);
    const metadata = await routes.patch({ ClientId, Reference: 'callback', Metadata: '{"a":2}' });
    expect(metadata.json).toMatchObject({ ConsentGiven: 'None', Metadata: '{"a":2}' });
    expect(await eventsOf(ClientId)).toEqual([
      { kind: 1, before: 0, after: 3, actor: 'client:demo', source: 'universalconsent' },
      { kind: 3, before: 3, after: 1, actor: 'subject', source: 'universalconsent' },
      { kind: 2, before: 1, after: 1, actor: 'subject', source: 'universalconsent' },
    ]);
  });

  it('writes nothing when nothing changes', async () => {
    const ClientId = clientIdOf(await routes.post({}));
    const before = (await routes.get(ClientId)).text;
    const answer = await routes.patch({ ClientId, Reference: 'callback', ConsentGiven: 'All' });
    expect([answer.status, answer.text]).toEqual([200, before]);
    expect(await eventsOf(ClientId)).toHaveLength(1);
  });

  it('shows who the subject is to a reader of its brand alone', async () => {
    const CustomUserId = newUserId();
    const ClientId = clientIdOf(await routes.post({ CustomUserId }));
    const change = { ClientId, Reference: 'callback', Metadata: '1' };
    const reader = await app.createClient(['universal:read']);
    const writer = await app.createClient(['universal:write']);
    expect((await routes.patch(change)).json).not.toHaveProperty('CustomUserId');
    expect((await routes.patch(change, { token: writer.key })).json).not.toHaveProperty('CustomUserId');
    expect((await routes.patch(change, { token: reader.key })).json).toMatchObject({ CustomUserId });
  });

  it('takes effect once for an Idempotency-Key', async () => {
    const ClientId = clientIdOf(await routes.post({}));
    const headers = { 'idempotency-key': 'patch-1' };
    const body = { ClientId, Reference: 'callback', ConsentGiven: 'None' };
    const first = await routes.patch(body, { headers });
    await routes.patch({ ...body, ConsentGiven: 'All' });
    const again = await routes.patch(body, { headers });
    expect([again.text, again.headers['idempotency-replayed']]).toEqual([first.text, 'true']);
    expect((await routes.given(ClientId, 'callback')).json).toEqual({ ConsentGiven: 'All' });
    const other = await routes.patch({ ...body, ConsentGiven: 'Partial' }, { headers });
    expect(other.status).toBe(422);
  });

  it('finds nothing where nothing is, and nothing of another brand', async () => {
    const ClientId = clientIdOf(await routes.post({}));
    const missing = problem(404, errorText.noRecord, path);
    const before = await app.countRows();
    for (const [body, token] of [
      [{ ClientId: unknownClientId, Reference: 'callback' }, null],
      [{ ClientId, Reference: 'other' }, null],
      [{ ClientId, Reference: 'callback' }, otherBrandKey],
    ] as const) {
      const answer = await routes.patch({ ...body, ConsentGiven: 'None' }, { token });
      expect([answer.status, answer.text]).toEqual([404, missing]);
    }
    expect(await app.countRows()).toEqual(before);
  });

  it.each([
    [{}, 'ConsentGiven', errorText.nothingToChange],
    [{ ClientId: 'abc', ConsentGiven: 'All' }, 'ClientId', errorText.badClientId],
    [{ ConsentGiven: null }, 'ConsentGiven', errorText.consentGiven('ConsentGiven')],
    [{ URI: 'https://demo.example', ConsentGiven: 'All' }, 'URI', errorText.unknownKey('URI')],
  ])('refuses %j', async (body, field, text) => {
    const answer = await routes.patch({ ClientId: unknownClientId, Reference: 'callback', ...body });
    expect([answer.status, answer.text]).toEqual([400, problem(400, text, path, field)]);
  });
});

describe('reading a record', () => {
  it('gives the one of the reference, or the most recently updated', async () => {
    const CustomUserId = newUserId();
    const ClientId = clientIdOf(await routes.post({ CustomUserId, Reference: 'one' }));
    await routes.post({ CustomUserId, Reference: 'two' });
    expect((await routes.get(ClientId)).json).toMatchObject({ Reference: 'two' });
    await routes.patch({ ClientId, Reference: 'one', ConsentGiven: 'Partial' });
    expect((await routes.get(ClientId)).json).toMatchObject({ Reference: 'one', ConsentGiven: 'Partial' });
    expect((await routes.get(ClientId.toLowerCase(), 'two')).json).toMatchObject({ Reference: 'two' });
  });

  it('answers 404 for whatever is none', async () => {
    const ClientId = clientIdOf(await routes.post({}));
    for (const [id, reference, token] of [
      ['consent', undefined, null],
      ['subscribe', undefined, null],
      ['integration', undefined, null],
      [unknownClientId, undefined, null],
      [ClientId, 'other', null],
      [ClientId, undefined, otherBrandKey],
    ] as const) {
      const answer = await routes.get(id, reference, { token });
      expect([answer.status, answer.text]).toEqual([404, problem(404, errorText.noRecord, `${path}/${id}`)]);
    }
    expect((await routes.get(ClientId, undefined, { token: 'wrong' })).status).toBe(401);
  });

  it('refuses what a query can hold and a database cannot', async () => {
    const answer = await app.call('GET', `${path}/${unknownClientId}?Reference=a%00b`, { token: null });
    expect([answer.status, answer.text]).toEqual([
      400,
      problem(400, errorText.holdsNulIn('Reference'), `${path}/${unknownClientId}`, 'Reference'),
    ]);
  });
});

describe('GET consent-given', () => {
  it.each(['All', 'Partial', 'None'])('says %s', async (ConsentGiven) => {
    const ClientId = clientIdOf(await routes.post({ ConsentGiven }));
    const answer = await routes.given(ClientId, 'callback');
    expect([answer.status, answer.text]).toEqual([200, JSON.stringify({ ConsentGiven })]);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('says None where nothing is recorded', async () => {
    const ClientId = clientIdOf(await routes.post({}));
    expect((await routes.given(ClientId, 'other')).text).toBe('{"ConsentGiven":"None"}');
    expect((await routes.given(unknownClientId, 'callback')).text).toBe('{"ConsentGiven":"None"}');
  });

  it('takes its parameters from a JSON body too', async () => {
    const ClientId = clientIdOf(await routes.post({}));
    const answer = await app.call('GET', `${path}/consent-given`, {
      token: null,
      body: { ClientId, Reference: 'callback' },
    });
    expect(answer.text).toBe('{"ConsentGiven":"All"}');
    const both = await app.call('GET', `${path}/consent-given?ClientId=${ClientId}&Reference=other`, {
      token: null,
      body: { ClientId, Reference: 'callback' },
    });
    expect(both.status).toBe(400);
  });

  it('knows bad input, wrong credentials and other brands', async () => {
    const ClientId = clientIdOf(await routes.post({}));
    const bad = await routes.given('12', 'callback');
    expect([bad.status, bad.text]).toEqual([
      400,
      problem(400, errorText.badClientId, `${path}/consent-given`, 'ClientId'),
    ]);
    expect((await routes.given(ClientId, 'callback', { token: 'wrong' })).status).toBe(401);
    expect((await routes.given(ClientId, 'callback', { token: otherBrandKey })).status).toBe(404);
    expect((await routes.given(ClientId, 'other', { token: otherBrandKey })).status).toBe(404);
    expect((await routes.given(ClientId, 'callback', { token: undefined as never })).status).toBe(200);
  });
});
