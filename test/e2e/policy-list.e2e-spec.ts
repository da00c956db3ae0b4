import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { errorText, problem } from '../support/errors.js';
import { mobileFields, policyPath, policyRoutes } from '../support/policies.js';
import { unknownPolicyId } from '../support/routes.js';
import { createTestApp, demoKey, otherBrandKey, type TestApp } from '../support/test-app.js';

interface Listed {
  Id: string;
  Created: string;
  PolicyId: string;
  ClientId: string;
  CustomUserId: string | null;
}

const records = 4000;
let app: TestApp;
let routes: ReturnType<typeof policyRoutes>;
let policies: string[];

beforeAll(async () => {
  app = await createTestApp();
  routes = policyRoutes(app);
  policies = [];
  for (let count = 0; count < 3; count++) {
    const id = await routes.create({ type: 'Cookie' });
    for (const version of ['v0', 'v1']) await routes.publish(id, version);
    policies.push(id);
  }
  // Many more than a page looks at first, of few values each, so that every combination of filters has to skip.
  await app.sql(
    `insert into subjects (client_id, brand_id, player_id, namespace, custom_user_id)
     select sha256(n::text::bytea), 1, '~' || n, 1 + n % 2, 'user' || n / 2 from generate_series(0, 99) n`,
  );
  await app.sql(
    `insert into policy_consents (id, brand_id, client_id, subject_id, policy_id, version, version_at, language, is_given, is_assumed,
       created_at, seq, domain_id, device_manufacturer, sdk_version, os_version, mobile_application_id)
     select gen_random_uuid(), 1, sha256((n % 100)::text::bytea), sha256((case n % 100 when 9 then 6 else n % 100 end)::text::bytea),
       ($2::uuid[])[1 + n % 3], 'v' || n / 3 % 2, now(), 'en', n % 4 > 0, false, now() - make_interval(mins => n / 2), 1,
       case when n % 5 > 0 then 'domain ' || n % 5 end, case when n % 7 > 0 then 'maker ' || n % 7 end,
       case when n % 2 > 0 then 'sdk ' || n % 11 end, case when n % 3 > 0 then 'os ' || n % 13 end, case when n % 6 > 0 then 'app ' || n % 6 end
     from generate_series(0, $1 - 1) n`,
    [records, policies],
  );
});
afterAll(() => app?.close());

async function readAll(query: Record<string, string | number>): Promise<Listed[]> {
  const all: Listed[] = [];
  let next: string | undefined = `${policyPath}?${new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString()}`;
  while (next !== undefined) {
    const page = await app.call('GET', next);
    expect(page.status).toBe(200);
    all.push(...page.as<Listed[]>());
    next = /^<([^>]+)>; rel="next"$/.exec(String(page.headers.link ?? ''))?.[1];
  }
  return all;
}

