import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The one act "change a marketing consent", set-based, and what keeps the events' table in order. */
export class MarketingConsentFunctions1764000000002 implements MigrationInterface {
  name = 'MarketingConsentFunctions1764000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(END_EXCLUSIONS);
    await runner.query(REFUSE_LOST_RACE);
    await runner.query(RECORD_CHANGES);
    await runner.query(RECORD_BLOCKS);
    await runner.query(APPEND_ONLY);
    await runner.query(PARTITIONS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop trigger consent_events_append_only on consent_events;
      drop trigger consent_events_no_truncate on consent_events;
      drop function refuse_change() cascade;
      drop function ensure_event_partitions(timestamptz, integer),
        record_block_change(integer, text, uuid, text, text, boolean, timestamptz, text, boolean, text, bytea, text),
        record_marketing_changes(integer, boolean, boolean, uuid[], text[], bytea[], text[],
          integer[], text[], smallint[], integer[], timestamptz[], text[]),
        refuse_lost_race(bigint, bigint), end_expired_exclusions(integer, text[], integer)`);
  }
}

/**
 * Ends exclusions whose time is over: the listed players of a brand, or (both null) anybody's, at most p_limit.
 * Returns how many ended. Nothing that was granted before the exclusion comes back.
 */
const END_EXCLUSIONS = `
create function end_expired_exclusions(p_brand_id integer, p_players text[], p_limit integer) returns integer
language plpgsql as $$
declare
  v_ended integer;
begin
  with due as materialized (
    select brand_id, player_id, excluded_until, seq + 1 as seq
    from marketing_states
    where excluded_until <= clock_timestamp()
      and (p_brand_id is null or (brand_id = p_brand_id and player_id = any (p_players)))
    order by brand_id, player_id limit p_limit
    for update skip locked
  ), ended as (
    update marketing_states s set excluded = false, excluded_until = null, seq = d.seq,
      email_set_at = greatest(email_set_at, d.excluded_until), sms_set_at = greatest(sms_set_at, d.excluded_until),
      telephone_set_at = greatest(telephone_set_at, d.excluded_until),
      post_mail_set_at = greatest(post_mail_set_at, d.excluded_until),
      site_notification_set_at = greatest(site_notification_set_at, d.excluded_until),
      push_notification_set_at = greatest(push_notification_set_at, d.excluded_until),
      chat_set_at = greatest(chat_set_at, d.excluded_until)
    from due d where s.brand_id = d.brand_id and s.player_id = d.player_id
  ), noted as (
    update player_blocks b set excluded_note = ''
    from due d where b.brand_id = d.brand_id and b.player_id = d.player_id
  ), told as (
    insert into outbox (brand_id, player_id, kind, seq)
    select d.brand_id, d.player_id, 2, d.seq from due d join brands b on b.id = d.brand_id where b.crm_enabled
  ), events as (
    insert into consent_events
      (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel, actor, source)
    select brand_id, player_id, seq, clock_timestamp(), excluded_until, gen_random_uuid(), 1, 0, 6, 20, 'system', 'expiry'
    from due
    returning 1
  )
  select count(*) into v_ended from events;
  return v_ended;
end $$;`;

/**
 * Undoes a call that lost a race for a new player: another caller has made the state since this one locked what there was, so
 * it is not locked and its blocks were not looked at. The call must be made again.
 */
const REFUSE_LOST_RACE = `
create function refuse_lost_race(p_expected bigint, p_found bigint) returns boolean language plpgsql as $$
begin
  if p_expected <> p_found then
    raise exception 'another writer has just created a player of this call' using errcode = '40001';
  end if;
  return false;
end $$;`;

/**
 * Items are changes asked for: (act, player, channel, target mask, when, source), in order. A target below 0 takes the products
 * of its opposite away, and with the last of them, or where there are none, the channel. An act is what one caller asked for at once; with p_atomic a refused item refuses its whole act. Outcomes: 0 applied, 1 unchanged, 2 stale,
 * refused because the player is 3 excluded or 4 blocked, or 5 because another item of the act was. Answers, with p_atomic,
 * a row per item with its outcome and a row per player with the state after it; without, a row per refused item and a
 * count per other outcome. A mask that the brand's rules do not allow raises PC001: the caller's catalogue is old.
 */
const RECORD_CHANGES = `
create function record_marketing_changes(
  p_brand_id integer, p_atomic boolean, p_dry_run boolean,
  p_act_ids uuid[], p_actors text[], p_salts bytea[], p_evidence text[],
  p_acts integer[], p_players text[], p_channels smallint[], p_targets integer[], p_occurred timestamptz[], p_sources text[]
) returns table (
  item integer, outcome smallint, items integer, player_id text, email integer, sms integer, telephone integer,
  post_mail integer, site_notification integer, push_notification integer, chat integer, excluded boolean, blocked boolean)
language plpgsql rows 20
-- One plan for any size of the tables: statistics of an empty table must not lead to scans of a full one. For the same
-- reason every look-up of a state is a lateral probe of the primary key, which leaves the planner no choice.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
#variable_conflict use_column
declare
  v_now timestamptz;
  v_brand brands%rowtype;
  v_players integer;
  v_known integer;
  v_expired boolean;
  v_silenced boolean;
  v_refused_acts integer[];
  p record;
  i integer;
  v_items integer[];
  v_masks integer[];
  v_set_at timestamptz[];
  v_seq bigint;
  v_silent boolean;
  v_settles boolean;
  v_outcome integer;
  v_channel smallint;
  v_target integer;
  v_before integer;
  v_next integer;
  v_instant timestamptz;
  v_was_set_at timestamptz;
  v_occurred timestamptz;
  v_outcomes integer[] := array_fill(0, array[cardinality(p_acts)]);
  v_event_items integer[] := '{}';
  v_event_seqs bigint[] := '{}';
  v_event_befores integer[] := '{}';
  v_event_times timestamptz[] := '{}';
  v_stale integer := 0;
  v_refused integer := 0;
  v_found bigint := 0;
  v_rows tid[] := '{}';
  v_settled boolean[] := '{}';
  v_changed boolean[] := '{}';
  v_states marketing_states[] := '{}';
  v_updated bigint := 0;
  v_inserted bigint;
begin
  -- Shared with every other change; whoever takes a product away holds it exclusively.
  perform pg_advisory_xact_lock_shared(2001, p_brand_id);
  select * into v_brand from brands where id = p_brand_id;
  perform 1 from unnest(p_targets, p_channels) as t (target, channel)
  where (t.target > 0 and t.target & ~(v_brand.products_mask | 1) <> 0)
     or (t.target = 1 and v_brand.products_required_on & (1 << t.channel) <> 0);
  if found then
    raise exception 'the catalogue of brand % has changed', p_brand_id using errcode = 'PC001';
  end if;

  -- Interactive calls first make their players and then lock them, each in one order, so that no two of them wait for each
  -- other. A bulk call locks as it goes and makes players last; where that collides with another call, PostgreSQL ends one
  -- of the two, and it is made again.
  if p_atomic then
    select count(*), count(l.found) into v_players, v_known
    from (select distinct p collate "C" as p from unnest(p_players) as u (p)) d
    left join lateral (
      select true as found from marketing_states s where s.brand_id = p_brand_id and s.player_id = d.p limit 1) l on true;
    if v_known < v_players and not p_dry_run then
      insert into marketing_states (brand_id, player_id)
      select distinct p_brand_id, p collate "C" from unnest(p_players) as u (p) order by 2
      on conflict do nothing;
    end if;
    select count(*), bool_or(l.excluded_until <= clock_timestamp()), bool_or(l.excluded or l.blocked)
    into v_known, v_expired, v_silenced
    from (select distinct p collate "C" as p from unnest(p_players) as u (p) order by 1) d
    cross join lateral (
      select s.excluded, s.blocked, s.excluded_until from marketing_states s
      where s.brand_id = p_brand_id and s.player_id = d.p limit 1 for update) l;
    if v_expired and not p_dry_run then
      perform end_expired_exclusions(p_brand_id, p_players, null);
    end if;
  end if;
  v_now := clock_timestamp();
  if v_silenced then
    select array_agg(i.act) into v_refused_acts
    from unnest(p_acts, p_players, p_targets) as i (act, player_id, target)
    cross join lateral (
      select s.* from marketing_states s
      where s.brand_id = p_brand_id and s.player_id = i.player_id collate "C" limit 1) s
    where i.target > 0 and (s.blocked or s.excluded and coalesce(s.excluded_until > v_now, true));
  end if;

  -- What each item changes is worked out in memory, player by player; what comes of it is written set-based below.
  for p in
    select d.player_id, d.items, s.row_id, coalesce(s.seq, 0) as seq, s.excluded_until,
      coalesce(s.excluded, false) as excluded, coalesce(s.blocked, false) as blocked,
      coalesce(s.excluded and coalesce(s.excluded_until > v_now, true), false) as excluded_now,
      case when s.row_id is null then array[0, 0, 0, 0, 0, 0, 0]
        else array[s.email, s.sms, s.telephone, s.post_mail, s.site_notification, s.push_notification, s.chat] end as masks,
      -- What is older than the end of an exclusion is stale, whether or not that end has been written yet.
      array[greatest(s.ended_at, s.email_set_at), greatest(s.ended_at, s.sms_set_at), greatest(s.ended_at, s.telephone_set_at),
        greatest(s.ended_at, s.post_mail_set_at), greatest(s.ended_at, s.site_notification_set_at),
        greatest(s.ended_at, s.push_notification_set_at), greatest(s.ended_at, s.chat_set_at)] as set_at
    from (
      select u.player_id collate "C" as player_id,
        array_agg(u.ord::integer order by case when p_atomic then 0 else u.channel end, u.ord) as items
      from unnest(p_players, p_channels) with ordinality as u (player_id, channel, ord) group by 1 order by 1) d
    left join lateral (
      select m.ctid as row_id, m.*, case when m.excluded_until <= v_now then m.excluded_until end as ended_at
      from marketing_states m where m.brand_id = p_brand_id and m.player_id = d.player_id limit 1 for update) s on true
  loop
    v_items := p.items;
    v_masks := p.masks;
    v_set_at := p.set_at;
    v_seq := p.seq;
    v_silent := p.blocked or p.excluded_now;
    v_settles := false;
    for n in 1 .. cardinality(v_items) loop
      i := v_items[n];
      v_channel := p_channels[i];
      v_target := p_targets[i];
      v_instant := p_occurred[i];
      if v_silent then
        v_outcome := case when v_target > 0 and p.excluded_now then 3 when v_target > 0 then 4
          when p_acts[i] = any (v_refused_acts) then 5 else 0 end;
        if v_outcome <> 0 then
          v_outcomes[i] := v_outcome;
          v_refused := v_refused + 1;
          continue;
        end if;
      end if;
      v_was_set_at := v_set_at[v_channel];
      if v_instant is null then
        v_occurred := greatest(v_now, v_was_set_at);
      else
        v_occurred := v_instant;
        -- Of two rows of one instant the later in the file counts, so that the same file again changes nothing.
        v_next := v_items[n + 1];
        if v_occurred < v_was_set_at
           or (p_channels[v_next] = v_channel and p_occurred[v_next] = v_occurred and (p_targets[v_next] <= 0 or not v_silent)) then
          v_outcomes[i] := 2;
          v_stale := v_stale + 1;
          continue;
        end if;
      end if;
      v_before := v_masks[v_channel];
      if v_target < 0 then
        v_target := v_before & ~(-v_target);
        v_target := case when v_target > 1 then v_target else 0 end;
        p_targets[i] := v_target;
      end if;
      if v_before <> v_target then
        v_seq := v_seq + 1;
        v_masks[v_channel] := v_target;
        v_event_items := v_event_items || i;
        v_event_seqs := v_event_seqs || v_seq;
        v_event_befores := v_event_befores || v_before;
        v_event_times := v_event_times || v_occurred;
      else
        v_outcomes[i] := 1;
        continue when v_instant is null and v_was_set_at is not null;
      end if;
      v_set_at[v_channel] := v_occurred;
      v_settles := true;
    end loop;
    v_found := v_found + (p.row_id is not null)::integer;
    if v_settles or p_atomic then
      v_rows := v_rows || p.row_id;
      v_settled := v_settled || v_settles;
      v_changed := v_changed || (v_seq > p.seq);
      v_states := v_states || row(p_brand_id, p.player_id, v_seq,
        v_masks[1], v_masks[2], v_masks[3], v_masks[4], v_masks[5], v_masks[6], v_masks[7],
        p.excluded, p.blocked, p.excluded_until,
        v_set_at[1], v_set_at[2], v_set_at[3], v_set_at[4], v_set_at[5], v_set_at[6], v_set_at[7], true)::marketing_states;
    end if;
  end loop;
  if p_atomic then
    perform refuse_lost_race(v_known, v_found);
  else
    v_now := clock_timestamp();
  end if;

  if not p_dry_run then
    if v_found > 0 then
      update marketing_states s set seq = n.seq, email = n.email, sms = n.sms, telephone = n.telephone, post_mail = n.post_mail,
        site_notification = n.site_notification, push_notification = n.push_notification, chat = n.chat,
        email_set_at = n.email_set_at, sms_set_at = n.sms_set_at, telephone_set_at = n.telephone_set_at,
        post_mail_set_at = n.post_mail_set_at, site_notification_set_at = n.site_notification_set_at,
        push_notification_set_at = n.push_notification_set_at, chat_set_at = n.chat_set_at, is_player = true
      from unnest(v_rows, v_settled, v_states) as n (row_id, settled)
      -- By the locked row's address; "+ 0" keeps the planner from reading the whole brand instead.
      where s.brand_id + 0 = p_brand_id and s.ctid = n.row_id and n.settled;
      get diagnostics v_updated = row_count;
    end if;
    insert into marketing_states (brand_id, player_id, seq, email, sms, telephone, post_mail, site_notification,
      push_notification, chat, email_set_at, sms_set_at, telephone_set_at, post_mail_set_at, site_notification_set_at,
      push_notification_set_at, chat_set_at)
    select p_brand_id, player_id, seq, email, sms, telephone, post_mail, site_notification, push_notification, chat,
      email_set_at, sms_set_at, telephone_set_at, post_mail_set_at, site_notification_set_at, push_notification_set_at,
      chat_set_at
    from unnest(v_rows, v_settled, v_states) as n (row_id, settled) where n.row_id is null and n.settled
    on conflict do nothing;
    get diagnostics v_inserted = row_count;
    perform refuse_lost_race((select count(*) from unnest(v_settled) as n (settled) where settled), v_updated + v_inserted);

    insert into consent_events (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel,
      actor, source, evidence_hash)
    select p_brand_id, p_players[e.item], e.seq, v_now, e.occurred_at, p_act_ids[p_acts[e.item]], e.before, p_targets[e.item],
      case when e.before = 0 then 1 when p_targets[e.item] = 0 then 3 else 2 end, p_channels[e.item],
      p_actors[p_acts[e.item]], p_sources[e.item],
      sha256(p_salts[p_acts[e.item]] || convert_to(p_evidence[p_acts[e.item]], 'UTF8'))
    from unnest(v_event_items, v_event_seqs, v_event_befores, v_event_times) as e (item, seq, before, occurred_at);
    insert into event_evidence (brand_id, player_id, act_id, recorded_at, salt, evidence)
    select p_brand_id, e.player_id, p_act_ids[e.act], v_now, p_salts[e.act], p_evidence[e.act]
    from (select distinct p_players[u.item] as player_id, p_acts[u.item] as act from unnest(v_event_items) as u (item)) e
    where p_atomic and p_evidence[e.act] is not null;
    if v_brand.crm_enabled then
      insert into outbox (brand_id, player_id, kind, lane, seq, created_at, next_attempt_at)
      select p_brand_id, n.player_id, 1, case when p_atomic then 0 else 1 end, n.seq, v_now, v_now
      from unnest(v_changed, v_states) as n (changed) where n.changed;
    end if;
    if exists (select from webhook_subscriptions where brand_id = p_brand_id and disabled_at is null) then
      insert into outbox (brand_id, player_id, kind, lane, seq, created_at, next_attempt_at)
      select p_brand_id, p_players[e.item], 3, 2, max(e.seq), v_now, v_now
      from unnest(v_event_items, v_event_seqs) as e (item, seq) group by p_players[e.item], p_acts[e.item] order by max(e.item);
    end if;
  end if;

  return query
  select o.item::integer, o.outcome::smallint, 1, p_players[o.item], null::integer, null::integer, null::integer, null::integer,
    null::integer, null::integer, null::integer, null::boolean, null::boolean
  from unnest(v_outcomes) with ordinality as o (outcome, item)
  where (p_atomic or v_refused > 0) and (p_atomic or o.outcome > 2)
  union all
  select null, o.outcome::smallint, o.items, null, null, null, null, null, null, null, null, null, null
  from (values (0, cardinality(v_event_items)), (2, v_stale),
    (1, cardinality(p_acts) - cardinality(v_event_items) - v_stale - v_refused)) as o (outcome, items)
  where o.items > 0 and not p_atomic
  union all
  select null, null, null, n.player_id, n.email, n.sms, n.telephone, n.post_mail, n.site_notification, n.push_notification,
    n.chat, n.excluded, n.blocked
  from unnest(v_states) as n where p_atomic;
end $$;`;

/**
 * Sets a player's blocks (null = leave as it is) as one act. The start of an exclusion withdraws every channel, so its
 * end brings nothing back; a block only hides what was granted. Returns whether anything changed.
 */
const RECORD_BLOCKS = `
create function record_block_change(
  p_brand_id integer, p_player_id text, p_act_id uuid, p_actor text, p_source text,
  p_excluded boolean, p_excluded_until timestamptz, p_excluded_note text, p_blocked boolean, p_blocked_note text,
  p_salt bytea, p_evidence text
) returns boolean
language plpgsql as $$
declare
  v_now timestamptz;
  s marketing_states%rowtype;
  n player_blocks%rowtype;
  v_excluded_changes boolean;
  v_blocked_changes boolean;
  v_hash bytea := sha256(p_salt || convert_to(p_evidence, 'UTF8'));
  v_silenced boolean;
begin
  perform pg_advisory_xact_lock_shared(2001, p_brand_id);
  insert into marketing_states as m (brand_id, player_id) values (p_brand_id, p_player_id)
  on conflict (brand_id, player_id) do update set is_player = true where not m.is_player;
  perform 1 from marketing_states where brand_id = p_brand_id and player_id = p_player_id for update;
  perform end_expired_exclusions(p_brand_id, array[p_player_id], null);
  select * into s from marketing_states where brand_id = p_brand_id and player_id = p_player_id;
  select * into n from player_blocks where brand_id = p_brand_id and player_id = p_player_id;
  v_now := clock_timestamp();
  v_excluded_changes := p_excluded is not null and (p_excluded <> s.excluded or
    (p_excluded and (p_excluded_until is distinct from s.excluded_until or p_excluded_note is distinct from n.excluded_note)));
  v_blocked_changes := p_blocked is not null and (p_blocked <> s.blocked or
    (p_blocked and p_blocked_note is distinct from n.blocked_note));
  if not v_excluded_changes and not v_blocked_changes then
    return false;
  end if;
  v_silenced := (s.email | s.sms | s.telephone | s.post_mail | s.site_notification | s.push_notification | s.chat) <> 0
    and ((v_excluded_changes and p_excluded and not s.excluded) or (v_blocked_changes and p_blocked <> s.blocked));

  with changes as (
    select v_excluded_changes as happens, 20 as channel, s.excluded::integer as before, p_excluded::integer as after,
      case when p_excluded = s.excluded then 7 when p_excluded then 5 else 6 end as kind,
      case when p_excluded and p_excluded_until is not null then jsonb_build_object('until', p_excluded_until) end as detail
    union all
    select v_blocked_changes, 21, s.blocked::integer, p_blocked::integer,
      case when p_blocked = s.blocked then 7 when p_blocked then 8 else 9 end, null
    union all
    select v_excluded_changes and p_excluded and m.mask <> 0, m.channel, m.mask, 0, 3, null
    from (values (1, s.email), (2, s.sms), (3, s.telephone), (4, s.post_mail), (5, s.site_notification),
      (6, s.push_notification), (7, s.chat)) as m (channel, mask)
  )
  insert into consent_events (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel,
    actor, source, detail, evidence_hash)
  select p_brand_id, p_player_id, s.seq + row_number() over (order by channel desc), v_now, v_now, p_act_id, before, after,
    kind, channel, p_actor, p_source, detail, v_hash
  from changes where happens;

  if v_excluded_changes and p_excluded then
    update marketing_states set excluded = true, excluded_until = p_excluded_until,
      email = 0, sms = 0, telephone = 0, post_mail = 0, site_notification = 0, push_notification = 0, chat = 0
    where brand_id = p_brand_id and player_id = p_player_id;
  elsif v_excluded_changes then
    update marketing_states set excluded = false, excluded_until = null
    where brand_id = p_brand_id and player_id = p_player_id;
  end if;
  if v_excluded_changes and p_excluded <> s.excluded then
    -- A later import of an older grant is stale: only what is granted after the exclusion counts.
    update marketing_states set email_set_at = v_now, sms_set_at = v_now, telephone_set_at = v_now, post_mail_set_at = v_now,
      site_notification_set_at = v_now, push_notification_set_at = v_now, chat_set_at = v_now
    where brand_id = p_brand_id and player_id = p_player_id;
  end if;
  update marketing_states set blocked = coalesce(p_blocked, blocked),
    seq = (select max(e.seq) from consent_events e
           where e.brand_id = p_brand_id and e.player_id = p_player_id and e.recorded_at = v_now)
  where brand_id = p_brand_id and player_id = p_player_id
  returning seq into s.seq;
  insert into player_blocks as b (brand_id, player_id, excluded_note, blocked_note)
  values (p_brand_id, p_player_id, case when p_excluded then p_excluded_note else '' end,
    case when p_blocked then p_blocked_note else '' end)
  on conflict (brand_id, player_id) do update set
    excluded_note = case when p_excluded is null then b.excluded_note else excluded.excluded_note end,
    blocked_note = case when p_blocked is null then b.blocked_note else excluded.blocked_note end;
  if p_blocked then
    -- A log-in under way waits for our lock on the state, and then finds the player blocked.
    -- In the order of their ids, as by whoever else writes more than one.
    update sessions set ended_at = v_now
    where brand_id = p_brand_id and player_id = p_player_id and id = any (array(
      select x.id from sessions x where x.brand_id = p_brand_id and x.player_id = p_player_id and x.ended_at is null
      order by x.id for no key update));
  end if;
  if p_evidence is not null then
    insert into event_evidence (brand_id, player_id, act_id, recorded_at, salt, evidence)
    values (p_brand_id, p_player_id, p_act_id, v_now, p_salt, p_evidence);
  end if;
  insert into outbox (brand_id, player_id, kind, lane, seq, created_at, next_attempt_at)
  select p_brand_id, p_player_id, k.kind, case when k.kind = 3 then 2 else 0 end, s.seq, v_now, v_now
  from brands b, (values (1), (2), (3)) as k (kind)
  where b.id = p_brand_id and (k.kind = 2 or v_silenced) and case when k.kind = 3
    then exists (select from webhook_subscriptions w where w.brand_id = p_brand_id and w.disabled_at is null)
    else b.crm_enabled end;
  return true;
end $$;`;

/** Monthly partitions (UTC) from the month of p_from on; runs with the owner's rights, so the service's role can call it. */
const PARTITIONS = `
create function ensure_event_partitions(p_from timestamptz, p_months integer) returns integer
language plpgsql security definer as $$
declare
  v_month timestamp;
  v_table text;
  v_made integer := 0;
begin
  -- One at a time: two instances asking for the same month would collide.
  perform pg_advisory_xact_lock(2002, 0);
  foreach v_table in array array['consent_events', 'event_evidence'] loop
    for v_month in select generate_series(m, m + make_interval(months => p_months - 1), interval '1 month')
                   from date_trunc('month', p_from at time zone 'UTC') as m loop
      if to_regclass(format('%I', v_table || to_char(v_month, '"_"YYYY"_"MM'))) is null then
        execute format('create table %I partition of %I for values from (%L) to (%L)',
          v_table || to_char(v_month, '"_"YYYY"_"MM'), v_table,
          v_month at time zone 'UTC', (v_month + interval '1 month') at time zone 'UTC');
        if v_table = 'consent_events' then
          -- A partition is a table of its own for TRUNCATE.
          execute format('create trigger consent_events_no_truncate before truncate on %I for each statement
            execute function refuse_change()', v_table || to_char(v_month, '"_"YYYY"_"MM'));
        end if;
        v_made := v_made + 1;
      end if;
    end loop;
  end loop;
  return v_made;
end $$;
do $$ begin
  execute format('alter function ensure_event_partitions(timestamptz, integer) set search_path = %I, pg_temp', current_schema());
  perform ensure_event_partitions(now(), 4);
end $$;`;

const APPEND_ONLY = `
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'PC002';
end $$;
create trigger consent_events_append_only before update or delete on consent_events
  for each row execute function refuse_change();
create trigger consent_events_no_truncate before truncate on consent_events
  for each statement execute function refuse_change();
create trigger consent_events_no_truncate before truncate on consent_events_default
  for each statement execute function refuse_change();`;
