// Millions of consents to policies straight into the service's tables, as two years of a busy brand would leave them.
import { fillTables, inBatches, insertInto, zipf } from '../fill.mjs';
import { say } from '../progress.mjs';
import {
  clientIdOf,
  RECORD_COLUMNS,
  RECORDS,
  SUBJECTS,
  subjectColumns,
  subjectsOf,
  YEARS,
} from './crowd.mjs';
import { LANGUAGES, publishPolicies } from './policy-texts.mjs';

const KIND = 'policy subject';
const MAKERS = 20;
/** Operators' subjects, claims and nobody in particular; of the last, every second has turned out to be the subject before. */
const NAMESPACE = 'case when s % 10 = 9 then 3 when s % 10 >= 6 then 2 else 1 end';
const IS_LINKED = 's % 20 = 19';
const KNOWN_CLIENT = clientIdOf(KIND, '(s - 1)');
/** Of ten subjects four come with an app, which says what it runs on; the others by web sites. */
const IS_MOBILE = 'pg_temp.u(s, 21) < 0.4';
const mobile = (value) => `case when ${IS_MOBILE} then ${value} end`;

/** Record n, from 0 on: the subject's word on the version that was in force. */
const RECORD = {
  ...RECORD_COLUMNS,
  client_id: clientIdOf(KIND),
  subject_id: `case when ${IS_LINKED} then ${KNOWN_CLIENT} else ${clientIdOf(KIND)} end`,
  policy_id: 'policy_id',
  version: 'version',
  version_at: 'version_at',
  language: `(array['${LANGUAGES.join("','")}'])[1 + n % ${LANGUAGES.length}]`,
  is_given: 'pg_temp.u(n, 3) < 0.85',
  is_assumed: 'pg_temp.u(n, 4) < 0.5',
  uri: `case when not ${IS_MOBILE} then 'https://play.example/sign-up/' || n % 40 end`,
  domain_id: `case when not ${IS_MOBILE} then 'site-' || floor(40 * pg_temp.u(n, 5) ^ 2) end`,
  client_session_id: mobile('md5(h || m)'),
  device_manufacturer: mobile(`'Maker ' || width_bucket(pg_temp.u(s, 22), $6::float8[])`),
  sdk_version: mobile(`'5.' || floor(12 * pg_temp.u(n, 23) ^ 2)`),
  os_version: mobile(`'OS ' || floor(30 * pg_temp.u(s, 24) ^ 2)`),
  mobile_application_id: mobile(`'com.example.play' || floor(8 * pg_temp.u(s, 25) ^ 2)`),
};

/** Which version of which policy was in force when. */
const IN_FORCE = `
  create temp table in_force as
  select policy_id, version, effective_at as version_at, place, lead(effective_at, 1, 'infinity')
    over (partition by policy_id order by effective_at) as until
  from policy_versions join unnest($1::uuid[]) with ordinality as p (policy_id, place) using (policy_id)`;
const POLICY_RECORDS = `
  select * from (
    select r.*, 1 + width_bucket(pg_temp.u(n, 1), $7::float8[]) as place from (${RECORDS}) r) placed
  join in_force using (place) where created_at >= version_at and created_at < until`;

/**
 * @typedef {object} Filled
 * @property {{id: number, key: string}} brand
 * @property {import('./policy-texts.mjs').BenchPolicy[]} policies
 */

/** Suites of one run share what was filled in. @type {WeakMap<object, Promise<Filled>>} */
const filled = new WeakMap();

/**
 * Policies published through the API, then as if they had been in the years before, and consents to their versions.
 * @param {import('../run.mjs').Bench} bench
 * @returns {Promise<Filled>}
 */
export function fillPolicies(bench) {
  const known = filled.get(bench.cluster) ?? fill(bench);
  filled.set(bench.cluster, known);
  return known;
}

