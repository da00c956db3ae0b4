import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { change, newPlayerId } from '../support/consents.js';
import { crmError, errorText, problem } from '../support/errors.js';
import { findLedgerFaults } from '../support/ledger.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';
import { clientIdOf, newUserId, type UniversalRecord, universalRoutes } from '../support/universal.js';

interface TimelineEvent {
  Id: string;
  Type: string;
  Kind: string;
  Channel: string | null;
  Reference: string | null;
  ConsentType: string | null;
  Before: unknown;
  After: unknown;
  Actor: string;
  Source: string;
  Evidence: Record<string, unknown> | null;
}

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

const timeline = async (clientId: string, query = '') =>
  (await routes.timeline(clientId, query)).as<TimelineEvent[]>();
const optIn = (player: string, products?: string[]) =>
  app.call('POST', `/userconsents/${player}`, { body: { consents: change('email', true, products) } });

describe('a player named by a service client', () => {
  it('is one subject: marketing and universal consents stand on one timeline, in one sequence', async () => {
    const player = newPlayerId();
    await optIn(player, ['casino']);
    const ClientId = clientIdOf(
      await routes.post(
        { CustomUserId: player, Metadata: '{"a":1}' },
        { headers: { 'user-agent': 'test/1' } },
      ),
    );
    await app.call('PUT', `/internal/players/${player}/blocks`, {
      body: { blocked: { active: true, note: 'x' } },
    });
    await routes.patch({ ClientId, Reference: 'callback', ConsentGiven: 'None' });
    const events = await timeline(ClientId);
    expect(events.map(({ Id, Type, Kind }) => [Id, Type, Kind])).toEqual([
      [`${player}:4`, 'universal', 'withdrawn'],
      [`${player}:3`, 'block', 'block_started'],
      [`${player}:2`, 'universal', 'granted'],
      [`${player}:1`, 'marketing', 'granted'],
    ]);
    expect(events[1]).toMatchObject({
      Channel: 'blocked',
      Before: { Active: false },
      After: { Active: true },
    });
    expect(events[2]).toMatchObject({
      Channel: null,
      Reference: 'callback',
      ConsentType: 'Call',
      Before: null,
      After: { ConsentGiven: 'All' },
      Actor: 'client:demo',
      Source: 'universalconsent',
      Evidence: {
        ip: '127.0.0.1',
        user_agent: 'test/1',
        metadata: '{"a":1}',
        consent_type: 'Call',
        uri: null,
      },
    });
    expect(events[3]).toMatchObject({
      Channel: 'email',
      Reference: null,
      Before: { OptedIn: false },
      After: { OptedIn: true, Products: ['casino'] },
    });
  });

  it('keeps the other doors as they were: their histories know nothing of universal consents', async () => {
    const player = newPlayerId();
    await optIn(player);
    await routes.post({ CustomUserId: player });
    const history = (await app.call('GET', `/userconsents/${player}/history`)).as<{ events: unknown[] }>();
    expect(history.events).toHaveLength(1);
    const at = await app.call('GET', `/userconsents/${player}?at=${new Date().toISOString()}`);
    expect(at.status).toBe(200);
    expect((await app.call('GET', `/userconsents/${player}/decision?channel=email`)).json).toMatchObject({
      allowed: true,
    });
  });

  it('is not made a player by a universal consent, and goes on in the same sequence once it is one', async () => {
    const player = newPlayerId();
    const ClientId = clientIdOf(await routes.post({ CustomUserId: player }));
    const unknown = crmError(404, errorText.userNotFound);
    for (const path of [
      `/userconsents/${player}`,
      `/userconsents/${player}/history`,
      `/userblocks/${player}`,
    ])
      expect((await app.call('GET', path)).text).toBe(unknown);
    const session = await app.call('POST', '/internal/sessions', { body: { player_id: player } });
    expect(session.status).toBe(404);
    await optIn(player);
    await routes.post({ CustomUserId: player, ConsentGiven: 'None' });
    expect((await app.call('GET', `/userconsents/${player}`)).status).toBe(200);
    expect((await timeline(ClientId)).map(({ Id }) => Id)).toEqual([
      `${player}:3`,
      `${player}:2`,
      `${player}:1`,
    ]);
  });

  it.each([
    [
      'a block',
      (id: string) =>
        app.call('PUT', `/internal/players/${id}/blocks`, { body: { blocked: { active: true, note: '' } } }),
    ],
    [
      'the operator',
      (id: string) => app.call('PUT', `/internal/players/${id}`, { body: { origin: 'demo.example' } }),
    ],
    [
      'an import',
      (id: string) =>
        app.call('POST', '/userconsents/import?format=csv', {
          headers: { 'content-type': 'text/csv' },
          body: `player_id,channel,opted_in,products,occurred_at,source\n${id},email,true,,2026-01-31T12:00:00Z,x\n`,
        }),
    ],
  ])('becomes a player through %s', async (_door, introduce) => {
    const player = newPlayerId();
    await routes.post({ CustomUserId: player });
    expect((await introduce(player)).status).toBe(200);
    expect((await app.call('GET', `/userconsents/${player}`)).status).toBe(200);
  });

  it('keeps one chain under writers of both kinds at once', async () => {
    const player = newPlayerId();
    const CustomUserId = player;
    await Promise.all(
      Array.from({ length: 48 }, (_, turn) => {
        if (turn % 3 === 0)
          return app.call('POST', `/userconsents/${player}`, {
            body: { consents: change('sms', turn % 2 === 0) },
          });
        return routes.post({
          CustomUserId,
          Reference: `r${turn % 2}`,
          ConsentGiven: turn % 4 ? 'All' : 'None',
        });
      }),
    );
    expect(await findLedgerFaults(app)).toEqual([]);
  });
});

