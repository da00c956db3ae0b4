import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Policies: their versions and texts, and who accepted which. */
export class Policies1764000000005 implements MigrationInterface {
  name = 'Policies1764000000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(PUBLISHED_STAYS);
    await runner.query(PUBLISH_POLICY_VERSION);
    await runner.query(RECORD_POLICY_CONSENT);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop function record_policy_consent(integer, uuid, json);
      drop type policy_act;
      drop function publish_policy_version(integer, uuid, text);
      drop table policy_consents, policy_texts, policy_versions, policies;
      drop function refuse_published_change()`);
  }
}

const TABLES = `
create table policies (
  id uuid not null,
  brand_id integer not null,
  name text not null,
  type text not null,
  default_language text not null,
  domain_id text,
  created_at timestamptz not null default now(),
  constraint pk_policies primary key (id),
  constraint fk_policies_brand foreign key (brand_id) references brands (id),
  constraint ck_policies_type check (type in ('Privacy', 'Cookie', 'TermsOfService'))
);
create index ix_policies_brand on policies (brand_id, id);
create table policy_versions (
  policy_id uuid not null,
  brand_id integer not null,
  version text collate "C" not null,
  is_material boolean not null,
  effective_from timestamptz,
  created_at timestamptz not null default now(),
  published_at timestamptz,
  effective_at timestamptz,
  constraint pk_policy_versions primary key (policy_id, version),
  constraint uq_policy_versions_effective_at unique (policy_id, effective_at),
  constraint fk_policy_versions_policy foreign key (policy_id) references policies (id),
  constraint ck_policy_versions_published check ((published_at is null) = (effective_at is null))
);
create table policy_texts (
  policy_id uuid not null,
  brand_id integer not null,
  version text collate "C" not null,
  language text collate "C" not null,
  format text not null,
  source text not null,
  html text not null,
  html_hash bytea not null,
  constraint pk_policy_texts primary key (policy_id, version, language),
  constraint fk_policy_texts_version foreign key (policy_id, version) references policy_versions (policy_id, version)
    on delete cascade,
  constraint ck_policy_texts_format check (format in ('html', 'markdown'))
);
create table policy_consents (
  id uuid not null,
  brand_id integer not null,
  client_id bytea not null,
  subject_id bytea not null,
  policy_id uuid not null,
  version text collate "C" not null,
  version_at timestamptz not null,
  language text not null,
  is_given boolean not null,
  is_assumed boolean not null,
  created_at timestamptz not null,
  seq bigint not null,
  uri text,
  domain_id text collate "C",
  ip text,
  proxified_ip text,
  user_agent text,
  city text,
  state text,
  country text,
  client_session_id text,
  device_manufacturer text collate "C",
  sdk_version text collate "C",
  os_version text collate "C",
  mobile_application_id text collate "C",
  constraint pk_policy_consents primary key (id),
  constraint fk_policy_consents_client foreign key (client_id) references subjects (client_id),
  constraint fk_policy_consents_subject foreign key (subject_id) references subjects (client_id),
  constraint fk_policy_consents_version foreign key (policy_id, version) references policy_versions (policy_id, version)
);
-- Has this subject accepted this policy: the newest first.
create index ix_policy_consents_subject on policy_consents (subject_id, policy_id, created_at, id);
-- One for each filter of the list, in the order of its pages.
create index ix_policy_consents_created_at on policy_consents (brand_id, created_at, id);
create index ix_policy_consents_user on policy_consents (subject_id, created_at, id);
create index ix_policy_consents_policy on policy_consents (brand_id, policy_id, created_at, id);
create index ix_policy_consents_given on policy_consents (brand_id, is_given, created_at, id);
create index ix_policy_consents_version on policy_consents (brand_id, version, created_at, id);
-- After those of its parts: of indexes that look alike, as all do on an empty table, PostgreSQL takes the newest.
create index ix_policy_consents_policy_version on policy_consents (brand_id, policy_id, version, created_at, id);
create index ix_policy_consents_domain on policy_consents (brand_id, domain_id, created_at, id) where domain_id is not null;
create index ix_policy_consents_application on policy_consents (brand_id, mobile_application_id, created_at, id)
  where mobile_application_id is not null;
create index ix_policy_consents_device on policy_consents (brand_id, device_manufacturer, created_at, id)
  where device_manufacturer is not null;
create index ix_policy_consents_sdk on policy_consents (brand_id, sdk_version, created_at, id) where sdk_version is not null;
create index ix_policy_consents_os on policy_consents (brand_id, os_version, created_at, id) where os_version is not null;
create type policy_act as (
  namespace smallint,
  new_client_id bytea,
  custom_user_id text,
  player_id text,
  client_id bytea,
  act_id uuid,
  version text,
  languages text[],
  is_given boolean,
  actor text,
  source text,
  salt bytea,
  evidence text,
  uri text,
  domain_id text,
  ip text,
  proxified_ip text,
  user_agent text,
  city text,
  state text,
  country text,
  client_session_id text,
  device_manufacturer text,
  sdk_version text,
  os_version text,
  mobile_application_id text
);`;

/** A text that somebody may have agreed to stays as it is. */
const PUBLISHED_STAYS = `
create function refuse_published_change() returns trigger language plpgsql as $$
declare
  v_is_published boolean;
  v_text policy_texts%rowtype;
begin
  if tg_table_name = 'policy_versions' then
    v_is_published := old.published_at is not null;
  else
    v_text := case when tg_op = 'INSERT' then new else old end;
    v_is_published := exists (
      select from policy_versions v
      where v.brand_id = v_text.brand_id and v.policy_id = v_text.policy_id and v.version = v_text.version and v.published_at is not null);
  end if;
  if v_is_published then
    raise exception 'a published version never changes: % of % refused', tg_op, tg_table_name using errcode = 'PC002';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
create trigger policy_versions_published_stays before update or delete on policy_versions
  for each row execute function refuse_published_change();
create trigger policy_texts_published_stays before insert or update or delete on policy_texts
  for each row execute function refuse_published_change();`;

/**
 * Publishes a draft: current from now on, or from its effective_from if that is later. No two versions of a policy take
 * effect in one millisecond, which is what readers tell them apart by. Answers that instant; null where there is no such draft.
 */
const PUBLISH_POLICY_VERSION = `
create function publish_policy_version(p_brand_id integer, p_policy_id uuid, p_version text) returns timestamptz
language plpgsql as $$
declare
  v_effective_at timestamptz;
begin
  perform 1 from policies p where p.brand_id = p_brand_id and p.id = p_policy_id for update;
  select date_trunc('milliseconds', greatest(clock_timestamp(), v.effective_from)) into v_effective_at from policy_versions v
  where v.brand_id = p_brand_id and v.policy_id = p_policy_id and v.version = p_version and v.published_at is null;
  if v_effective_at is null then
    return null;
  end if;
  while exists (select from policy_versions v where v.brand_id = p_brand_id and v.policy_id = p_policy_id
                  and v.effective_at = v_effective_at) loop
    v_effective_at := v_effective_at + interval '1 millisecond';
  end loop;
  update policy_versions v set published_at = clock_timestamp(), effective_at = v_effective_at
  where v.brand_id = p_brand_id and v.policy_id = p_policy_id and v.version = p_version;
  return v_effective_at;
end $$;`;

/**
 * Records that a subject accepts a version of a policy, or does not, with its event, evidence and outbox row. The subject is
 * the one of client_id, of the CustomUserId, a new one of nobody, or, where both are given, the CustomUserId's, whom a
 * nobody behind client_id then turns out to be. Outcomes: 0 recorded, 1 no such ClientId, 2 the two are not the same, 3 no such
 * version, 4 a version that was superseded (current_version says by which), 5 nothing is published yet.
 */
const RECORD_POLICY_CONSENT = `
create function record_policy_consent(p_brand_id integer, p_policy_id uuid, p_act json) returns table (
  outcome integer, current_version text, client_id bytea, created_at timestamptz)
language plpgsql rows 1
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
#variable_conflict use_column
declare
  a policy_act := json_populate_record(null::policy_act, p_act);
  s subjects%rowtype;
  t subjects%rowtype;
  v policy_versions%rowtype;
  v_text policy_texts%rowtype;
  v_current text;
  v_now timestamptz := clock_timestamp();
  v_seq bigint;
  v_before integer;
  v_after integer := case when a.is_given then 2 else 1 end;
begin
  select x.version into v_current from policy_versions x
  where x.policy_id = p_policy_id and x.brand_id + 0 = p_brand_id and x.effective_at <= v_now
  order by x.effective_at desc limit 1;
  current_version := v_current;
  outcome := case when coalesce(a.version, v_current) is null then 5 end;
  if outcome is null then
    select * into v from policy_versions x
    where x.policy_id = p_policy_id and x.version = coalesce(a.version, v_current) and x.brand_id + 0 = p_brand_id
      and x.published_at is not null;
    outcome := case when v.version is null then 3
      when a.is_given and v.version <> v_current and v.effective_at <= v_now then 4 end;
  end if;
  if outcome is not null then
    return next;
    return;
  end if;