async function fill(bench) {
  const records = bench.sizes.acceptances;
  const brand = await bench.service.createBrandWithKey('Policies');
  const policies = await publishPolicies(bench, brand.key);
  const subjects = subjectsOf(records);
  say(`filling in ${subjects} subjects and ${records} consents to policies`);
  await fillTables(bench, ['subjects', 'policy_consents'], async (client) => {
    for (const { id, versions } of policies) await backdate(client, id, versions);
    await client.query(IN_FORCE, [policies.map(({ id }) => id)]);
    const columns = {
      ...subjectColumns(KIND, NAMESPACE),
      linked_to: `case when ${IS_LINKED} then ${KNOWN_CLIENT} end`,
    };
    await client.query(await insertInto(client, 'subjects', columns, SUBJECTS), [brand.id, subjects]);
    const insert = await insertInto(client, 'policy_consents', RECORD, POLICY_RECORDS);
    const shares = policies.map((_, place) =>
      policies.slice(0, place + 1).reduce((sum, one) => sum + one.share, 0),
    );
    await inBatches(records, (from, to) =>
      client.query(insert, [brand.id, from, to, subjects, records, zipf(MAKERS), shares.slice(0, -1)]),
    );
  });
  return { brand, policies };
}

/** What is published never changes; only for a while when no trigger fires. */
async function backdate(client, id, versions) {
  for (const { version, from } of versions) {
    await client.query(
      `update policy_versions v set published_at = t.at, effective_at = date_trunc('milliseconds', t.at)
       from (select now() - interval '${YEARS} years 1 day' + $3 * interval '${YEARS} years' as at) t
       where policy_id = $1 and version = $2`,
      [id, version, from],
    );
  }
}

/**
 * Questions whether a subject's consent counts, drawn the same way every time, and their right answers: of subjects with a consent
 * to the policy, one in five for the version they spoke of, and of one ClientId in twenty that nobody has.
 * @returns {Promise<{clientId: string, policyId: string, version: string | null, isGiven: boolean}[]>}
 */
export async function sampleQuestions({ cluster, service, sizes }, brandId) {
  const { rows } = await cluster.query(
    service.database,
    `with sample as (
       select c.*, row_number() over (order by md5(c.id::text)) as n
       from policy_consents c tablesample bernoulli ($3) repeatable (7) where c.brand_id = $1 order by n limit $2),
     asked as (
       select case when n % 20 <> 0 then client_id else sha256(client_id) end as client_id,
         case when n % 20 <> 0 then subject_id end as subject_id, policy_id, case when n % 5 = 1 then version end as version
       from sample),
     valid as (
       select policy_id, max(effective_at) as since from policy_versions where is_material group by policy_id)
     select encode(client_id, 'hex') as "clientId", policy_id as "policyId", version as "version", coalesce((
       select c.is_given from policy_consents c
       where c.subject_id = a.subject_id and c.policy_id = a.policy_id
         and case when a.version is null then c.version_at >= since or not c.is_given else c.version = a.version end
       order by c.created_at desc, c.id desc limit 1), false) as "isGiven"
     from asked a join valid using (policy_id)`,
    [brandId, sizes.policyChecks, Math.min(100, (110 * sizes.policyChecks) / sizes.acceptances)],
  );
  return rows;
}

/** The filters that some of the consents answer to, drawn the same way every time. */
export async function samplePolicyFilters({ cluster, service }, brandId, count) {
  const { rows } = await cluster.query(
    service.database,
    `select policy_id::text as "PolicyId", s.custom_user_id as "CustomUserId", is_given::text as "ConsentGiven",
       version as "PolicyVersion", mobile_application_id as "MobileApplicationId",
       device_manufacturer as "DeviceManufacturer", sdk_version as "SDKVersion", os_version as "OSVersion",
       domain_id as "DomainId"
     from policy_consents c tablesample bernoulli (1) repeatable (7) join subjects s on s.client_id = c.subject_id
     where c.brand_id = $1 and s.custom_user_id is not null
     order by md5(c.id::text) limit $2`,
    [brandId, count],
  );
  return rows;
}
