import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Consent of anyone to anything: who, to what, and the one act that records it. */
export class UniversalConsents1764000000004 implements MigrationInterface {
  name = 'UniversalConsents1764000000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(RECORD_UNIVERSAL_CONSENTS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop function record_universal_consents(integer, json);
      drop type universal_act;
      drop table universal_consents, subjects`);
  }
}

const TABLES = `
create table subjects (
  client_id bytea not null,
  brand_id integer not null,
  player_id text collate "C" not null,
  namespace smallint not null,
  custom_user_id text collate "C",
  linked_to bytea,
  seq bigint not null default 0,
  created_at timestamptz not null default now(),
  constraint pk_subjects primary key (client_id),
  constraint uq_subjects_custom_user_id unique (brand_id, namespace, custom_user_id),
  constraint fk_subjects_linked_to foreign key (linked_to) references subjects (client_id),
  constraint fk_subjects_brand foreign key (brand_id) references brands (id),
  constraint ck_subjects_namespace check (namespace between 1 and 3)
) with (fillfactor = 85);
create index ix_subjects_linked_to on subjects (linked_to) where linked_to is not null;
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
  ip text collate "C",
  proxified_ip text collate "C",
  user_agent text collate "C",
  user_agent_hash bigint,
  city text collate "C",
  state text collate "C",
  country text collate "C",
  constraint pk_universal_consents primary key (id),
  constraint uq_universal_consents_subject unique (client_id, reference),
  constraint fk_universal_consents_subject foreign key (client_id) references subjects (client_id),
  constraint ck_universal_consents_level check (level between 1 and 3)
) with (autovacuum_vacuum_scale_factor = 0.02);
-- One for each filter of the list, in the order of its pages; consents/universal/universal-list.service.ts chooses.
create index ix_universal_consents_updated_at on universal_consents (brand_id, updated_at, id);
-- Two have a condition that always holds, each its own: a statement that does not repeat it cannot take the index. All look
-- alike on the empty table that a statement may have been planned on.
create index ix_universal_consents_client on universal_consents (client_id, updated_at, id) where seq > 0;
create index ix_universal_consents_reference on universal_consents (brand_id, reference, updated_at, id) where level > 0;
create index ix_universal_consents_type on universal_consents (brand_id, consent_type, updated_at, id);
create index ix_universal_consents_level on universal_consents (brand_id, level, updated_at, id);
create index ix_universal_consents_ip on universal_consents (brand_id, ip, updated_at, id);
create index ix_universal_consents_user_agent on universal_consents (brand_id, user_agent_hash, updated_at, id);
create index ix_universal_consents_city on universal_consents (brand_id, city, updated_at, id) where city is not null;
create index ix_universal_consents_state on universal_consents (brand_id, state, updated_at, id) where state is not null;
create index ix_universal_consents_country on universal_consents (brand_id, country, updated_at, id) where country is not null;
create type universal_act as (
  namespace smallint,
  client_id bytea,
  custom_user_id text,
  player_id text,
  record_id uuid,
  act_id uuid,
  reference text,
  consent_type text,
  level smallint,
  uri text,
  metadata text,
  actor text,
  source text,
  salt bytea,
  evidence text,
  ip text,
  proxified_ip text,
  user_agent text,
  city text,
  state text,
  country text
);`;

/**
 * Records consents, each with its event, evidence and outbox row: several acts in one transaction, under the locks of their
 * subjects. An act with a namespace makes its subject if need be and replaces the record of its reference; one
 * without (namespace 0) changes what is given (level, metadata) of a record that is there. Answers each act's place, its
 * outcome (0 written, 1 nothing to change, 2 no such record) and the record after it. Where a key tells the row, "+ 0" keeps
 * the brand from leading the planner, on tables that were empty when it planned, to an index that begins with it.
 */
const RECORD_UNIVERSAL_CONSENTS = `
create function record_universal_consents(p_brand_id integer, p_acts json) returns table (
  item integer, outcome smallint, id uuid, client_id bytea, custom_user_id text, reference text, consent_type text,
  level smallint, uri text, metadata text, created_at timestamptz, updated_at timestamptz)
