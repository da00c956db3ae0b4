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
  item integer,
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
 * without (namespace 0) changes what is given (level, metadata) of a record that is there. Answers each act's place and the
 * record after it; nothing for a change of what is not there. Where a key tells the row, "+ 0" keeps
 * the brand from leading the planner, on tables that were empty when it planned, to an index that begins with it.
 */
const RECORD_UNIVERSAL_CONSENTS = `
create function record_universal_consents(p_brand_id integer, p_acts json) returns table (
  item integer, id uuid, client_id bytea, custom_user_id text, reference text, consent_type text,
  level smallint, uri text, metadata text, created_at timestamptz, updated_at timestamptz)
language plpgsql rows 20
-- Whoever waits longer than that fails, and its neighbours are told apart from it.
set lock_timeout = '3s'
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
#variable_conflict use_column
declare
  v_acts universal_act[];
  v_subjects bytea[];
  v_turns bigint[];
  v_last bigint;
  v_players text[];
begin
  select array_agg(t order by t.item) into v_acts from json_populate_recordset(null::universal_act, p_acts) t;

  -- First whatever is new is made, then everything is locked, each in one order, so that no two calls wait for each other: of
  -- several first uses at once one makes the subject, the others wait here and find it.
  insert into subjects (client_id, brand_id, player_id, namespace, custom_user_id)
  select t.client_id, p_brand_id, t.player_id, t.namespace, t.custom_user_id from unnest(v_acts) t
  where t.namespace > 0 and (
    select x.client_id from subjects x
    where x.brand_id = p_brand_id and x.namespace = t.namespace and x.custom_user_id = t.custom_user_id limit 1) is null
  order by t.namespace, t.custom_user_id collate "C", t.client_id
  on conflict do nothing;
  select array_agg(k.client_id order by k.item), array_agg(k.turn order by k.item), max(k.turn) into v_subjects, v_turns, v_last
  from (
    select t.item, s.client_id, row_number() over (partition by s.client_id order by t.item) as turn
    from unnest(v_acts) t
    cross join lateral (select coalesce((
      select x.client_id from subjects x
      where x.brand_id = p_brand_id and x.namespace = t.namespace and x.custom_user_id = t.custom_user_id limit 1
    ), t.client_id) as client_id offset 0) s) k;
  select array_agg(l.player_id order by l.player_id) filter (where l.is_player) into v_players
  from (select distinct d.id from unnest(v_subjects) as d (id) order by d.id) d
  cross join lateral (
    select x.player_id, x.namespace = 1 and x.player_id = x.custom_user_id as is_player from subjects x
    where x.client_id = d.id and x.brand_id + 0 = p_brand_id limit 1 for update) l;
  if v_players is not null then
    insert into marketing_states (brand_id, player_id, is_player)
    select p_brand_id, h.player_id, false from unnest(v_players) as h (player_id) order by 2
    on conflict do nothing;
    perform 1 from (select h.player_id from unnest(v_players) as h (player_id) order by 1) h
    cross join lateral (
      select 1 from marketing_states m where m.brand_id = p_brand_id and m.player_id = h.player_id limit 1 for update) l;
  end if;

  -- Of several acts of a subject each takes its turn. What has a key is changed by it, whatever was planned: "on conflict".
  for v_turn in 1..v_last loop
    return query with found as (
      select t.*, s.client_id as subject, s.custom_user_id as known_as, s.player_id as stream, s.namespace as subject_namespace,
        m.seq is not null as is_player, coalesce(m.seq, s.seq) + 1 as next_seq, u.id as old_id, u.created_at as old_created_at,
        u.updated_at as old_updated_at, coalesce(u.level, 0::smallint) as old_level, u.uri as old_uri,
        u.consent_type as old_type, u.metadata as old_metadata, greatest(clock_timestamp(), u.updated_at) as at
      from unnest(v_acts) t
      cross join lateral (
        select x.* from subjects x where x.client_id = v_subjects[t.item] and x.brand_id + 0 = p_brand_id limit 1) s
      left join lateral (
        select y.seq from marketing_states y where y.brand_id = p_brand_id and y.player_id = s.player_id limit 1
      ) m on s.namespace = 1 and s.player_id = s.custom_user_id
      left join lateral (
        select x.* from universal_consents x
        where x.client_id = s.client_id and x.reference = t.reference and x.brand_id + 0 = p_brand_id limit 1
      ) u on true
      where v_turns[t.item] = v_turn and (t.namespace > 0 or u.id is not null)
    ), after as (
      select f.*, coalesce(f.old_id, f.record_id) as new_id, coalesce(f.old_created_at, f.at) as new_created_at,
        n.uri as new_uri, n.consent_type as new_type, n.level as new_level, n.metadata as new_metadata,
        f.namespace > 0 or n.level <> f.old_level or coalesce(n.metadata, '') <> coalesce(f.old_metadata, '') as is_act,
        -- Beside each event stands the record as it was then, so that a webhook says the same at every attempt.
        case when f.namespace > 0 then f.evidence else (f.evidence::jsonb || jsonb_build_object(
          'uri', n.uri, 'consent_type', n.consent_type, 'metadata', n.metadata))::text end as proof
      from found f
      cross join lateral (
        select f.uri, f.consent_type, f.level, f.metadata where f.namespace > 0
        union all
        select f.old_uri, f.old_type, coalesce(f.level, f.old_level), coalesce(f.metadata, f.old_metadata) where f.namespace = 0
      ) n
    ), works as materialized (
      select * from after
    ), of_subjects as (
      insert into subjects as x (client_id, brand_id, player_id, namespace, custom_user_id, seq)
      select w.subject, p_brand_id, w.stream, w.subject_namespace, w.known_as, w.next_seq from works w
      where w.is_act and not w.is_player
      on conflict on constraint pk_subjects do update set seq = excluded.seq
    ), of_players as (
      insert into marketing_states as x (brand_id, player_id, is_player, seq)
      select p_brand_id, w.stream, false, w.next_seq from works w where w.is_act and w.is_player
      on conflict (brand_id, player_id) do update set seq = excluded.seq
    ), records as (
      insert into universal_consents (brand_id, id, client_id, reference, consent_type, level, uri, metadata, created_at,
        updated_at, seq, ip, proxified_ip, user_agent, user_agent_hash, city, state, country)
      select p_brand_id, w.new_id, w.subject, w.reference, w.new_type, w.new_level, w.new_uri, w.new_metadata, w.new_created_at,
        w.at, w.next_seq, w.ip, w.proxified_ip, w.user_agent, hashtextextended(w.user_agent, 0), w.city, w.state, w.country
      from works w where w.is_act
      on conflict on constraint uq_universal_consents_subject do update set consent_type = excluded.consent_type,
        level = excluded.level, uri = excluded.uri, metadata = excluded.metadata, updated_at = excluded.updated_at,
        seq = excluded.seq, ip = excluded.ip, proxified_ip = excluded.proxified_ip, user_agent = excluded.user_agent,
        user_agent_hash = excluded.user_agent_hash, city = excluded.city, state = excluded.state, country = excluded.country
    ), events as (
      insert into consent_events (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel,
        target_id, actor, source, evidence_hash)
      select p_brand_id, w.stream, w.next_seq, w.at, w.at, w.act_id, w.old_level, w.new_level,
        case when w.old_level = w.new_level then case when w.namespace = 0 then 2 else 4 end
          when w.old_level <= 1 and w.new_level > 1 then 1 when w.old_level = 0 then 10 when w.new_level = 1 then 3 else 2 end,
        30, w.new_id, w.actor, w.source, sha256(w.salt || convert_to(w.proof, 'UTF8'))
      from works w where w.is_act
    ), proofs as (
      insert into event_evidence (brand_id, player_id, act_id, recorded_at, salt, evidence)
      select p_brand_id, w.stream, w.act_id, w.at, w.salt, w.proof from works w where w.is_act
    ), outgoing as (
      insert into outbox (brand_id, player_id, kind, lane, seq, created_at, next_attempt_at, target_id)
      select p_brand_id, w.stream, 3, 2, w.next_seq, w.at, w.at, w.new_id from works w
      where w.is_act and exists (select from webhook_subscriptions x where x.brand_id = p_brand_id and x.disabled_at is null)
      order by w.at
    )
    select w.item, w.new_id, w.subject, w.known_as, w.reference, w.new_type, w.new_level, w.new_uri, w.new_metadata,
      w.new_created_at, case when w.is_act then w.at else w.old_updated_at end
    from works w;
  end loop;
end $$;`;
