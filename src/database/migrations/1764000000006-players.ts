import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Players as people: their details, credentials, custom fields, and who changed what. */
export class Players1764000000006 implements MigrationInterface {
  name = 'Players1764000000006';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(BRAND_SETTINGS);
    await runner.query(DETAILS);
    await runner.query(CREDENTIALS);
    await runner.query(CUSTOM_FIELDS);
    await runner.query(CHANGES);
    await runner.query(LIMITS);
    await runner.query(CHALLENGES);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop function take_attempts(integer, bytea[], integer[], integer);
      drop table login_challenges, attempt_counts, player_changes, player_custom_fields, custom_fields, player_credentials;
      drop sequence player_numbers;
      alter table players drop column has_details, drop column first_name, drop column last_name, drop column birth_on,
        drop column gender, drop column country, drop column city, drop column address, drop column zip_postal_code,
        drop column phone, drop column is_mobile_verified, drop column mobile_verification_changed_at,
        drop column mobile_verification_changed_by, drop column pending_mobile_number, drop column is_mobile_verification_on,
        drop column vip_level;
      alter table brands drop column email_verification_required, drop column mobile_verification_required,
        drop column password_max_length, drop column library_phone_check, drop column message_formats,
        drop column fraud_email_domains`);
  }
}

const BRAND_SETTINGS = `
alter table brands
  add column email_verification_required boolean not null default false,
  add column mobile_verification_required boolean not null default false,
  add column password_max_length integer not null default 15,
  add column library_phone_check boolean not null default true,
  add column message_formats jsonb not null default '{}',
  add column fraud_email_domains text[] not null default '{}';`;

const DETAILS = `
alter table players
  add column has_details boolean not null default false,
  add column first_name text,
  add column last_name text,
  add column birth_on date,
  add column gender text,
  add column country text,
  add column city text,
  add column address text,
  add column zip_postal_code text,
  add column phone text,
  add column is_mobile_verified boolean not null default false,
  add column mobile_verification_changed_at timestamptz,
  add column mobile_verification_changed_by text,
  add column pending_mobile_number text,
  add column is_mobile_verification_on boolean not null default false,
  add column vip_level integer,
  add constraint ck_players_gender check (gender in ('F', 'M'));
-- Ids of players who register here; those of the operator's platform are its own, and are stepped over.
create sequence player_numbers start with 100000001;`;

/** The keys are what names and addresses are compared by: case and Unicode's ways of writing a letter do not count. */
const CREDENTIALS = `
create table player_credentials (
  brand_id integer not null,
  player_id text collate "C" not null,
  username text,
  username_key text collate "C",
  email text,
  email_key text collate "C",
  email_verified_at timestamptz,
  password_hash text,
  is_password_temporary boolean not null default false,
  password_changed_at timestamptz,
  is_2fa_required boolean not null default false,
  reality_check text not null default 'no_limit',
  registered_at timestamptz,
  signed_opt_out boolean,
  bonus_code text,
  affiliate_parameter text,
  constraint pk_player_credentials primary key (brand_id, player_id),
  constraint uq_player_credentials_username unique (brand_id, username_key),
  constraint uq_player_credentials_email unique (brand_id, email_key),
  constraint fk_player_credentials_player foreign key (brand_id, player_id) references players (brand_id, player_id),
  constraint ck_player_credentials_reality_check check (reality_check in ('15_min', '30_min', '60_min', 'no_limit'))
);`;

const CUSTOM_FIELDS = `
create table custom_fields (
  brand_id integer not null,
  id text collate "C" not null,
  name text not null,
  type text not null,
  position smallint not null,
  constraint pk_custom_fields primary key (brand_id, id),
  constraint fk_custom_fields_brand foreign key (brand_id) references brands (id),
  constraint ck_custom_fields_type check (type in ('string', 'int'))
);
create table player_custom_fields (
  brand_id integer not null,
  player_id text collate "C" not null,
  field_id text collate "C" not null,
  text_value text,
  int_value bigint,
  constraint pk_player_custom_fields primary key (brand_id, player_id, field_id),
  constraint fk_player_custom_fields_field foreign key (brand_id, field_id) references custom_fields (brand_id, id),
  constraint fk_player_custom_fields_player foreign key (brand_id, player_id) references players (brand_id, player_id)
);
create index ix_player_custom_fields_field on player_custom_fields (brand_id, field_id);`;

/** Never changed and never removed but with the player: support reads it. */
const CHANGES = `
create table player_changes (
  brand_id integer not null,
  player_id text collate "C" not null,
  id uuid not null,
  field text not null,
  before text,
  after text,
  actor text not null,
  operator text,
  comment text,
  changed_at timestamptz not null,
  constraint pk_player_changes primary key (brand_id, player_id, id),
  constraint fk_player_changes_player foreign key (brand_id, player_id) references players (brand_id, player_id)
);`;

/** How often something was tried since window_at. The key is a keyed digest of whom or where from: the table names nobody. */
const LIMITS = `
create table attempt_counts (
  brand_id integer not null,
  key bytea not null,
  window_at timestamptz not null,
  attempts integer not null,
  expires_at timestamptz not null,
  constraint pk_attempt_counts primary key (brand_id, key),
  constraint fk_attempt_counts_brand foreign key (brand_id) references brands (id)
);
create index ix_attempt_counts_expires_at on attempt_counts ((expires_at at time zone 'UTC'));
-- Counts one more attempt of each key, or none of them if one that has a limit is at it: then says for how many seconds.
-- counts are those before this one. Rows are locked in the order of their keys.
create function take_attempts(
  p_brand_id integer, p_keys bytea[], p_limits integer[], p_seconds integer, out waits integer, out counts integer[]
) language plpgsql as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  insert into attempt_counts as c (brand_id, key, window_at, attempts, expires_at)
  select p_brand_id, k.key, v_now, 0, v_now + make_interval(secs => p_seconds) from unnest(p_keys) as k (key) order by k.key
  on conflict (brand_id, key) do update set
    attempts = case when c.expires_at <= v_now then 0 else c.attempts end,
    window_at = case when c.expires_at <= v_now then v_now else c.window_at end,
    expires_at = case when c.expires_at <= v_now then excluded.expires_at else c.expires_at end;
  select max(ceil(extract(epoch from c.expires_at - v_now))::integer) filter (where c.attempts >= k.most),
    array_agg(c.attempts order by k.place)
  into waits, counts
  from unnest(p_keys, p_limits) with ordinality as k (key, most, place)
  cross join lateral (
    -- The limit keeps it a look-up by the key, also where it was planned while the table was empty.
    select x.attempts, x.expires_at from attempt_counts x where x.brand_id = p_brand_id and x.key = k.key limit 1) c;
  if waits is null then
    update attempt_counts c set attempts = c.attempts + 1 where c.brand_id = p_brand_id and c.key = any (p_keys);
  end if;
end $$;`;

/** A password was right, and something else is still to be shown before there is a session. */
const CHALLENGES = `
create table login_challenges (
  brand_id integer not null,
  player_id text collate "C" not null,
  token_hash bytea not null,
  password_digest bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint pk_login_challenges primary key (brand_id, player_id, token_hash),
  constraint uq_login_challenges_token_hash unique (brand_id, token_hash),
  constraint fk_login_challenges_player foreign key (brand_id, player_id)
    references player_credentials (brand_id, player_id)
);
create index ix_login_challenges_expires_at on login_challenges ((expires_at at time zone 'UTC'));`;
