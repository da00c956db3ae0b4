// Whoever is behind the millions of records that suites fill in: subjects, when they came, from where and with which browser.
const SUBJECTS_SHARE = 0.4;
const IPS = 100_000;
const CITIES = 500;
const USER_AGENTS = 300;
export const YEARS = 2;
const COUNTRIES =
  'GB DE FR IT ES PL RO NL BE GR CZ PT SE HU AT CH BG DK FI SK NO IE HR LT SI LV EE CY LU MT US CA MX BR AR CL CO PE ZA ' +
  'NG KE EG AU NZ JP KR IN ID PH TH';

/** @param {number} records @returns {number} how many subjects they are of */
export const subjectsOf = (records) => Math.ceil(records * SUBJECTS_SHARE);

/** @param {string} kind each suite has its own @param {string} number SQL @returns {string} SQL: the ClientId of a subject */
export const clientIdOf = (kind, number = 's') => `sha256(('bench ${kind} ' || ${number})::bytea)`;

/**
 * Subject s, from 0 on, of the brand $1; every tenth is anonymous.
 * @param {string} kind @param {string} namespace SQL: that of the others
 */
export const subjectColumns = (kind, namespace) => ({
  client_id: clientIdOf(kind),
  brand_id: '$1::integer',
  player_id: `'~' || left(encode(${clientIdOf(kind)}, 'hex'), 43)`,
  namespace,
  custom_user_id: `case when s % 10 <> 9 then 'player-' || s end`,
});
/** What the columns of subjects are made of, all $2 of them. */
export const SUBJECTS = 'select s from generate_series(0, $2::bigint - 1) s';

/** A hundred characters and more, as browsers send them. */
const USER_AGENT = `'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/' ||
    (60 + a % 70) || '.0.' || (4000 + a) || '.0 Safari/537.36'`;

/** The columns that all records have. */
export const RECORD_COLUMNS = {
  brand_id: '$1::integer',
  id: `(substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-7' || substr(m, 1, 3) || '-8' || substr(m, 4, 3) || '-'
    || substr(m, 7, 12))::uuid`,
  created_at: 'created_at',
  seq: '1',
  ip: `concat_ws('.', 81, i >> 16, (i >> 8) & 255, i & 255)`,
  proxified_ip: `concat_ws('.', 81, i >> 16, (i >> 8) & 255, 0)`,
  user_agent: USER_AGENT,
  city: `case when c is not null then 'City ' || c end`,
  state: `'State ' || (c / 4)`,
  country: `(string_to_array('${COUNTRIES}', ' '))[1 + c / 10]`,
};
export const USER_AGENT_HASH = `hashtextextended(${USER_AGENT}, 0)`;

/**
 * Records n from $2 up to $3 of $5 in all, of $4 subjects: the subject s, how many records it had before k, and what the columns
 * above are made of. An address has one place, and of one in twelve it is not known.
 */
export const RECORDS = `
  select n, s, k, i, a, c, created_at, md5(n::text) as m,
    lpad(to_hex(floor(extract(epoch from created_at) * 1000)::bigint), 12, '0') as h
  from (
    select n, n % $4::bigint as s, n / $4::bigint as k, floor(${IPS} * pg_temp.u(n, 6))::integer as i,
      floor(${USER_AGENTS} * pg_temp.u(n, 8) ^ 3)::integer as a,
      now() - interval '${YEARS} years' + interval '${YEARS} years' * (n / $5::double precision) as created_at
    from generate_series($2::bigint, $3::bigint - 1) n
  ) numbered
  cross join lateral (
    select case when pg_temp.u(i, 9) > 0.08 then floor(${CITIES} * pg_temp.u(i, 7) ^ 2)::integer end as c
  ) placed`;
