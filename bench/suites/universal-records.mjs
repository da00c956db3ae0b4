// Millions of universal consents straight into the service's tables, as two years of a busy brand would leave them.
import pg from 'pg';
import { say } from '../progress.mjs';

const BATCH = 500_000;
const SUBJECTS_SHARE = 0.4;
const REFERENCES = 200;
const IPS = 100_000;
const CITIES = 500;
const USER_AGENTS = 300;
export const YEARS = 2;
/** What the database keeps for the levels, and for a subject that an authenticated client has named. */
const LEVELS = { All: 3, Partial: 2, None: 1 };
const NAMESPACE = 1;
const COUNTRIES =
  'GB DE FR IT ES PL RO NL BE GR CZ PT SE HU AT CH BG DK FI SK NO IE HR LT SI LV EE CY LU MT US CA MX BR AR CL CO PE ZA ' +
  'NG KE EG AU NZ JP KR IN ID PH TH';

/** u(n, salt): evenly in [0, 1), the same for the same numbers. */
const RANDOM = `create function pg_temp.u(n bigint, salt bigint) returns double precision language sql immutable
  as $$ select ((hashint8extended(n, salt) >> 11) & 9007199254740991)::double precision / 9007199254740992 $$`;

/** Subject s, from 0 on; every tenth is anonymous. */
const SUBJECT = {
  client_id: `sha256(('bench subject ' || s)::bytea)`,
  brand_id: '$1::integer',
  player_id: `'~' || left(encode(sha256(('bench subject ' || s)::bytea), 'hex'), 43)`,
  namespace: String(NAMESPACE),
  custom_user_id: `case when s % 10 <> 9 then 'player-' || s end`,
};

/** A hundred characters and more, as browsers send them. */
const USER_AGENT = `'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/' ||
    (60 + a % 70) || '.0.' || (4000 + a) || '.0 Safari/537.36'`;

/**
 * Record n, from 0 on. Its subject's records lie a third of the distribution of references apart, and no reference is that
 * common: so they are never the same. Newer records are later in the table, but for those that were changed since.
 */
const RECORD = {
  brand_id: '$1::integer',
  id: `(substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-7' || substr(m, 1, 3) || '-8' || substr(m, 4, 3) || '-'
    || substr(m, 7, 12))::uuid`,
  client_id: SUBJECT.client_id,
  reference: `'campaign-' || width_bucket(mod((pg_temp.u(s, 1) + k / 3.0)::numeric, 1)::double precision, $5::float8[])`,
  consent_type: `'type-' || floor(20 * pg_temp.u(n, 2) ^ 2)`,
  level: `case when pg_temp.u(n, 3) < 0.7 then ${LEVELS.All} when pg_temp.u(n, 3) < 0.8 then ${LEVELS.Partial}
    else ${LEVELS.None} end`,
  uri: `'https://play.example/forms/' || n % 40`,
  metadata: `'{"form":"form-' || n % 97 || '","version":' || n % 7 || '}'`,
  created_at: 'created_at',
  updated_at: `case when pg_temp.u(n, 4) < 0.3 then created_at + pg_temp.u(n, 5) ^ 3 * (now() - created_at)
    else created_at end`,
  seq: '1',
  ip: `concat_ws('.', 81, i >> 16, (i >> 8) & 255, i & 255)`,
  proxified_ip: `concat_ws('.', 81, i >> 16, (i >> 8) & 255, 0)`,
  user_agent: USER_AGENT,
  user_agent_hash: `hashtextextended(${USER_AGENT}, 0)`,
  city: `case when c is not null then 'City ' || c end`,
  state: `'State ' || (c / 4)`,
  country: `(string_to_array('${COUNTRIES}', ' '))[1 + c / 10]`,
};

/** An address has one place, and of one in twelve it is not known. */
const RECORDS = `
  select n, s, k, i, a, c, created_at, md5(n::text) as m,
    lpad(to_hex(floor(extract(epoch from created_at) * 1000)::bigint), 12, '0') as h
  from (
    select n, n % $4::bigint as s, n / $4::bigint as k, floor(${IPS} * pg_temp.u(n, 6))::integer as i,
      floor(${USER_AGENTS} * pg_temp.u(n, 8) ^ 3)::integer as a,
      now() - interval '${YEARS} years' + interval '${YEARS} years' * (n / $6::double precision) as created_at
    from generate_series($2::bigint, $3::bigint - 1) n
  ) numbered
  cross join lateral (
    select case when pg_temp.u(i, 9) > 0.08 then floor(${CITIES} * pg_temp.u(i, 7) ^ 2)::integer end as c
  ) placed`;

/** How much of all lies below each rank, where the r-th reference is 1/r as common as the first. */
function zipf(ranks) {
  const weights = Array.from({ length: ranks }, (_, rank) => 1 / (rank + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let reached = 0;
  return weights.slice(0, -1).map((weight) => {
    reached += weight / total;
    return reached;
  });
}

/** `insert into … select …`, each value as the type that its column has. */
async function insertInto(client, table, values, from) {
  const { rows } = await client.query(
    'select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = $1::regclass',
    [table],
  );
  const types = new Map(rows.map(({ name, type }) => [name, type]));
  const missing = Object.keys(values).filter((name) => !types.has(name));
  if (missing.length > 0) throw new Error(`${table} has no column ${missing.join(', ')}`);
  const list = Object.entries(values).map(([name, value]) => `(${value})::${types.get(name)}`);
  return `insert into ${table} (${Object.keys(values).join(', ')}) select ${list.join(', ')} from (${from}) f`;
}

/** Drops the indexes that belong to no constraint; answers what makes them again. */
async function dropIndexes(client, table) {
  const { rows } = await client.query(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index i
     where indrelid = $1::regclass and not exists (select from pg_constraint where conindid = i.indexrelid)`,
    [table],
  );
  for (const { name } of rows) await client.query(`drop index ${name}`);
  return rows.map(({ definition }) => definition);
}

/**
 * @param {import('../run.mjs').Bench} bench
 * @param {number} brandId
 * @param {number} records
 */
export async function fillRecords({ cluster, service }, brandId, records) {
  const client = new pg.Client({ connectionString: cluster.url('postgres', service.database) });
  await client.connect();
  try {
    await client.query(RANDOM);
    await client.query(`set session_replication_role = replica; set synchronous_commit = off;
      set maintenance_work_mem = '512MB'`);
    const subjects = Math.ceil(records * SUBJECTS_SHARE);
    say(`filling in ${subjects} subjects and ${records} universal consents`);
    const indexes = [
      ...(await dropIndexes(client, 'subjects')),
      ...(await dropIndexes(client, 'universal_consents')),
    ];
    const bySubject = 'select s from generate_series(0, $2::bigint - 1) s';
    await client.query(await insertInto(client, 'subjects', SUBJECT, bySubject), [brandId, subjects]);
    const insert = await insertInto(client, 'universal_consents', RECORD, RECORDS);
    for (let from = 0; from < records; from += BATCH) {
      const to = Math.min(records, from + BATCH);
      await client.query(insert, [brandId, from, to, subjects, zipf(REFERENCES), records]);
    }
    say(`making ${indexes.length} indexes again`);
    for (const definition of indexes) await client.query(definition);
    await client.query('vacuum (analyze) subjects');
    await client.query('vacuum (analyze) universal_consents');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
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
