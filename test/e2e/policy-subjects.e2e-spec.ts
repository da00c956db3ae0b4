import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PolicyCatalogue } from '../../src/consents/policies/policy-catalogue.js';
import { PolicyConsentsService } from '../../src/consents/policies/policy-consents.service.js';
import { LedgerService } from '../../src/consents/ledger.service.js';
import { change, newPlayerId } from '../support/consents.js';
import { errorText, problem } from '../support/errors.js';
import { findLedgerFaults } from '../support/ledger.js';
import { policyPath, policyRoutes, type PrintedPolicyRecord, textHash } from '../support/policies.js';
import { type Answer, createTestApp, demoKey, type TestApp } from '../support/test-app.js';
import { clientIdOf, newUserId, universalRoutes } from '../support/universal.js';

interface TimelineEvent {
  Id: string;
  Type: string;
  Kind: string;
  Channel: string | null;
  Reference: string | null;
  ConsentType: string | null;
  Policy: unknown;
  Before: unknown;
  After: unknown;
  RecordedAt: string;
  Evidence: Record<string, unknown> | null;
}

const yes = '{"ConsentGiven":true}';
const no = '{"ConsentGiven":false}';
let app: TestApp;
let routes: ReturnType<typeof policyRoutes>;
let universal: ReturnType<typeof universalRoutes>;

beforeAll(async () => {
  app = await createTestApp();
  routes = policyRoutes(app);
  universal = universalRoutes(app);
});
afterAll(async () => {
  expect(await findLedgerFaults(app)).toEqual([]);
  await app?.close();
});

const given = async (ClientId: string, PolicyId: string) => (await routes.given({ ClientId, PolicyId })).text;
const recordOf = async (clientId: string, PolicyId: string) =>
  (await routes.record(clientId, { PolicyId }, { token: demoKey })).as<PrintedPolicyRecord>();
const timeline = async (clientId: string) => (await universal.timeline(clientId)).as<TimelineEvent[]>();
const operator = { token: demoKey };
const expectConflict = (answer: Answer) =>
  expect([answer.status, answer.text]).toEqual([409, problem(409, errorText.twoSubjects, policyPath)]);

describe('ClientId and CustomUserId', () => {
  it('may both be given where they are the same subject', async () => {
    const PolicyId = await routes.createPublished();
    for (const options of [{}, operator]) {
      const CustomUserId = newUserId();
      const ClientId = clientIdOf(await routes.post({ PolicyId, CustomUserId }, options));
      const answer = await routes.post({ PolicyId, CustomUserId, ClientId, ConsentGiven: false }, options);
      expect([answer.status, clientIdOf(answer)]).toEqual([201, ClientId]);
      expect(await given(ClientId, PolicyId)).toBe(no);
    }
  });

  it('are in conflict where they are not, and nothing changes', async () => {
    const PolicyId = await routes.createPublished();
    const CustomUserId = newUserId();
    const other = newUserId();
    const claim = clientIdOf(await routes.post({ PolicyId, CustomUserId }));
    const known = clientIdOf(await routes.post({ PolicyId, CustomUserId }, operator));
    await routes.post({ PolicyId, CustomUserId: other });
    const before = await app.countRows();
    for (const ClientId of [claim, known])
      for (const options of [{}, operator])
        for (const name of [other, newUserId()])
          expectConflict(await routes.post({ PolicyId, ClientId, CustomUserId: name }, options));
    // A claim is not the operator's subject of the same name.
    expectConflict(await routes.post({ PolicyId, ClientId: claim, CustomUserId }, operator));
    expectConflict(await routes.post({ PolicyId, ClientId: known, CustomUserId }));
    expect(await app.countRows()).toEqual(before);
  });

  it('of whom nobody knows yet become one: what either has said is read by both', async () => {
    const [PolicyId, OtherId] = [await routes.createPublished(), await routes.createPublished()];
    const nobody = clientIdOf(await routes.post({ PolicyId }));
    await routes.post({ PolicyId: OtherId, ClientId: nobody });
    const CustomUserId = newUserId();
    const known = clientIdOf(await routes.post({ PolicyId, CustomUserId, ConsentGiven: false }, operator));
    expect(await given(known, OtherId)).toBe(no);
    const both = await routes.post({ PolicyId, ClientId: nobody, CustomUserId }, operator);
    expect([both.status, clientIdOf(both)]).toEqual([201, known]);
    for (const ClientId of [nobody, known]) {
      expect([await given(ClientId, PolicyId), await given(ClientId, OtherId)]).toEqual([yes, yes]);
      expect(await recordOf(ClientId, OtherId)).toMatchObject({ ClientId, CustomUserId });
    }
    expect((await recordOf(nobody, OtherId)).Id).toBe((await recordOf(known, OtherId)).Id);
    // From now on the two are one, whichever is named.
    const later = await routes.post({ PolicyId, ClientId: nobody, ConsentGiven: false });
    expect([later.status, clientIdOf(later)]).toEqual([201, nobody]);
    expect([await given(nobody, PolicyId), await given(known, PolicyId)]).toEqual([no, no]);
    expect((await routes.post({ PolicyId, ClientId: nobody, CustomUserId }, operator)).status).toBe(201);
    expectConflict(await routes.post({ PolicyId, ClientId: nobody, CustomUserId: newUserId() }, operator));
    // The list finds everything by the name, as it was said.
    const listed = (await routes.read({ CustomUserId })).as<PrintedPolicyRecord[]>();
    expect(listed.map((record) => [record.PolicyId, record.ClientId, record.CustomUserId])).toEqual([
      [PolicyId, known, CustomUserId],
      [PolicyId, known, CustomUserId],
      [PolicyId, known, CustomUserId],
      [PolicyId, known, CustomUserId],
      [OtherId, nobody, CustomUserId],
      [PolicyId, nobody, CustomUserId],
    ]);
  });

  it('link nobody to a claim without a credential, and never to the operator’s subject', async () => {
    const PolicyId = await routes.createPublished();
    const CustomUserId = newPlayerId();
    await app.call('POST', `/userconsents/${CustomUserId}`, { body: { consents: change('email', true) } });
    const player = clientIdOf(await routes.post({ PolicyId, CustomUserId }, operator));
    const nobody = clientIdOf(await routes.post({ PolicyId, ConsentGiven: false }));
    const claim = clientIdOf(
      await routes.post({ PolicyId, ClientId: nobody, CustomUserId, ConsentGiven: false }),
    );
    expect(claim).not.toBe(player);
    expect([await given(nobody, PolicyId), await given(player, PolicyId)]).toEqual([no, yes]);
    expectConflict(await routes.post({ PolicyId, ClientId: nobody, CustomUserId }, operator));
    expect(await timeline(player)).toHaveLength(2);
    expect(await timeline(claim)).toHaveLength(2);
  });
});

