-- Universal consents of the baselines: laid out like the service's tables, with every index that its list needs.
set search_path = baseline;

create table subjects (
  client_id bytea not null,
  brand_id integer not null,
  namespace smallint not null,
  custom_user_id text collate "C",
  created_at timestamptz not null default now(),
  constraint pk_subjects primary key (client_id)
);
create unique index ux_subjects_custom_user_id on subjects (brand_id, namespace, custom_user_id);

create table universal_consents (
  brand_id integer not null,
  id uuid not null,
  client_id bytea not null,
  reference text collate "C" not null,
  consent_type text collate "C" not null,
  level smallint not null,
  uri text,
  metadata text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  seq bigint not null,
  ip text,
  proxified_ip text,
  user_agent text,
  city text,
  state text,
  country text,
  constraint pk_universal_consents primary key (id)
);
create unique index ux_universal_consents_reference on universal_consents (client_id, reference);
create index ix_universal_consents_updated_at on universal_consents (brand_id, updated_at, id);
create index ix_universal_consents_reference on universal_consents (brand_id, reference, updated_at, id);
create index ix_universal_consents_consent_type on universal_consents (brand_id, consent_type, updated_at, id);
create index ix_universal_consents_level on universal_consents (brand_id, level, updated_at, id);
create index ix_universal_consents_ip on universal_consents (brand_id, ip, updated_at, id);
create index ix_universal_consents_user_agent on universal_consents
  (brand_id, hashtextextended(user_agent, 0), updated_at, id);
create index ix_universal_consents_city on universal_consents (brand_id, city, updated_at, id);
create index ix_universal_consents_state on universal_consents (brand_id, state, updated_at, id);
create index ix_universal_consents_country on universal_consents (brand_id, country, updated_at, id);
create index ix_universal_consents_client_id on universal_consents (client_id, updated_at, id);

create table event_evidence (
  brand_id integer not null,
  player_id text collate "C" not null,
  act_id uuid not null,
  recorded_at timestamptz not null,
  salt bytea not null,
  evidence text not null,
  constraint pk_event_evidence primary key (brand_id, player_id, act_id, recorded_at)
) partition by range (recorded_at);
create table event_evidence_default partition of event_evidence default;
do $$
declare
  v_month timestamp := date_trunc('month', now() at time zone 'UTC');
begin
  for n in 0..3 loop
    execute format('create table %I partition of event_evidence for values from (%L) to (%L)',
      'event_evidence_' || to_char(v_month, 'YYYY_MM'), v_month at time zone 'UTC',
      (v_month + interval '1 month') at time zone 'UTC');
    v_month := v_month + interval '1 month';
  end loop;
end $$;

-- One round trip for the four writes; answers when the record was created.
create function baseline.record_consent(
  p_brand_id integer, p_client_id bytea, p_custom_user_id text, p_id uuid, p_reference text, p_consent_type text,
  p_level smallint, p_uri text, p_metadata text, p_ip text, p_proxified_ip text, p_user_agent text,
  p_act_id uuid, p_salt bytea, p_evidence text, p_evidence_hash bytea, p_actor text, p_source text
) returns timestamptz
language plpgsql as $$
declare
  v_before smallint;
  v_seq bigint;
  v_created_at timestamptz;
begin
  insert into baseline.subjects (client_id, brand_id, namespace, custom_user_id)
  values (p_client_id, p_brand_id, 1, p_custom_user_id)
  on conflict (brand_id, namespace, custom_user_id) do nothing;

  select level into v_before from baseline.universal_consents
  where client_id = p_client_id and reference = p_reference for update;

  insert into baseline.universal_consents as u (brand_id, id, client_id, reference, consent_type, level, uri, metadata,
    created_at, updated_at, seq, ip, proxified_ip, user_agent)
  values (p_brand_id, p_id, p_client_id, p_reference, p_consent_type, p_level, p_uri, p_metadata,
    now(), now(), 1, p_ip, p_proxified_ip, p_user_agent)
  on conflict (client_id, reference) do update set
    consent_type = excluded.consent_type, level = excluded.level, uri = excluded.uri, metadata = excluded.metadata,
    updated_at = excluded.updated_at, seq = u.seq + 1,
    ip = excluded.ip, proxified_ip = excluded.proxified_ip, user_agent = excluded.user_agent
  returning u.seq, u.created_at into v_seq, v_created_at;

  insert into baseline.consent_events (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind,
    channel, actor, source, detail, evidence_hash)
  values (p_brand_id, p_custom_user_id, v_seq, now(), now(), p_act_id, coalesce(v_before, 0), p_level,
    case when v_before is null then 1 when p_level = 0 then 3 else 2 end, 20, p_actor, p_source,
    jsonb_build_object('reference', p_reference, 'consent_type', p_consent_type), p_evidence_hash);

  insert into baseline.event_evidence (brand_id, player_id, act_id, recorded_at, salt, evidence)
  values (p_brand_id, p_custom_user_id, p_act_id, now(), p_salt, p_evidence);
  return v_created_at;
end $$;
