import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { errorText, problem } from '../support/errors.js';
import { findLedgerFaults } from '../support/ledger.js';
import {
  mobileFields,
  policyPath,
  policyRoutes,
  type PrintedPolicyRecord,
  textHash,
} from '../support/policies.js';
import { unknownPolicyId } from '../support/routes.js';
import { type Answer, createTestApp, demoKey, otherBrandKey, type TestApp } from '../support/test-app.js';
import { clientIdOf, newUserId } from '../support/universal.js';

const unknownClientId = 'AB'.repeat(32);
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
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
const textPath = `${policyPath}/policy`;
const given = async (ClientId: string, PolicyId: string, Version?: string) =>
  (await routes.given({ ClientId, PolicyId, ...(Version !== undefined && { Version }) })).text;
const recordOf = async (clientId: string, PolicyId: string) =>
  (await routes.record(clientId, { PolicyId }, { token: reader })).as<PrintedPolicyRecord>();
const soon = () => new Date(Date.now() + 1500);
const until = (at: Date) => new Promise((resolve) => setTimeout(resolve, at.getTime() - Date.now() + 20));
const nextYear = new Date(Date.now() + 365 * 86_400_000);

interface EventRow {
  kind: number;
  before: number;
  after: number;
  actor: string;
  source: string;
  detail: Record<string, unknown>;
  evidence: string;
}

const eventsOf = (clientId: string) =>
  app.sql<EventRow>(
    `select e.kind, e.before, e.after, e.actor, e.source, e.detail, v.evidence from consent_events e
     join subjects s using (brand_id, player_id)
     left join event_evidence v using (brand_id, player_id, act_id, recorded_at)
     where s.client_id = $1 and e.channel = 31 order by e.seq`,
    [Buffer.from(clientId, 'hex')],
  );