describe('at once', () => {
  it('sixteen first uses make one subject', async () => {
    const PolicyId = await routes.createPublished();
    for (const options of [{}, operator]) {
      const CustomUserId = newUserId();
      const answers = await Promise.all(
        Array.from({ length: 16 }, () => routes.post({ PolicyId, CustomUserId }, options)),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      expect(new Set(answers.map(clientIdOf)).size).toBe(1);
      expect(await timeline(clientIdOf(answers[0] as Answer))).toHaveLength(16);
    }
  });

  it('two names for nobody: one gets it, the other is in conflict', async () => {
    const PolicyId = await routes.createPublished();
    for (let turn = 0; turn < 5; turn++) {
      const ClientId = clientIdOf(await routes.post({ PolicyId }));
      const names = Array.from({ length: 6 }, newUserId);
      const answers = await Promise.all(
        names.map((CustomUserId) => routes.post({ PolicyId, ClientId, CustomUserId }, operator)),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
    }
  });

  it('writers who name subjects crosswise do not wait for each other', async () => {
    const PolicyId = await routes.createPublished();
    const names = [newUserId(), newUserId()];
    const ids: string[] = [];
    for (const CustomUserId of names) ids.push(clientIdOf(await routes.post({ PolicyId, CustomUserId })));
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, turn) =>
        routes.post({ PolicyId, ClientId: ids[turn % 2], CustomUserId: names[(turn + 1) % 2] }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([409]));
  });

  it('writers of every kind keep one chain', async () => {
    const PolicyId = await routes.createPublished();
    const OtherId = await routes.createPublished();
    const CustomUserId = newPlayerId();
    const nobodies = await Promise.all(
      Array.from({ length: 4 }, async () => clientIdOf(await routes.post({ PolicyId }))),
    );
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, turn) => {
        const ConsentGiven = turn % 2 === 0;
        if (turn % 5 === 0)
          return app.call('POST', `/userconsents/${CustomUserId}`, {
            body: { consents: change('sms', ConsentGiven) },
          });
        if (turn % 5 === 1) return universal.post({ CustomUserId, Reference: `r${turn % 2}` });
        const id = turn % 3 ? PolicyId : OtherId;
        const ClientId = nobodies[turn % 4];
        if (turn % 5 === 2)
          return routes.post({ PolicyId: id, ClientId, CustomUserId, ConsentGiven }, operator);
        if (turn % 5 === 3) return routes.post({ PolicyId: id, ClientId, ConsentGiven });
        return routes.post({ PolicyId: id, CustomUserId, ConsentGiven }, operator);
      }),
    );
    expect(answers.map(({ status }) => status).filter((status) => status !== 201 && status !== 200)).toEqual(
      [],
    );
    expect(await findLedgerFaults(app)).toEqual([]);
    const report = await app.nest.get(LedgerService, { strict: false }).verify();
    expect(report).toMatchObject({ brokenLinks: 0, gaps: 0, differingStates: 0, alteredEvidence: 0 });
  });
});