describe('a stranger', () => {
  const strangersWord = (body: object): Promise<Answer> => routes.claim(body);

  it.each(['a player’s id', 'an e-mail address'])(
    'who knows %s reaches nothing of its owner',
    async (kind) => {
      const CustomUserId = kind === 'an e-mail address' ? newUserId() : newPlayerId();
      if (kind !== 'an e-mail address') await optIn(CustomUserId);
      const owner = clientIdOf(await routes.post({ CustomUserId, ConsentGiven: 'Partial' }));
      const before = (await routes.get(owner)).text;
      const claim = await strangersWord({ CustomUserId, ConsentGiven: 'None' });
      expect(claim.status).toBe(201);
      expect(clientIdOf(claim)).not.toBe(owner);
      expect((await routes.get(owner)).text).toBe(before);
      expect((await routes.given(clientIdOf(claim), 'callback')).json).toEqual({ ConsentGiven: 'None' });
      const events = await timeline(owner);
      expect(events.filter(({ Type }) => Type === 'universal')).toHaveLength(1);
      expect(events.map(({ Actor }) => Actor)).not.toContain('integration:int_demo');
      expect(await timeline(clientIdOf(claim))).toHaveLength(1);
      // The operator finds both, and can tell them apart.
      const found = (await routes.list({ CustomUserId })).as<{ ClientId: string }[]>();
      expect(found.map(({ ClientId }) => ClientId).sort()).toEqual([owner, clientIdOf(claim)].sort());
    },
  );

  it('is led to the same claim again, and sees nothing personal of it', async () => {
    const CustomUserId = newUserId();
    const first = await strangersWord({ CustomUserId });
    const again = await strangersWord({ CustomUserId, ConsentGiven: 'None' });
    expect(again.text).toBe(first.text);
    expect((await routes.get(clientIdOf(first))).text).not.toContain(CustomUserId);
    expect((await routes.get(clientIdOf(first), undefined, { token: otherBrandKey })).status).toBe(404);
  });

  it('is told nothing by an integration that is not there, nor under another brand’s credential', async () => {
    const body = { ConsentGiven: 'All', Reference: 'callback', ConsentType: 'Call' };
    const call = (id: string, token: string | null) =>
      app.call('POST', `/api/universalconsent/integration/${id}`, { token, body });
    for (const [id, token] of [
      ['int_unknown', null],
      ['x'.repeat(200), null],
      ['int_demo', otherBrandKey],
    ] as const) {
      const answer = await call(id, token);
      expect([answer.status, answer.text]).toEqual([
        404,
        problem(404, errorText.noSuchIntegration, `/api/universalconsent/integration/${id}`),
      ]);
    }
    expect((await call('int_demo', 'wrong')).status).toBe(401);
  });
});

describe('an integration', () => {
  it('takes a service client’s word for the operator’s, where it may write', async () => {
    const CustomUserId = newUserId();
    const owner = clientIdOf(await routes.post({ CustomUserId }));
    const writer = await app.createClient(['universal:write']);
    const reader = await app.createClient(['universal:read']);
    expect(clientIdOf(await routes.claim({ CustomUserId }, { token: writer.key }))).toBe(owner);
    const refused = await routes.claim({ CustomUserId }, { token: reader.key });
    expect([refused.status, refused.json]).toEqual([
      403,
      expect.objectContaining({ detail: errorText.lacksScope('universal:write') }),
    ]);
  });

  it('may be closed to CustomUserIds that nobody vouches for', async () => {
    await app.call('PATCH', '/api/brands/1', { body: { webCustomUserId: false } });
    const path = '/api/universalconsent/integration/int_demo';
    const refused = await routes.claim({ CustomUserId: newUserId() });
    expect([refused.status, refused.text]).toEqual([
      400,
      problem(400, errorText.webCustomUserId, path, 'CustomUserId'),
    ]);
    expect((await routes.claim({})).status).toBe(201);
    expect((await routes.claim({ CustomUserId: newUserId() }, { token: 'demo-service-key' })).status).toBe(
      201,
    );
    await app.call('PATCH', '/api/brands/1', { body: { webCustomUserId: true } });
  });

  it('is for pages of its origins', async () => {
    const made = await app.call('POST', '/api/integrations', {
      body: { Name: 'shop', Origins: ['https://shop.example'] },
    });
    const { Id } = made.as<{ Id: string }>();
    const body = { ConsentGiven: 'All', Reference: 'callback', ConsentType: 'Call' };
    const call = (headers: Record<string, string>) =>
      app.call('POST', `/api/universalconsent/integration/${Id}`, { token: null, body, headers });
    expect((await call({ origin: 'https://shop.example' })).status).toBe(201);
    expect((await call({})).status).toBe(201);
    const refused = await call({ origin: 'https://elsewhere.example' });
    expect([refused.status, refused.text]).toEqual([
      403,
      problem(403, errorText.integrationOrigin, `/api/universalconsent/integration/${Id}`),
    ]);
    await app.call('DELETE', `/api/integrations/${Id}`);
    expect((await call({})).status).toBe(404);
  });

  it('gives an Idempotency-Key’s first answer to its own sender alone', async () => {
    const headers = { 'idempotency-key': 'claim-1' };
    const first = await routes.claim({}, { headers });
    const again = await routes.claim({}, { headers });
    expect([again.text, again.headers['idempotency-replayed']]).toEqual([first.text, 'true']);
    const operator = await routes.claim({}, { headers, token: 'demo-service-key' });
    expect(clientIdOf(operator)).not.toBe(clientIdOf(first));
  });
});

