import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { errorText, problem } from '../support/errors.js';
import { createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';
import { universalRoutes } from '../support/universal.js';

interface Listed {
  Id: string;
  LastUpdated: string;
  ConsentGiven: boolean;
  ConsentLevel: string;
  ConsentType: string;
  Reference: string;
  ClientId: string;
  Fingerprint: Record<
    'CustomUserId' | 'IP' | 'ProxifiedIP' | 'UserAgent' | 'City' | 'State' | 'Country',
    string | null
  >;
}

const path = '/api/universalconsent';
const records = 4000;
let app: TestApp;
let routes: ReturnType<typeof universalRoutes>;

beforeAll(async () => {
  app = await createTestApp();
  routes = universalRoutes(app);
  // Many more than a page looks at first, of few values each, so that every combination of filters has to skip.
  await app.sql(
    `insert into subjects (client_id, brand_id, player_id, namespace, custom_user_id)
     select sha256(n::text::bytea), 1, '~' || n, 1 + n % 2, 'user' || n / 2 from generate_series(0, 99) n`,
  );
  await app.sql(
    `insert into universal_consents (brand_id, id, client_id, reference, consent_type, level, created_at, updated_at, seq, ip,
       proxified_ip, user_agent, user_agent_hash, city, state, country)
     select 1, gen_random_uuid(), sha256((n % 100)::text::bytea), 'r' || n / 100, 't' || n % 3, 1 + n % 3, now(),
       now() - make_interval(mins => n / 2), 1, '10.0.0.' || n % 7, '10.0.0.0', 'agent ' || n % 5,
       hashtextextended('agent ' || n % 5, 0), 'city ' || n % 11, 'state ' || n % 4, case when n % 13 = 0 then null else 'C' || n % 6 end
     from generate_series(0, $1 - 1) n`,
    [records],
  );
});
afterAll(() => app?.close());

async function readAll(query: Record<string, string | number>): Promise<Listed[]> {
  const all: Listed[] = [];
  let next: string | undefined = `${path}?${new URLSearchParams(
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

describe('GET /api/universalconsent', () => {
  it('prints a record with where it came from', async () => {
    const created = await routes.post(
      { CustomUserId: 'somebody@example.com', ConsentGiven: 'Partial', Metadata: '{}', Reference: 'printed' },
      { headers: { 'user-agent': 'a browser', origin: 'https://demo.example' } },
    );
    const { Created, ClientId } = created.as<{ Created: string; ClientId: string }>();
    const answer = await routes.list({ Reference: 'printed' });
    expect(answer.json).toEqual([
      {
        Id: expect.any(String),
        Created,
        LastUpdated: Created,
        ConsentGiven: true,
        ConsentLevel: 'Partial',
        URI: 'https://demo.example',
        ConsentType: 'Call',
        Metadata: '{}',
        Reference: 'printed',
        ClientId,
        Fingerprint: {
          CustomUserId: 'somebody@example.com',
          IP: '127.0.0.1',
          ProxifiedIP: '127.0.0.0',
          UserAgent: 'a browser',
          City: null,
          State: null,
          Country: null,
        },
      },
    ]);
    expect(answer.headers.link).toBeUndefined();
  });

  it('lists newest first, each record once over all pages, whatever the page', async () => {
    const week = (await readAll({ limit: 1000 })).map(({ Id }) => Id);
    const [{ count }] = (await app.sql<{ count: number }>(
      `select count(*)::integer as count from universal_consents where brand_id = 1 and updated_at >= now() - interval '7 days'`,
    )) as [{ count: number }];
    expect(week).toHaveLength(count);
    expect(new Set(week).size).toBe(count);
    const small = await readAll({ limit: 37 });
    expect(small.map(({ Id }) => Id)).toEqual(week);
    expect(small.map(({ LastUpdated }) => LastUpdated)).toEqual(
      small
        .map(({ LastUpdated }) => LastUpdated)
        .sort()
        .reverse(),
    );
  });

  it('answers every combination of filters as SQL does', async () => {
    const filter = {
      CustomUserId: fc.constantFrom('user3', 'user40', 'nobody'),
      Reference: fc.constantFrom('r0', 'r7', 'r39', 'none'),
      ConsentType: fc.constantFrom('t0', 't1', 't9'),
      ConsentGiven: fc.constantFrom('true', 'false', 'All', 'Partial', 'None'),
      IP: fc.constantFrom('10.0.0.3', '::ffff:10.0.0.4'),
      UserAgent: fc.constantFrom('agent 2', 'agent'),
      City: fc.constantFrom('city 5', 'city 10'),
      State: fc.constantFrom('state 1', 'state 2'),
      Country: fc.constantFrom('C1', 'C2'),
      limit: fc.constantFrom('1000', '7'),
    };
    await fc.assert(
      fc.asyncProperty(fc.record(filter, { requiredKeys: [] }), async (query) => {
        const expected = await app.sql<{ id: string }>(
          `select u.id from universal_consents u join subjects s using (client_id)
           where u.brand_id = 1 and ($1::text is null or s.custom_user_id = $1) and ($2::text is null or u.reference = $2)
             and ($3::text is null or u.consent_type = $3) and ($4::text is null or u.ip = $4) and ($5::text is null or u.user_agent = $5)
             and ($6::text is null or u.city = $6) and ($7::text is null or u.state = $7) and ($8::text is null or u.country = $8)
             and ($9::text is null or case $9 when 'true' then u.level > 1 when 'false' then u.level = 1 when 'None' then u.level = 1
               when 'Partial' then u.level = 2 else u.level = 3 end)
           order by u.updated_at desc, u.id desc`,
          [
            query.CustomUserId ?? null,
            query.Reference ?? null,
            query.ConsentType ?? null,
            query.IP?.replace('::ffff:', '') ?? null,
            query.UserAgent ?? null,
            query.City ?? null,
            query.State ?? null,
            query.Country ?? null,
            query.ConsentGiven ?? null,
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

  it('bounds the last update: from inclusive, to exclusive, days at midnight UTC', async () => {
    await app.sql(
      `update universal_consents set updated_at = '2025-03-02T00:00:00Z' where id in (select id from universal_consents where brand_id = 1 limit 1)`,
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

  it('takes its filters from a JSON body too', async () => {
    const body = { Reference: 'r3', limit: 2, ConsentGiven: true };
    const answer = await app.call('GET', path, { body });
    expect(answer.as<Listed[]>().map(({ Reference }) => Reference)).toEqual(['r3', 'r3']);
    const next = /^<([^>]+)>/.exec(String(answer.headers.link))?.[1] ?? '';
    expect(new URLSearchParams(next.split('?')[1]).get('Reference')).toBe('r3');
    expect((await app.call('GET', next)).as<Listed[]>()[0]?.Reference).toBe('r3');
  });

  it.each([
    ['FromDate=yesterday', 'FromDate', errorText.badDay('FromDate')],
    ['ToDate=2026-02-30', 'ToDate', errorText.badDay('ToDate')],
    ['FromDate=2026-02-02&ToDate=2026-02-01', 'ToDate', errorText.toBeforeFrom],
    ['IP=localhost', 'IP', 'IP must be an IP address'],
    [
      'ConsentGiven=yes',
      'ConsentGiven',
      `ConsentGiven must be one of the following values: true, false, All, Partial, None`,
    ],
    ['limit=0', 'limit', errorText.limitTooSmall],
    ['limit=1001', 'limit', errorText.limitTooLarge],
    ['limit=ten', 'limit', errorText.limitNotInteger],
    ['cursor=abc', 'cursor', errorText.pageCursor],
    ['City=%00', 'City', errorText.holdsNulIn('City')],
    ['ClientId=1', 'ClientId', errorText.unknownKey('ClientId')],
  ])('refuses %s', async (query, field, text) => {
    const answer = await app.call('GET', `${path}?${query}`);
    expect([answer.status, answer.text]).toEqual([400, problem(400, text, path, field)]);
  });

  it('is a brand’s own, and needs the scope', async () => {
    const writer = await app.createClient(['universal:write']);
    expect((await routes.list({ FromDate: '2000-01-01' }, { token: otherBrandKey })).text).toBe('[]');
    expect((await routes.list({}, { token: writer.key })).status).toBe(403);
    expect((await routes.list({}, { token: null })).status).toBe(401);
  });
});
