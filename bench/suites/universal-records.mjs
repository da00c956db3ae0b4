// Millions of universal consents straight into the service's tables, as two years of a busy brand would leave them.
import { fillTables, inBatches, insertInto, zipf } from '../fill.mjs';
import { say } from '../progress.mjs';
import {
  clientIdOf,
  RECORD_COLUMNS,
  RECORDS,
  SUBJECTS,
  subjectColumns,
  subjectsOf,
  USER_AGENT_HASH,
} from './crowd.mjs';

const KIND = 'subject';
const REFERENCES = 200;
/** What the database keeps for the levels, and for a subject that an authenticated client has named. */
const LEVELS = { All: 3, Partial: 2, None: 1 };
const NAMESPACE = 1;

/**
 * Record n, from 0 on. Its subject's records lie a third of the distribution of references apart, and no reference is that
 * common: so they are never the same. Newer records are later in the table, but for those that were changed since.
 */
const RECORD = {
  ...RECORD_COLUMNS,
  client_id: clientIdOf(KIND),
  reference: `'campaign-' || width_bucket(mod((pg_temp.u(s, 1) + k / 3.0)::numeric, 1)::double precision, $6::float8[])`,
  consent_type: `'type-' || floor(20 * pg_temp.u(n, 2) ^ 2)`,
  level: `case when pg_temp.u(n, 3) < 0.7 then ${LEVELS.All} when pg_temp.u(n, 3) < 0.8 then ${LEVELS.Partial}
    else ${LEVELS.None} end`,
  uri: `'https://play.example/forms/' || n % 40`,
  metadata: `'{"form":"form-' || n % 97 || '","version":' || n % 7 || '}'`,
  updated_at: `case when pg_temp.u(n, 4) < 0.3 then created_at + pg_temp.u(n, 5) ^ 3 * (now() - created_at)
    else created_at end`,
  user_agent_hash: USER_AGENT_HASH,
};

/**
 * @param {import('../run.mjs').Bench} bench
 * @param {number} brandId
 * @param {number} records
 */
export async function fillRecords(bench, brandId, records) {
  const subjects = subjectsOf(records);
  say(`filling in ${subjects} subjects and ${records} universal consents`);
  await fillTables(bench, ['subjects', 'universal_consents'], async (client) => {
    const columns = subjectColumns(KIND, String(NAMESPACE));
    await client.query(await insertInto(client, 'subjects', columns, SUBJECTS), [brandId, subjects]);
    const insert = await insertInto(client, 'universal_consents', RECORD, RECORDS);
    await inBatches(records, (from, to) =>
      client.query(insert, [brandId, from, to, subjects, records, zipf(REFERENCES)]),
    );
  });
}

/** The filters that some of the records answer to, drawn the same way every time. */
export async function sampleFilters({ cluster, service }, brandId, count) {
  const levels = Object.entries(LEVELS).map(([name, level]) => `when ${level} then '${name}'`);
  const { rows } = await cluster.query(
    service.database,
    `select s.custom_user_id as "CustomUserId", u.reference as "Reference", u.consent_type as "ConsentType",
       case u.level ${levels.join(' ')} end as "ConsentGiven", u.ip::text as "IP", u.user_agent as "UserAgent",
       u.city as "City", u.state as "State", u.country as "Country"
     from universal_consents u tablesample bernoulli (1) repeatable (7) join subjects s using (client_id)
     where u.brand_id = $1 and s.custom_user_id is not null and u.city is not null
     order by md5(u.id::text) limit $2`,
    [brandId, count],
  );
  return rows;
}