describe('the timeline', () => {
  it('comes in pages, newest first', async () => {
    const CustomUserId = newUserId();
    const ClientId = clientIdOf(await routes.post({ CustomUserId }));
    for (let turn = 0; turn < 4; turn++) await routes.post({ CustomUserId, Reference: `r${turn}` });
    const references: (string | null)[] = [];
    let path: string | undefined = `/api/subjects/${ClientId}/timeline?limit=2`;
    let pages = 0;
    while (path !== undefined) {
      const page = await app.call('GET', path);
      references.push(...page.as<TimelineEvent[]>().map(({ Reference }) => Reference));
      path = /^<([^>]+)>; rel="next"$/.exec(String(page.headers.link ?? ''))?.[1];
      pages++;
    }
    expect(pages).toBe(3);
    expect(references).toEqual(['r3', 'r2', 'r1', 'r0', 'callback']);
  });

  it('says when evidence has been erased, and is still the same chain', async () => {
    const ClientId = clientIdOf(await routes.post({ CustomUserId: newUserId(), ConsentType: 'Before' }));
    await routes.post({ CustomUserId: newUserId() });
    await app.sql(
      `delete from event_evidence v using subjects s where s.client_id = $1 and v.player_id = s.player_id`,
      [Buffer.from(ClientId, 'hex')],
    );
    expect(await timeline(ClientId)).toEqual([
      expect.objectContaining({ Evidence: { erased: true }, ConsentType: 'Before' }),
    ]);
  });

  it('is closed: to other brands, to other scopes, to nobody', async () => {
    const ClientId = clientIdOf(await routes.post({}));
    const writer = await app.createClient(['universal:write']);
    const path = (id: string) => `/api/subjects/${id}/timeline`;
    expect((await routes.timeline(ClientId, '', { token: null })).status).toBe(401);
    expect((await routes.timeline(ClientId, '', { token: writer.key })).status).toBe(403);
    for (const [id, token] of [
      [ClientId, otherBrandKey],
      ['AB'.repeat(32), undefined],
      ['nonsense', undefined],
    ] as const) {
      const answer = await routes.timeline(id, '', token === undefined ? {} : { token });
      expect([answer.status, answer.text]).toEqual([404, problem(404, errorText.noSuchSubject, path(id))]);
    }
    const cursor = await routes.timeline(ClientId, '?cursor=x');
    expect([cursor.status, cursor.text]).toEqual([
      400,
      problem(400, errorText.pageCursor, path(ClientId), 'cursor'),
    ]);
  });
});

describe('what is kept', () => {
  it('follows the brand’s setting on addresses, in record, list and evidence', async () => {
    await app.call('PATCH', '/api/brands/1', { body: { storeFullIp: false } });
    const ClientId = clientIdOf(await routes.post({ CustomUserId: newUserId() }));
    await app.call('PATCH', '/api/brands/1', { body: { storeFullIp: true } });
    const [row] = await app.sql<{ text: string }>(
      `select concat(u.ip, ' ', u.proxified_ip, ' ', v.evidence) as text from universal_consents u join subjects s using (client_id)
       join event_evidence v on v.player_id = s.player_id where u.client_id = $1`,
      [Buffer.from(ClientId, 'hex')],
    );
    expect(row?.text).toContain('127.0.0.0');
    expect(row?.text).not.toContain('127.0.0.1');
  });

  it('outlives the key that a ClientId was derived under', async () => {
    const CustomUserId = newUserId();
    const before = clientIdOf(await routes.post({ CustomUserId }));
    const environment = { SECRET_KEYS: 'a-new-key-of-some-length,development-only-secret-key' };
    const rotated = await createTestApp({ environment, database: app.database });
    expect(clientIdOf(await universalRoutes(rotated).post({ CustomUserId }))).toBe(before);
    await rotated.close();
    const record = (await routes.get(before)).as<UniversalRecord>();
    expect(record.LastUpdated > record.Created).toBe(true);
  });
});