  if a.client_id is not null then
    select * into s from subjects x where x.client_id = a.client_id and x.brand_id + 0 = p_brand_id;
    -- Only who is nobody yet can turn out to be somebody meanwhile; and nobody is always locked before somebody.
    if s.namespace = 3 then
      select * into s from subjects x where x.client_id = a.client_id and x.brand_id + 0 = p_brand_id for update;
    end if;
    select * into t from subjects x where x.client_id = coalesce(s.linked_to, s.client_id) and x.brand_id + 0 = p_brand_id for update;
    outcome := case when t.client_id is null then 1
      when a.custom_user_id is not null and t.namespace <> 3
        and (t.namespace, t.custom_user_id) <> (a.namespace, a.custom_user_id) then 2 end;
    if outcome is not null then
      return next;
      return;
    end if;
  end if;
  if a.custom_user_id is not null and t.custom_user_id is null then
    -- Of several first uses at once one makes the subject; the others wait here and find it below.
    insert into subjects (client_id, brand_id, player_id, namespace, custom_user_id)
    select a.new_client_id, p_brand_id, a.player_id, a.namespace, a.custom_user_id
    where not exists (select from subjects x where x.brand_id = p_brand_id and x.namespace = a.namespace
                        and x.custom_user_id = a.custom_user_id)
    on conflict do nothing;
    select * into t from subjects x
    where x.brand_id = p_brand_id and x.namespace = a.namespace and x.custom_user_id = a.custom_user_id for update;
    if s.client_id is not null then
      update subjects x set linked_to = t.client_id where x.client_id = s.client_id and x.brand_id + 0 = p_brand_id;
      update policy_consents c set subject_id = t.client_id where c.subject_id = s.client_id and c.brand_id + 0 = p_brand_id;
    end if;
  elsif a.client_id is null then
    insert into subjects (client_id, brand_id, player_id, namespace) values (a.new_client_id, p_brand_id, a.player_id, 3);
    select * into t from subjects x where x.client_id = a.new_client_id and x.brand_id + 0 = p_brand_id for update;
  end if;