describe('a player named by a service client', () => {
  it('has one timeline of marketing, universal and policy consents', async () => {
    const PolicyId = await routes.createPublished('1', { type: 'Privacy' });
    const player = newPlayerId();
    await app.call('POST', `/userconsents/${player}`, { body: { consents: change('email', true) } });
    await universal.post({ CustomUserId: player });
    const ClientId = clientIdOf(await routes.post({ PolicyId, CustomUserId: player }, operator));
    await routes.post({ PolicyId, ClientId, Version: '1', ConsentGiven: false, DomainId: 'shop' });
    const events = await timeline(ClientId);
    expect(events.map(({ Id, Type, Kind }) => [Id, Type, Kind])).toEqual([
      [`${player}:4`, 'policy', 'withdrawn'],
      [`${player}:3`, 'policy', 'granted'],
      [`${player}:2`, 'universal', 'granted'],
      [`${player}:1`, 'marketing', 'granted'],
    ]);
    const text = { Version: '1', Language: 'en', TextHash: textHash('<p>Version 1</p>') };
    expect(events[0]).toMatchObject({
      Channel: null,
      Reference: PolicyId,
      ConsentType: 'Privacy',
      Policy: { ...text, Assumed: false },
      Before: { ConsentGiven: true },
      After: { ConsentGiven: false },
      Evidence: { domain_id: 'shop', ip: '127.0.0.1' },
    });
    expect(events[1]).toMatchObject({
      Policy: { ...text, Assumed: true },
      Before: null,
      After: { ConsentGiven: true },
    });
    expect(events[2]).toMatchObject({ Policy: null });
    const history = (await app.call('GET', `/userconsents/${player}/history`)).as<{ events: unknown[] }>();
    expect(history.events).toHaveLength(1);
  });

  it('is not made a player by accepting a policy', async () => {
    const PolicyId = await routes.createPublished();
    const player = newPlayerId();
    await routes.post({ PolicyId, CustomUserId: player }, operator);
    expect((await app.call('GET', `/userconsents/${player}`)).status).toBe(404);
  });
});