describe('GET /api/policyconsent/policy', () => {
  it('answers the text in force, whose hash its ETag begins with', async () => {
    const PolicyId = await routes.createPublished('1', {
      texts: { en: '<p>Be fair.</p>' },
      name: 'Our terms',
    });
    const answer = await routes.text({ PolicyId });
    expect([answer.status, answer.text]).toEqual([
      200,
      JSON.stringify({
        Id: PolicyId,
        Name: 'Our terms',
        Type: 'TermsOfService',
        Version: '1',
        CompiledHtml: '<p>Be fair.</p>',
      }),
    ]);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-language': 'en',
      'cache-control': 'no-cache',
      etag: `"${textHash('<p>Be fair.</p>')}.1"`,
    });
    expect((await routes.text({ PolicyId: PolicyId.toUpperCase() })).text).toBe(answer.text);
    expect((await routes.text({ PolicyId }, { token: demoKey })).text).toBe(answer.text);
  });

  it.each([
    ['pt-BR', 'pt-BR'],
    ['PT-br', 'pt-BR'],
    ['pt-BR-x-formal', 'pt-BR'],
    ['pt-AO', 'pt'],
    ['pt', 'pt'],
    ['de', 'en'],
    [undefined, 'en'],
  ])('falls back from %s to %s', async (LanguageCode, language) => {
    const texts = { en: '<p>fair</p>', pt: '<p>justo</p>', 'pt-BR': '<p>justinho</p>' };
    const PolicyId = await routes.createPublished('1', { texts });
    const answer = await routes.text({ PolicyId, ...(LanguageCode !== undefined && { LanguageCode }) });
    expect(answer.headers['content-language']).toBe(language);
    expect(answer.as<{ CompiledHtml: string }>().CompiledHtml).toBe(texts[language as keyof typeof texts]);
  });

  it('says 304 to whoever has it, and tells versions with the same words apart', async () => {
    const PolicyId = await routes.createPublished('1', { texts: { en: '<p>same</p>' } });
    const { etag } = (await routes.text({ PolicyId })).headers;
    const ask = (header: string) => routes.text({ PolicyId }, { headers: { 'if-none-match': header } });
    for (const header of [etag ?? '', `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await ask(header);
      expect([header, answer.status, answer.text]).toEqual([header, 304, '']);
      expect(answer.headers.etag).toBe(etag);
    }
    expect((await ask('"other"')).status).toBe(200);
    await routes.publish(PolicyId, '2', { texts: { en: '<p>same</p>' }, isMaterial: false });
    const answer = await ask(etag ?? '');
    expect([answer.status, answer.as<{ Version: string }>().Version]).toEqual([200, '2']);
  });

  it('says the same to whoever asks again, and to nobody what is not theirs', async () => {
    const PolicyId = await routes.createPublished('1', { texts: { en: '<p>a</p>', fr: '<p>b</p>' } });
    const shown = ({ status, text, headers }: Answer) => [
      status,
      text,
      { ...headers, date: '', 'x-request-id': '' },
    ];
    const first = await routes.text({ PolicyId });
    const again = await routes.text({ PolicyId });
    expect(shown(again)).toEqual(shown(first));
    expect(again.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
    expect((await routes.text({ PolicyId }, { token: otherBrandKey })).status).toBe(404);
    expect((await routes.text({ PolicyId }, { token: 'wrong' })).status).toBe(401);
    expect((await routes.text({ PolicyId }, { token: demoKey })).text).toBe(first.text);
    const body = { LanguageCode: 'fr' };
    const french = await app.call('GET', `${textPath}?PolicyId=${PolicyId}`, { token: null, body });
    expect(french.headers['content-language']).toBe('fr');
    expect(shown(await routes.text({ PolicyId }))).toEqual(shown(first));
  });

  it('takes its parameters from a JSON body too', async () => {
    const PolicyId = await routes.createPublished('1', { texts: { en: '<p>a</p>', fr: '<p>b</p>' } });
    const body = { PolicyId, LanguageCode: 'fr' };
    const answer = await app.call('GET', textPath, { token: null, body });
    expect(answer.headers['content-language']).toBe('fr');
  });

  it('refuses what is none, unknown, unpublished or another brand’s', async () => {
    const draft = await routes.create();
    await routes.draft(draft, '1');
    const ahead = await routes.create();
    await routes.publish(ahead, '1', { effectiveFrom: nextYear });
    for (const PolicyId of [draft, ahead])
      expectProblem(await routes.text({ PolicyId }), 404, errorText.nothingInForce, textPath);
    for (const PolicyId of [unknownPolicyId, 'terms', '%', '', 'x'.repeat(300), 'a\0b'])
      expectProblem(await routes.text({ PolicyId }), 404, errorText.noSuchPolicy, textPath);
    const PolicyId = await routes.createPublished();
    const foreign = await routes.text({ PolicyId }, { token: otherBrandKey });
    expectProblem(foreign, 404, errorText.noSuchPolicy, textPath);
    expect((await routes.text({ PolicyId }, { token: 'wrong' })).status).toBe(401);
    expectProblem(await routes.text({}), 400, errorText.notAText('PolicyId'), textPath, 'PolicyId');
    const language = await routes.text({ PolicyId, LanguageCode: 'not a language' });
    expectProblem(language, 400, errorText.notALanguage('LanguageCode'), textPath, 'LanguageCode');
    const unknown = await routes.text({ PolicyId, Version: '1' });
    expectProblem(unknown, 400, errorText.unknownKey('Version'), textPath, 'Version');
  });
});

describe('POST /api/policyconsent from a page', () => {
  it('records what was read, and answers when and for whom', async () => {
    const PolicyId = await routes.createPublished('1', {
      texts: { en: '<p>a</p>', 'pt-BR': '<p>b</p>' },
      type: 'Privacy',
    });
    const answer = await routes.post(
      { PolicyId, Language: 'pt-BR', Version: '1', DomainId: 'shop' },
      { headers: { origin: 'https://demo.example', 'user-agent': 'test/1' } },
    );
    expect([answer.status, answer.json]).toEqual([
      201,
      { Created: instant, ClientId: expect.stringMatching(/^[0-9A-F]{64}$/) },
    ]);
    const { Created, ClientId } = answer.as<{ Created: string; ClientId: string }>();
    expect((await routes.record(ClientId, { PolicyId })).json).toEqual({
      Id: uuid,
      Created,
      URI: 'https://demo.example',
      PolicyId,
      PolicyType: 'Privacy',
      Version: '1',
      ConsentGiven: true,
      ClientId,
    });
    const [event] = await eventsOf(ClientId);
    expect(event).toMatchObject({
      kind: 1,
      before: 0,
      after: 2,
      actor: 'subject',
      source: 'policyconsent',
      detail: { version: '1', language: 'pt-BR', text_hash: textHash('<p>b</p>') },
    });
    expect(JSON.parse(event?.evidence ?? '')).toEqual({
      ip: '127.0.0.1',
      user_agent: 'test/1',
      origin: 'https://demo.example',
      city: null,
      state: null,
      country: null,
      uri: 'https://demo.example',
      domain_id: 'shop',
    });
  });

  it('leads the same claim to the same ClientId, and nobody to one that is drawn', async () => {
    const PolicyId = await routes.createPublished();
    const CustomUserId = newUserId();
    const [one, same, nobody, other] = await Promise.all([
      routes.post({ PolicyId, CustomUserId }),
      routes.post({ PolicyId, CustomUserId, ConsentGiven: false }),
      routes.post({ PolicyId }),
      routes.post({ PolicyId }),
    ]);
    expect(clientIdOf(same)).toBe(clientIdOf(one));
    expect(new Set([one, nobody, other].map(clientIdOf)).size).toBe(3);
  });

  it('appends each, and says of each what it changed', async () => {
    const PolicyId = await routes.createPublished();
    const CustomUserId = newUserId();
    let ClientId = '';
    for (const ConsentGiven of [false, false, true, true, false])
      ClientId = clientIdOf(await routes.post({ PolicyId, CustomUserId, ConsentGiven }));
    expect((await eventsOf(ClientId)).map(({ kind, before, after }) => [kind, before, after])).toEqual([
      [10, 0, 1],
      [4, 1, 1],
      [1, 1, 2],
      [4, 2, 2],
      [3, 2, 1],
    ]);
    const records = await routes.read({ PolicyId, CustomUserId });
    expect(records.as<{ ConsentGiven: boolean }[]>().map(({ ConsentGiven }) => ConsentGiven)).toEqual([
      false,
      true,
      true,
      false,
      false,
    ]);
  });

  it('answers a repeat with its Idempotency-Key alike, to the same sender alone', async () => {
    const PolicyId = await routes.createPublished();
    const headers = { 'idempotency-key': 'policy-1' };
    const first = await routes.post({ PolicyId }, { headers });
    const again = await routes.post({ PolicyId }, { headers });
    expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([
      201,
      first.text,
      'true',
    ]);
    expect(await eventsOf(clientIdOf(first))).toHaveLength(1);
    const other = await routes.post({ PolicyId, ConsentGiven: false }, { headers });
    expectProblem(other, 422, errorText.keyReused);
    const operator = await routes.post({ PolicyId }, { headers, token: writer });
    expect(clientIdOf(operator)).not.toBe(clientIdOf(first));
    // What is refused uses up no key.
    const refused = { 'idempotency-key': 'policy-2' };
    expect((await routes.post({ PolicyId, Version: 'none' }, { headers: refused })).status).toBe(404);
    expect((await routes.post({ PolicyId }, { headers: refused })).status).toBe(201);
  });

  it.each([
    [{ PolicyId: undefined }, 'PolicyId', errorText.notAText('PolicyId')],
    [{ PolicyId: 5 }, 'PolicyId', errorText.notAText('PolicyId')],
    [{ ConsentGiven: 'true' }, 'ConsentGiven', errorText.notABoolean('ConsentGiven')],
    [{ ConsentGiven: null }, 'ConsentGiven', errorText.notABoolean('ConsentGiven')],
    [{ Language: undefined }, 'Language', errorText.notALanguage('Language')],
    [{ Language: 'e' }, 'Language', errorText.notALanguage('Language')],
    [{ CustomUserId: '' }, 'CustomUserId', errorText.tooShort('CustomUserId')],
    [{ CustomUserId: 'x'.repeat(257) }, 'CustomUserId', errorText.tooLong('CustomUserId', 256)],
    [{ ClientId: 'jane@example.com' }, 'ClientId', errorText.badClientId],
    [{ ClientId: 'AB'.repeat(31) }, 'ClientId', errorText.badClientId],
    [{ ClientId: null }, 'ClientId', errorText.badClientId],
    [{ URI: 'x'.repeat(2001) }, 'URI', errorText.tooLong('URI', 2000)],
    [{ DomainId: 7 }, 'DomainId', errorText.notAText('DomainId')],
    [{ Version: '' }, 'Version', errorText.tooShort('Version')],
    [{ OSVersion: null }, 'OSVersion', errorText.notAText('OSVersion')],
    [{ policyId: 'small letters' }, 'policyId', errorText.unknownKey('policyId')],
  ])('refuses %j and changes nothing', async (body, field, text) => {
    const PolicyId = await routes.createPublished();
    const before = await app.countRows();
    expectProblem(await routes.post({ PolicyId, ...body }), 400, text, policyPath, field);
    expect(await app.countRows()).toEqual(before);
  });

  it('finds no policy, ClientId or brand where there is none, and changes nothing', async () => {
    const PolicyId = await routes.createPublished();
    const elsewhere = await routes.createPublished('1', { brandId: 2 });
    const foreign = clientIdOf(await routes.post({ PolicyId: elsewhere }));
    const draft = await routes.create();
    const before = await app.countRows();
    for (const id of [unknownPolicyId, 'terms'])
      expectProblem(await routes.post({ PolicyId: id }), 404, errorText.noSuchPolicy);
    expectProblem(await routes.post({ PolicyId: draft }), 404, errorText.nothingInForce);
    for (const ClientId of [unknownClientId, foreign])
      expectProblem(await routes.post({ PolicyId, ClientId }), 404, errorText.noSuchClientId);
    const CustomUserId = newUserId();
    const both = await routes.post({ PolicyId, ClientId: unknownClientId, CustomUserId });
    expectProblem(both, 404, errorText.noSuchClientId);
    expectProblem(await routes.post({ PolicyId }, { token: otherBrandKey }), 404, errorText.noSuchPolicy);
    expect(await app.countRows()).toEqual(before);
  });

  it('refuses CustomUserIds that nobody vouches for where the brand wants that', async () => {
    const PolicyId = await routes.createPublished();
    await app.call('PATCH', '/api/brands/1', { body: { webCustomUserId: false } });
    const refused = await routes.post({ PolicyId, CustomUserId: newUserId() });
    const nobody = await routes.post({ PolicyId });
    const operator = await routes.post({ PolicyId, CustomUserId: newUserId() }, { token: writer });
    await app.call('PATCH', '/api/brands/1', { body: { webCustomUserId: true } });
    expectProblem(refused, 400, errorText.webCustomUserId, policyPath, 'CustomUserId');
    expect([nobody.status, operator.status]).toEqual([201, 201]);
  });

  it('checks a credential that comes with it', async () => {
    const PolicyId = await routes.createPublished();
    const before = await app.countRows();
    const wrong = await routes.post({ PolicyId }, { token: 'wrong' });
    expectProblem(wrong, 401, errorText.unauthorized);
    const lacking = await routes.post({ PolicyId }, { token: reader });
    expectProblem(lacking, 403, errorText.lacksScope('policy:write'));
    expect(await app.countRows()).toEqual(before);
    await app.call('PUT', '/internal/players/1001', { body: {} });
    const session = await app.openSession('1001');
    const player = await routes.post({ PolicyId }, { token: session.auth_token });
    expect(player.status).toBe(201);
    expect((await eventsOf(clientIdOf(player)))[0]?.actor).toBe('subject');
  });
});

describe('POST /api/policyconsent from an app', () => {
  it('records the app’s fields too', async () => {
    const PolicyId = await routes.createPublished('1', { name: 'Cookies', type: 'Cookie' });
    const CustomUserId = newUserId();
    const answer = await routes.postMobile(
      { PolicyId, CustomUserId, URI: 'settings/privacy' },
      { token: writer },
    );
    expect(answer.status).toBe(201);
    const { Created, ClientId } = answer.as<{ Created: string; ClientId: string }>();
    const record = await routes.read({ ClientId, PolicyId }, { token: reader });
    expect([record.status, record.json]).toEqual([
      200,
      {
        Id: uuid,
        Created,
        ConsentGiven: true,
        URI: 'settings/privacy',
        PolicyName: 'Cookies',
        PolicyType: 'Cookie',
        PolicyId,
        PolicyVersion: '1',
        CustomUserId,
        ClientId,
      },
    ]);
    expect(record.headers['cache-control']).toBe('no-store');
    const listed = await routes.read({ PolicyId }, { token: reader });
    expect(listed.json).toMatchObject([
      { Fingerprint: { ClientSessionId: 'session-1', DeviceManufacturer: 'Acme', SDKVersion: '1.2.3' } },
    ]);
    const [event] = await eventsOf(ClientId);
    expect(JSON.parse(event?.evidence ?? '')).toMatchObject({ client_session_id: 'session-1' });
  });

  it.each(Object.entries(mobileFields))('needs a credential for %s', async (name, value) => {
    const PolicyId = await routes.createPublished();
    const post = (token: string | null) => routes.post({ PolicyId, [name]: value }, { token });
    const before = await app.countRows();
    expectProblem(await post(null), 401, errorText.unauthorized);
    expectProblem(await post('wrong'), 401, errorText.unauthorized);
    expectProblem(await post(reader), 403, errorText.lacksScope('policy:write'));
    expectProblem(await post(otherBrandKey), 404, errorText.noSuchPolicy);
    expect(await app.countRows()).toEqual(before);
    const session = await app.openSession('1001');
    expectProblem(await post(session.auth_token), 403, errorText.forbidden);
    expect((await post(writer)).status).toBe(201);
  });
});

describe('the version', () => {
  it('is the current one where none is given, and marked as assumed', async () => {
    const PolicyId = await routes.createPublished();
    const assumed = clientIdOf(await routes.post({ PolicyId }));
    const named = clientIdOf(await routes.post({ PolicyId, Version: '1' }));
    expect((await recordOf(assumed, PolicyId)).Version).toBe('1');
    expect((await eventsOf(assumed))[0]?.detail).toEqual({
      version: '1',
      language: 'en',
      text_hash: textHash('<p>Version 1</p>'),
      assumed: true,
    });
    expect((await eventsOf(named))[0]?.detail).not.toHaveProperty('assumed');
  });

  it('may not be one that was superseded: nobody agrees to what they did not see', async () => {
    const PolicyId = await routes.createPublished('1');
    await routes.publish(PolicyId, '2', { isMaterial: false });
    const before = await app.countRows();
    const answer = await routes.post({ PolicyId, Version: '1' });
    expectProblem(answer, 409, errorText.oldVersion('1', '2'));
    expect(await app.countRows()).toEqual(before);
    expect((await routes.post({ PolicyId, Version: '2' })).status).toBe(201);
  });

  it('must be published', async () => {
    const PolicyId = await routes.createPublished('1');
    await routes.draft(PolicyId, '2');
    for (const ConsentGiven of [true, false])
      for (const Version of ['2', 'none']) {
        const answer = await routes.post({ PolicyId, Version, ConsentGiven });
        expectProblem(answer, 404, errorText.notPublished(Version));
      }
  });

  it('never stands in the way of a withdrawal', async () => {
    const PolicyId = await routes.createPublished('1');
    await routes.publish(PolicyId, '2');
    const ClientId = clientIdOf(await routes.post({ PolicyId, Version: '2' }));
    expect(await given(ClientId, PolicyId)).toBe(yes);
    const answer = await routes.post({ PolicyId, ClientId, Version: '1', ConsentGiven: false });
    expect(answer.status).toBe(201);
    expect(await recordOf(ClientId, PolicyId)).toMatchObject({ Version: '1', ConsentGiven: false });
    expect(await given(ClientId, PolicyId)).toBe(no);
  });

  it('may be accepted ahead of its effective date', async () => {
    const PolicyId = await routes.createPublished('1');
    const at = soon();
    await routes.publish(PolicyId, '2', { effectiveFrom: at });
    const ClientId = clientIdOf(await routes.post({ PolicyId, Version: '2' }));
    const other = clientIdOf(await routes.post({ PolicyId }));
    expect(await given(ClientId, PolicyId)).toBe(no);
    expect(await given(ClientId, PolicyId, '2')).toBe(yes);
    expect(await given(other, PolicyId)).toBe(yes);
    expect((await recordOf(other, PolicyId)).Version).toBe('1');
    await until(at);
    expect(await given(ClientId, PolicyId)).toBe(yes);
    expect(await given(other, PolicyId)).toBe(no);
    expect((await routes.text({ PolicyId })).json).toMatchObject({ Version: '2' });
    expectProblem(await routes.post({ PolicyId, Version: '1' }), 409, errorText.oldVersion('1', '2'));
  });

  it('that is published first may be accepted before it takes effect', async () => {
    const PolicyId = await routes.create();
    await routes.publish(PolicyId, '1', { effectiveFrom: nextYear });
    expectProblem(await routes.post({ PolicyId }), 404, errorText.nothingInForce);
    const answer = await routes.post({ PolicyId, Version: '1' });
    expect(answer.status).toBe(201);
    expect(await given(clientIdOf(answer), PolicyId)).toBe(no);
    expect(await given(clientIdOf(answer), PolicyId, '1')).toBe(yes);
  });

  it('is told from another that takes effect at the same instant', async () => {
    const PolicyId = await routes.createPublished('1');
    const effectiveFrom = soon();
    await routes.publish(PolicyId, '2', { effectiveFrom });
    const early = clientIdOf(await routes.post({ PolicyId, Version: '2' }));
    // A correction, which everybody is asked about.
    await routes.publish(PolicyId, '3', { effectiveFrom });
    await until(effectiveFrom);
    expect((await routes.text({ PolicyId })).json).toMatchObject({ Version: '3' });
    expect(await given(early, PolicyId)).toBe(no);
  });

  it('keeps its texts', async () => {
    const PolicyId = await routes.createPublished('1');
    for (const statement of [
      `insert into policy_texts (policy_id, brand_id, version, language, format, source, html, html_hash)
       values ($1, 1, '1', 'fr', 'html', '', '', '')`,
      `update policy_texts set html = '' where policy_id = $1`,
      'delete from policy_texts where policy_id = $1',
      'update policy_versions set is_material = false where policy_id = $1',
      'delete from policy_versions where policy_id = $1',
    ])
      await expect(app.sql(statement, [PolicyId])).rejects.toThrow('a published version never changes');
  });
});