  select * into v_text from policy_texts x
  where x.policy_id = p_policy_id and x.version = v.version and x.language = any (a.languages) and x.brand_id + 0 = p_brand_id
  order by array_position(a.languages, x.language) limit 1;
  select case when c.is_given then 2 else 1 end into v_before from policy_consents c
  where c.subject_id = t.client_id and c.policy_id = p_policy_id and c.client_id = t.client_id and c.brand_id + 0 = p_brand_id
  order by c.created_at desc, c.id desc limit 1;
  v_before := coalesce(v_before, 0);
  select greatest(clock_timestamp(), max(c.created_at) + interval '1 microsecond') into v_now from policy_consents c
  where c.subject_id = t.client_id and c.policy_id = p_policy_id and c.brand_id + 0 = p_brand_id;
  if t.namespace = 1 and t.player_id = t.custom_user_id then
    insert into marketing_states as m (brand_id, player_id, seq, is_player) values (p_brand_id, t.player_id, 1, false)
    on conflict (brand_id, player_id) do update set seq = m.seq + 1 returning m.seq into v_seq;
  else
    update subjects x set seq = x.seq + 1 where x.client_id = t.client_id and x.brand_id + 0 = p_brand_id
    returning x.seq into v_seq;
  end if;
  insert into policy_consents (id, brand_id, client_id, subject_id, policy_id, version, version_at, language, is_given, is_assumed,
    created_at, seq, uri, domain_id, ip, proxified_ip, user_agent, city, state, country, client_session_id, device_manufacturer,
    sdk_version, os_version, mobile_application_id)
  values (a.act_id, p_brand_id, t.client_id, t.client_id, p_policy_id, v.version, v.effective_at, coalesce(v_text.language, a.languages[1]),
    a.is_given, a.version is null, v_now, v_seq, a.uri, a.domain_id, a.ip, a.proxified_ip, a.user_agent, a.city, a.state, a.country,
    a.client_session_id, a.device_manufacturer, a.sdk_version, a.os_version, a.mobile_application_id);
  insert into consent_events (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel, target_id,
    actor, source, detail, evidence_hash)
  values (p_brand_id, t.player_id, v_seq, v_now, v_now, a.act_id, v_before, v_after,
    case when v_before = v_after then 4 when v_after = 2 then 1 when v_before = 0 then 10 else 3 end, 31, p_policy_id,
    a.actor, a.source,
    jsonb_strip_nulls(jsonb_build_object('version', v.version, 'language', v_text.language,
      'text_hash', encode(v_text.html_hash, 'hex'), 'assumed', case when a.version is null then true end)),
    sha256(a.salt || convert_to(a.evidence, 'UTF8')));
  insert into event_evidence (brand_id, player_id, act_id, recorded_at, salt, evidence)
  values (p_brand_id, t.player_id, a.act_id, v_now, a.salt, a.evidence);
  insert into outbox (brand_id, player_id, kind, lane, seq, created_at, next_attempt_at, target_id)
  select p_brand_id, t.player_id, 3, 2, v_seq, v_now, v_now, p_policy_id
  where exists (select from webhook_subscriptions w where w.brand_id = p_brand_id and w.disabled_at is null);
  outcome := 0;
  client_id := coalesce(case when a.custom_user_id is null then s.client_id end, t.client_id);
  created_at := v_now;
  return next;
end $$;`;