language plpgsql rows 20
-- Whoever waits longer than that fails, and its neighbours are told apart from it.
set lock_timeout = '3s'
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
#variable_conflict use_column
declare
  v_acts universal_act[];
  v_subjects bytea[];
  v_streams text[];
  v_seqs bigint[];
  v_times timestamptz[];
  v_befores smallint[];
  v_levels smallint[];
  v_ids uuid[];
  v_now timestamptz;
  v_seq bigint;
  v_before smallint;
  i integer;
  a record;
  s subjects%rowtype;
  u universal_consents%rowtype;
begin
  select array_agg(json_populate_record(null::universal_act, e.value) order by e.ordinality) into v_acts
  from json_array_elements(p_acts) with ordinality e;
  v_seqs := array_fill(null::bigint, array[cardinality(v_acts)]);
  v_streams := v_seqs::text[];
  v_times := array_fill(null::timestamptz, array[cardinality(v_acts)]);
  v_befores := v_seqs::smallint[];
  v_levels := v_befores;
  v_ids := array_fill(null::uuid, array[cardinality(v_acts)]);

  -- First whatever is new is made, then everything is locked, each in one order, so that no two calls wait for each other: of
  -- several first uses at once one makes the subject, the others wait here and find it.
  insert into subjects (client_id, brand_id, player_id, namespace, custom_user_id)
  select t.client_id, p_brand_id, t.player_id, t.namespace, t.custom_user_id from unnest(v_acts) t where t.namespace > 0
  order by t.namespace, t.custom_user_id collate "C", t.client_id
  on conflict do nothing;
  select array_agg(coalesce(k.client_id, t.client_id) order by t.ordinality) into v_subjects
  from unnest(v_acts) with ordinality t
  left join lateral (
    select x.client_id from subjects x
    where x.brand_id = p_brand_id and x.namespace = t.namespace and x.custom_user_id = t.custom_user_id limit 1
  ) k on t.custom_user_id is not null;
  perform 1 from (select distinct id from unnest(v_subjects) as d (id) order by id) d
  cross join lateral (
    select 1 from subjects x where x.client_id = d.id and x.brand_id + 0 = p_brand_id limit 1 for update) l;
  insert into marketing_states (brand_id, player_id, is_player)
  select distinct p_brand_id, t.player_id, false from unnest(v_acts) t
  where t.namespace = 1 and t.player_id = t.custom_user_id order by 2
  on conflict do nothing;
  perform 1 from (
    select distinct x.player_id from unnest(v_subjects) as d (id)
    cross join lateral (
      select y.player_id from subjects y where y.client_id = d.id and y.brand_id + 0 = p_brand_id
        and y.namespace = 1 and y.player_id = y.custom_user_id limit 1) x
    order by 1) h
  cross join lateral (
    select 1 from marketing_states m where m.brand_id = p_brand_id and m.player_id = h.player_id limit 1 for update) l;

  for a in select t.* from unnest(v_acts) with ordinality t order by t.ordinality loop
    i := a.ordinality;
    select * into s from subjects x where x.client_id = v_subjects[i] and x.brand_id + 0 = p_brand_id;
    select * into u from universal_consents x
    where x.client_id = s.client_id and x.reference = a.reference and x.brand_id + 0 = p_brand_id;
    item := i;
    v_before := coalesce(u.level, 0);
    if a.namespace = 0 then
      outcome := case when u.id is null then 2
        when coalesce(a.level, u.level) = u.level and coalesce(a.metadata, u.metadata, '') = coalesce(u.metadata, '') then 1 else 0 end;
      u.level := coalesce(a.level, u.level);
      u.metadata := coalesce(a.metadata, u.metadata);
    else
      outcome := 0;
      u.level := a.level;
      u.metadata := a.metadata;
      u.uri := a.uri;
      u.consent_type := a.consent_type;
    end if;

    if outcome = 0 then
      if s.namespace = 1 and s.player_id = s.custom_user_id then
        update marketing_states m set seq = m.seq + 1 where m.brand_id = p_brand_id and m.player_id = s.player_id
        returning m.seq into v_seq;
      else
        update subjects x set seq = x.seq + 1 where x.client_id = s.client_id and x.brand_id + 0 = p_brand_id
        returning x.seq into v_seq;
      end if;
      v_now := greatest(clock_timestamp(), u.updated_at);
      u.updated_at := v_now;
      if u.id is null then
        u.id := a.record_id;
        u.created_at := v_now;
        insert into universal_consents (brand_id, id, client_id, reference, consent_type, level, uri, metadata, created_at,
          updated_at, seq, ip, proxified_ip, user_agent, user_agent_hash, city, state, country)
        values (p_brand_id, u.id, s.client_id, a.reference, u.consent_type, u.level, u.uri, u.metadata, v_now, v_now, v_seq,
          a.ip, a.proxified_ip, a.user_agent, hashtextextended(a.user_agent, 0), a.city, a.state, a.country);
      else
        update universal_consents x set consent_type = u.consent_type, level = u.level, uri = u.uri, metadata = u.metadata,
          updated_at = v_now, seq = v_seq, ip = a.ip, proxified_ip = a.proxified_ip, user_agent = a.user_agent,
          user_agent_hash = hashtextextended(a.user_agent, 0), city = a.city, state = a.state, country = a.country
        where x.client_id = s.client_id and x.reference = a.reference and x.brand_id + 0 = p_brand_id;
      end if;
      v_streams[i] := s.player_id;
      v_seqs[i] := v_seq;
      v_times[i] := v_now;
      v_befores[i] := v_before;
      v_levels[i] := u.level;
      v_ids[i] := u.id;
      if a.namespace = 0 then
        -- Beside each event stands the record as it was then, so that a webhook says the same at every attempt.
        v_acts[i].evidence := (a.evidence::jsonb
          || jsonb_build_object('uri', u.uri, 'consent_type', u.consent_type, 'metadata', u.metadata))::text;
      end if;
    end if;
    id := u.id;
    client_id := s.client_id;
    custom_user_id := s.custom_user_id;
    reference := a.reference;
    consent_type := u.consent_type;
    level := u.level;
    uri := u.uri;
    metadata := u.metadata;
    created_at := u.created_at;
    updated_at := u.updated_at;
    return next;
  end loop;

  insert into consent_events (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel,
    target_id, actor, source, evidence_hash)
  select p_brand_id, w.player_id, w.seq, w.at, w.at, t.act_id, w.before, w.level,
    case when w.before = w.level then case when t.namespace = 0 then 2 else 4 end
      when w.before <= 1 and w.level > 1 then 1 when w.before = 0 then 10 when w.level = 1 then 3 else 2 end,
    30, w.id, t.actor, t.source, sha256(t.salt || convert_to(t.evidence, 'UTF8'))
  from unnest(v_acts) with ordinality t
  join unnest(v_streams, v_seqs, v_times, v_befores, v_levels, v_ids) with ordinality
    as w (player_id, seq, at, before, level, id, place) on w.place = t.ordinality
  where w.seq is not null;
  insert into event_evidence (brand_id, player_id, act_id, recorded_at, salt, evidence)
  select p_brand_id, v_streams[t.ordinality], t.act_id, v_times[t.ordinality], t.salt, t.evidence
  from unnest(v_acts) with ordinality t where v_seqs[t.ordinality] is not null;
  insert into outbox (brand_id, player_id, kind, lane, seq, created_at, next_attempt_at, target_id)
  select p_brand_id, w.player_id, 3, 2, w.seq, w.at, w.at, w.id
  from unnest(v_streams, v_seqs, v_times, v_ids) as w (player_id, seq, at, id)
  where w.seq is not null
    and exists (select from webhook_subscriptions x where x.brand_id = p_brand_id and x.disabled_at is null)
  order by w.at;
end $$;`;