describe('the timeline', () => {
  it('shows what nobody did before it was known who that is, in pages, asked by either', async () => {
    const PolicyId = await routes.createPublished();
    const CustomUserId = newUserId();
    const known = clientIdOf(await routes.post({ PolicyId, CustomUserId }, operator));
    const nobodies: string[] = [];
    for (let turn = 0; turn < 3; turn++) nobodies.push(clientIdOf(await universal.post({})));
    for (let turn = 0; turn < 12; turn++) {
      const ClientId = nobodies[turn % 4] ?? known;
      await routes.post({ PolicyId, ClientId, ConsentGiven: turn % 2 === 0 });
    }
    expect(await timeline(known)).toHaveLength(4);
    for (const ClientId of nobodies) await routes.post({ PolicyId, ClientId, CustomUserId }, operator);
    const whole = await timeline(known);
    expect(whole).toHaveLength(1 + 3 + 12 + 3);
    const times = whole.map(({ RecordedAt }) => RecordedAt);
    expect(times).toEqual([...times].sort().reverse());
    expect(new Set(whole.map(({ Id }) => Id.split(':')[0])).size).toBe(4);
    for (const asked of [known, ...nobodies])
      for (const limit of [1, 4, 7]) {
        const paged: TimelineEvent[] = [];
        let path: string | undefined = `/api/subjects/${asked}/timeline?limit=${limit}`;
        while (path !== undefined) {
          const page = await app.call('GET', path);
          paged.push(...page.as<TimelineEvent[]>());
          path = /^<([^>]+)>; rel="next"$/.exec(String(page.headers.link ?? ''))?.[1];
        }
        expect(paged).toEqual(whole);
      }
  });

  it('tells apart events of one instant, whatever stream they are of', async () => {
    const PolicyId = await routes.createPublished();
    const nobody = clientIdOf(await routes.post({ PolicyId }));
    const CustomUserId = newPlayerId();
    const known = clientIdOf(await routes.post({ PolicyId, CustomUserId }, operator));
    await app.call('POST', `/userconsents/${CustomUserId}`, {
      body: { consents: ['email', 'sms', 'telephone'].map((type) => change(type, true)) },
    });
    await routes.post({ PolicyId, ClientId: nobody, CustomUserId }, operator);
    const whole = (await timeline(known)).map(({ Id }) => Id);
    expect(whole).toHaveLength(6);
    const paged: string[] = [];
    let path: string | undefined = `/api/subjects/${nobody}/timeline?limit=1`;
    while (path !== undefined) {
      const page = await app.call('GET', path);
      paged.push(...page.as<TimelineEvent[]>().map(({ Id }) => Id));
      path = /^<([^>]+)>; rel="next"$/.exec(String(page.headers.link ?? ''))?.[1];
    }
    expect(paged).toEqual(whole);
  });

  it('keeps which text it was when evidence is erased, and the ledger holds', async () => {
    const PolicyId = await routes.createPublished();
    const ClientId = clientIdOf(await routes.post({ PolicyId, CustomUserId: newUserId() }, operator));
    await app.sql(
      `delete from event_evidence v using subjects s where s.client_id = $1 and v.player_id = s.player_id`,
      [Buffer.from(ClientId, 'hex')],
    );
    expect(await timeline(ClientId)).toEqual([
      expect.objectContaining({
        Reference: PolicyId,
        Policy: { Version: '1', Language: 'en', TextHash: textHash('<p>Version 1</p>'), Assumed: true },
        Evidence: { erased: true },
      }),
    ]);
    const report = await app.nest.get(LedgerService, { strict: false }).verify(1);
    expect(report).toMatchObject({ differingStates: 0, erasedEvidence: 1 });
  });
});

describe('who must be asked again', () => {
  it('is answered for many subjects at once', async () => {
    const PolicyId = await routes.createPublished('1');
    const ids: string[] = [];
    for (const ConsentGiven of [true, false, true])
      ids.push(clientIdOf(await routes.post({ PolicyId, ConsentGiven })));
    const CustomUserId = newUserId();
    const known = clientIdOf(await routes.post({ PolicyId, ClientId: ids[2], CustomUserId }, operator));
    const elsewhere = await routes.createPublished('1', { brandId: 2 });
    const foreign = clientIdOf(await routes.post({ PolicyId: elsewhere }));
    const service = app.nest.get(PolicyConsentsService, { strict: false });
    const catalogue = app.nest.get(PolicyCatalogue, { strict: false });
    const ask = async (id: string) =>
      service.areGiven(
        await catalogue.get(id),
        [...ids, known, foreign, 'AB'.repeat(32)].map((text) => Buffer.from(text, 'hex')),
      );
    expect(await ask(PolicyId)).toEqual([true, false, true, true, false, false]);
    expect(await ask(elsewhere)).toEqual([false, false, false, false, true, false]);
    await routes.publish(PolicyId, '2');
    expect(await ask(PolicyId)).toEqual([false, false, false, false, false, false]);
    await routes.post({ PolicyId, ClientId: known });
    expect(await ask(PolicyId)).toEqual([false, false, true, true, false, false]);
    expect(await ask(await routes.create())).toEqual([false, false, false, false, false, false]);
    expect(await service.areGiven(await catalogue.get(PolicyId), [])).toEqual([]);
  });
});

describe('the ledger’s proof', () => {
  it('finds a consent to a policy that is not what its event says', async () => {
    const PolicyId = await routes.createPublished();
    const ClientId = clientIdOf(await routes.post({ PolicyId }));
    const ledger = app.nest.get(LedgerService, { strict: false });
    expect((await ledger.verify(1)).differingStates).toBe(0);
    const key = [Buffer.from(ClientId, 'hex')];
    await app.sql('update policy_consents set is_given = false where client_id = $1', key);
    expect((await ledger.verify(1)).differingStates).toBe(1);
    expect(await findLedgerFaults(app)).toHaveLength(1);
    await app.sql('update policy_consents set is_given = true where client_id = $1', key);
    expect((await ledger.verify(1)).differingStates).toBe(0);
    expect((await ledger.verify(2)).differingStates).toBe(0);
  });
});