describe('GET /api/policyconsent', () => {
  it('prints a record with where it came from', async () => {
    const PolicyId = await routes.createPublished('1', { type: 'Privacy' });
    const created = await routes.postMobile(
      { PolicyId, CustomUserId: 'somebody@example.com', DomainId: 'printed', URI: 'a/screen' },
      { token: demoKey, headers: { 'user-agent': 'an app' } },
    );
    const { Created, ClientId } = created.as<{ Created: string; ClientId: string }>();
    const { MobileApplicationId: _application, ...sent } = mobileFields;
    const answer = await routes.read({ DomainId: 'printed' });
    expect(answer.json).toEqual([
      {
        Id: expect.any(String),
        Created,
        ConsentGiven: true,
        URI: 'a/screen',
        PolicyType: 'Privacy',
        PolicyId,
        Version: '1',
        CustomUserId: 'somebody@example.com',
        ClientId,
        Fingerprint: {
          IP: '127.0.0.1',
          ProxifiedIP: '127.0.0.0',
          UserAgent: 'an app',
          City: null,
          State: null,
          Country: null,
          ...sent,
        },
      },
    ]);
    expect([answer.headers.link, answer.headers['cache-control']]).toEqual([undefined, 'no-store']);
    await routes.post({ PolicyId, DomainId: 'bare' });
    expect((await routes.read({ DomainId: 'bare' })).json).toMatchObject([
      { URI: null, CustomUserId: null, Fingerprint: { ClientSessionId: null, OSVersion: null } },
    ]);
  });

  it('lists newest first, each record once over all pages, whatever the page', async () => {
    const week = (await readAll({ limit: 1000 })).map(({ Id }) => Id);
    const [{ count }] = (await app.sql<{ count: number }>(
      `select count(*)::integer as count from policy_consents where brand_id = 1 and created_at >= now() - interval '7 days'`,
    )) as [{ count: number }];
    expect(week).toHaveLength(count);
    expect(new Set(week).size).toBe(count);
    const small = await readAll({ limit: 37 });
    expect(small.map(({ Id }) => Id)).toEqual(week);
    const times = small.map(({ Created }) => Created);
    expect(times).toEqual([...times].sort().reverse());
  });

  it('lists a hundred where nothing is said', async () => {
    expect((await routes.read({})).as<Listed[]>()).toHaveLength(100);
  });

  it('answers every combination of filters as SQL does', async () => {
    const filter = {
      PolicyId: fc.nat({ max: 2 }).map((place) => policies[place] ?? ''),
      CustomUserId: fc.constantFrom('user3', 'user40', 'nobody'),
      ConsentGiven: fc.constantFrom('true', 'false'),
      PolicyVersion: fc.constantFrom('v0', 'v1', 'v9'),
      MobileApplicationId: fc.constantFrom('app 1', 'app 5', 'app 0'),
      DeviceManufacturer: fc.constantFrom('maker 2', 'maker 6'),
      SDKVersion: fc.constantFrom('sdk 1', 'sdk 10'),
      OSVersion: fc.constantFrom('os 4', 'os 12'),
      DomainId: fc.constantFrom('domain 1', 'domain 4', 'Domain 1'),
      limit: fc.constantFrom('1000', '7'),
    };
    await fc.assert(
      fc.asyncProperty(fc.record(filter, { requiredKeys: [] }), async (query) => {
        const expected = await app.sql<{ id: string }>(
          `select c.id from policy_consents c join subjects s on s.client_id = c.subject_id
           where c.brand_id = 1 and ($1::uuid is null or c.policy_id = $1) and ($2::text is null or s.custom_user_id = $2)
             and ($3::boolean is null or c.is_given = $3) and ($4::text is null or c.version = $4)
             and ($5::text is null or c.mobile_application_id = $5) and ($6::text is null or c.device_manufacturer = $6)
             and ($7::text is null or c.sdk_version = $7) and ($8::text is null or c.os_version = $8)
             and ($9::text is null or c.domain_id = $9)
           order by c.created_at desc, c.id desc`,
          [
            query.PolicyId ?? null,
            query.CustomUserId ?? null,
            query.ConsentGiven ?? null,
            query.PolicyVersion ?? null,
            query.MobileApplicationId ?? null,
            query.DeviceManufacturer ?? null,
            query.SDKVersion ?? null,
            query.OSVersion ?? null,
            query.DomainId ?? null,
          ],
        );
        const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
        // A page of one record each would be a request each.
        const few = expected.length < 100 ? given : { ...given, limit: '1000' };
        const found = await readAll({ FromDate: '2000-01-01', ...few });
        expect(found.map(({ Id }) => Id)).toEqual(expected.map(({ id }) => id));
      }),
      { numRuns: 120 },
    );
  });

  it('finds what somebody said before it was known who that is', async () => {
    const found = await readAll({ CustomUserId: 'user3', FromDate: '2000-01-01', limit: 1000 });
    const own = await app.sql<{ client_id: Buffer }>(
      `select distinct c.client_id from policy_consents c where c.subject_id in (sha256('6'), sha256('7'))`,
    );
    expect(new Set(found.map(({ ClientId }) => ClientId))).toEqual(
      new Set(own.map((row) => row.client_id.toString('hex').toUpperCase())),
    );
    expect(new Set(found.map(({ CustomUserId }) => CustomUserId))).toEqual(new Set(['user3']));
  });

  it('bounds when it was recorded: from inclusive, to exclusive, days at midnight UTC', async () => {
    await app.sql(
      `update policy_consents set created_at = '2025-03-02T00:00:00Z' where id in (select id from policy_consents where brand_id = 1 limit 1)`,
    );
    const count = async (query: Record<string, string>) => (await readAll(query)).length;
    expect(await count({ FromDate: '2025-03-02', ToDate: '2025-03-03' })).toBe(1);
    expect(await count({ FromDate: '2025-03-01', ToDate: '2025-03-02' })).toBe(0);
    expect(await count({ FromDate: '2025-03-02T01:00:00+01:00', ToDate: '2025-03-02T00:00:00.001Z' })).toBe(
      1,
    );
    expect(await count({ ToDate: '2025-03-03' })).toBe(1);
    expect(await count({ FromDate: '2025-03-02', ToDate: '2025-03-02' })).toBe(0);
  });

  it('takes its filters from a JSON body too, and keeps them in the link', async () => {
    const body = { DomainId: 'domain 1', limit: 2, ConsentGiven: true };
    const answer = await app.call('GET', policyPath, { body });
    expect(answer.as<Listed[]>()).toHaveLength(2);
    const next = /^<([^>]+)>/.exec(String(answer.headers.link))?.[1] ?? '';
    const query = new URLSearchParams(next.split('?')[1]);
    expect([query.get('DomainId'), query.get('ConsentGiven')]).toEqual(['domain 1', 'true']);
    expect((await app.call('GET', next)).as<Listed[]>()).toHaveLength(2);
  });

  it.each([
    ['FromDate=yesterday', 'FromDate', errorText.badDay('FromDate')],
    ['ToDate=2026-02-30', 'ToDate', errorText.badDay('ToDate')],
    ['FromDate=2026-02-02&ToDate=2026-02-01', 'ToDate', errorText.toBeforeFrom],
    ['ConsentGiven=yes', 'ConsentGiven', errorText.trueOrFalse('ConsentGiven')],
    ['limit=0', 'limit', errorText.limitTooSmall],
    ['limit=1001', 'limit', errorText.limitTooLarge],
    ['limit=ten', 'limit', errorText.limitNotInteger],
    ['cursor=abc', 'cursor', errorText.pageCursor],
    ['DomainId=%00', 'DomainId', errorText.holdsNulIn('DomainId')],
    ['PolicyVersion=', 'PolicyVersion', errorText.tooShort('PolicyVersion')],
    ['Version=1', 'Version', errorText.versionInList],
    ['IP=127.0.0.1', 'IP', errorText.unknownKey('IP')],
  ])('refuses %s', async (query, field, text) => {
    const answer = await app.call('GET', `${policyPath}?${query}`);
    expect([answer.status, answer.text]).toEqual([400, problem(400, text, policyPath, field)]);
  });

  it('is a brand’s own, and needs the scope', async () => {
    const writer = await app.createClient(['policy:write']);
    const refused = await routes.read({}, { token: writer.key });
    expect([refused.status, refused.text]).toEqual([
      403,
      problem(403, errorText.lacksScope('policy:read'), policyPath),
    ]);
    expect((await routes.read({}, { token: null })).status).toBe(401);
    expect((await routes.read({ FromDate: '2000-01-01' }, { token: otherBrandKey })).text).toBe('[]');
    for (const [PolicyId, token] of [
      [policies[0] ?? '', otherBrandKey],
      [unknownPolicyId, demoKey],
      ['terms', demoKey],
    ] as const) {
      const answer = await routes.read({ PolicyId }, { token });
      expect([answer.status, answer.text]).toEqual([404, problem(404, errorText.noSuchPolicy, policyPath)]);
    }
  });
});
