import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How workers take rows of the outbox, so that any number of instances can do so at once. The outbox is empty most of the time,
 * and a plan made then is kept while it fills: so each statement leaves the planner one index for each look-up, whatever
 * the statistics say. Rows are changed by `id = any (array(...))`, never by a join; a look-up by player words what is due as
 * its index does and no other; what must not lead to an index has "+ 0" or "is not distinct from"; what is to be read in
 * order comes from an index in that order, since sorting is off. test/database/plans.spec.ts looks at it.
 */
export class DeliveryFunctions1764000000003 implements MigrationInterface {
  name = 'DeliveryFunctions1764000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(CLAIM_CRM_EVENTS);
    await runner.query(QUEUE_WEBHOOKS);
    await runner.query(CLAIM_WEBHOOKS);
    await runner.query(PARK_WEBHOOKS);
    await runner.query(REMOVE_ATTEMPTS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop trigger outbox_attempts on outbox;
      drop function remove_attempts();
      drop function park_webhooks(integer, uuid, text);
      drop function claim_webhooks(uuid[], integer[], integer[], integer[], integer, integer, integer, interval);
      drop function queue_webhooks(integer, integer);
      drop function claim_crm_events(integer, smallint, integer, interval, timestamptz, boolean)`);
  }
}

/**
 * Leases due CRM events of a brand, the oldest first. Of several of one player and kind the newest goes, and the older ones
 * with it: the message only says that something has changed. A player for whom an event is under way is left out. Events
 * that were due before p_from are passed over: what has been delivered stands in the index until a vacuum, which a long
 * snapshot elsewhere holds up, and would be read again by every claim. With p_only_fresh none that has failed before is taken.
 */
const CLAIM_CRM_EVENTS = `
create function claim_crm_events(
  p_brand_id integer, p_lane smallint, p_limit integer, p_lease interval, p_from timestamptz, p_only_fresh boolean
) returns table (
  id bigint, player_id text, kind smallint, created_at timestamptz, due_at timestamptz, attempts smallint, origin text)
language plpgsql rows 50 set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_sort = off set jit = off as $$
#variable_conflict use_column
declare
  v_now timestamptz;
begin
  -- A lease that a crash of the server undoes is taken again: its commit need not wait for the disk.
  perform set_config('synchronous_commit', 'off', true);
  -- One claim of a brand at a time: two could each take an event of one player.
  perform pg_advisory_xact_lock(2007, p_brand_id);
  -- A variable bounds the scan of the index, which the clock itself would not.
  v_now := clock_timestamp();
  return query
  with due as materialized (
    select o.id, o.player_id, o.kind
    from outbox o
    where o.brand_id = p_brand_id and o.lane = p_lane and o.parked_at is null and o.delivered_at is null
      and o.next_attempt_at >= p_from and o.next_attempt_at <= v_now
      and (o.leased_until is null or o.leased_until < v_now) and (o.attempts = 0 or not p_only_fresh)
      and (select true from outbox b where b.brand_id = p_brand_id and b.player_id = o.player_id and b.lane = 0
             and coalesce(b.parked_at, b.delivered_at) is null and b.leased_until > v_now limit 1) is null
    order by o.next_attempt_at, o.id limit p_limit
    for update of o skip locked
  ), ranked as materialized (
    select d.id, d.id = max(d.id) over (partition by d.player_id, d.kind) as is_newest from due d
  ), collapsed as (
    delete from outbox o where o.id = any (array(select r.id from ranked r where not r.is_newest))
  ), leased as (
    update outbox o set leased_until = v_now + p_lease where o.id = any (array(select r.id from ranked r where r.is_newest))
    returning o.id, o.player_id, o.kind, o.created_at, o.next_attempt_at, o.attempts
  )
  select l.id, l.player_id, l.kind, l.created_at, l.next_attempt_at, l.attempts, coalesce(p.origin, b.crm_origin, b.origin)
  from leased l
  join brands b on b.id = p_brand_id
  left join lateral (
    select q.origin from players q where q.brand_id = p_brand_id and q.player_id = l.player_id limit 1) p on true
  order by l.created_at, l.id;
end $$;`;

/** Makes a webhook of each change that waits for it and each subscription that matches. Answers how many changes it took. */
const QUEUE_WEBHOOKS = `
create function queue_webhooks(p_brand_id integer, p_limit integer) returns integer
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
declare
  v_taken integer;
begin
  -- One at a time, so that the webhooks of a subject are numbered in the order of its changes.
  if not pg_try_advisory_xact_lock(2008, p_brand_id) then
    return 0;
  end if;
  with due as materialized (
    select o.id, o.player_id, o.seq, o.created_at, o.target_id from outbox o
    where o.brand_id = p_brand_id and o.lane = 2 and o.parked_at is null and o.delivered_at is null
    order by o.next_attempt_at, o.id limit p_limit
    for update skip locked
  ), queued as (
    insert into outbox (brand_id, player_id, kind, lane, seq, created_at, subscription_id, message_id, target_id)
    select p_brand_id, d.player_id, 4, 3, d.seq, d.created_at, s.id, gen_random_uuid(), d.target_id
    from due d
    left join lateral (
      (select j.custom_user_id, coalesce(v.consent_type, u.consent_type) as consent_type, u.reference
      from universal_consents u
      cross join lateral (
        select s.custom_user_id from subjects s where s.client_id = u.client_id and s.brand_id + 0 = u.brand_id limit 1) j
      left join lateral (
        -- A record's type may have changed since; what it was stands beside the event, unless that has been erased.
        select t.evidence::json ->> 'consent_type' as consent_type
        from consent_events e join event_evidence t
          on t.brand_id = p_brand_id and t.player_id = d.player_id and t.act_id = e.act_id and t.recorded_at = d.created_at
        where e.brand_id = p_brand_id and e.player_id = d.player_id and e.seq = d.seq and e.recorded_at = d.created_at limit 1) v on true
      where u.id = d.target_id and u.brand_id + 0 = p_brand_id limit 1)
      union all
      (select j.custom_user_id, p.type, p.id::text
      from policies p
      cross join lateral (
        select e.act_id from consent_events e
        where e.brand_id = p_brand_id and e.player_id = d.player_id and e.seq = d.seq and e.recorded_at = d.created_at
          and e.target_id = p.id limit 1) e
      cross join lateral (
        select c.client_id from policy_consents c where c.id = e.act_id and c.brand_id + 0 = p_brand_id limit 1) c
      cross join lateral (
        select s.custom_user_id from subjects s where s.client_id = c.client_id and s.brand_id + 0 = p_brand_id limit 1) j
      where p.id = d.target_id and p.brand_id + 0 = p_brand_id limit 1)) r on true
    -- What has no record of its own is a player's marketing consent.
    join webhook_subscriptions s on s.brand_id = p_brand_id and s.disabled_at is null and s.created_at <= d.created_at
      and (s.custom_user_id is null or s.custom_user_id = case when d.target_id is null then d.player_id else r.custom_user_id end)
      and (s.consent_type is null or s.consent_type = case when d.target_id is null then 'marketing' else r.consent_type end)
      and (s.reference is null or s.reference = r.reference)
    order by d.seq
  ), taken as (
    delete from outbox o where o.id = any (array(select d.id from due d)) returning 1
  )
  select count(*) into v_taken from taken;
  return v_taken;
end $$;`;

/**
 * Leases due webhooks: of a subscription at most p_per_subscription with what is under way (one, while it fails), of a brand at
 * most p_per_brand. Subscriptions that do not fail, and have the least under way, come first, so that receivers that hang take
 * no place of others. A webhook waits for earlier ones of its subject that were not tried yet, and no longer than that.
 */
const CLAIM_WEBHOOKS = `
create function claim_webhooks(
  p_busy uuid[], p_busy_counts integer[], p_brands integer[], p_brand_counts integer[],
  p_per_subscription integer, p_per_brand integer, p_limit integer, p_lease interval
) returns table (
  id bigint, brand_id integer, player_id text, seq bigint, created_at timestamptz, target_id uuid, attempts smallint, message_id uuid,
  subscription_id uuid, url text, secret bytea, old_secret bytea, failing_since timestamptz)
language plpgsql rows 50 set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_sort = off set jit = off as $$
#variable_conflict use_column
declare
  v_now timestamptz := clock_timestamp();
begin
  return query
  with candidates as materialized (
    select d.id, s.brand_id, s.failing_since, coalesce(b.under_way, 0) as under_way
    from webhook_subscriptions s
    left join unnest(p_busy, p_busy_counts) as b (id, under_way) on b.id = s.id
    cross join lateral (
      select o.id from outbox o
      where o.subscription_id = s.id and o.parked_at is null and o.delivered_at is null
        and o.next_attempt_at <= v_now and (o.leased_until is null or o.leased_until < v_now)
        and (select true from outbox e where e.player_id = o.player_id and e.lane = 3 and coalesce(e.parked_at, e.delivered_at) is null
               and e.id + 0 < o.id and e.attempts = 0 and e.subscription_id is not distinct from o.subscription_id limit 1) is null
      order by o.next_attempt_at, o.id
      limit greatest(0, case when s.failing_since is null then p_per_subscription else 1 end - coalesce(b.under_way, 0))
      for update of o skip locked) d
    where s.disabled_at is null
  ), ranked as (
    select c.*, row_number() over (partition by c.brand_id order by c.failing_since nulls first, c.under_way, c.id) as place
    from candidates c
  ), due as materialized (
    select r.id from ranked r
    left join unnest(p_brands, p_brand_counts) as b (id, under_way) on b.id = r.brand_id
    where r.place <= p_per_brand - coalesce(b.under_way, 0)
    order by r.failing_since nulls first, r.under_way, r.id limit p_limit
  ), leased as (
    update outbox o set leased_until = v_now + p_lease where o.id = any (array(select d.id from due d))
    returning o.id, o.brand_id, o.player_id, o.seq, o.created_at, o.target_id, o.attempts, o.message_id, o.subscription_id
  )
  select l.id, l.brand_id, l.player_id, l.seq, l.created_at, l.target_id, l.attempts, l.message_id, l.subscription_id, s.url, s.secret,
    case when s.old_secret_until > v_now then s.old_secret end, s.failing_since
  from leased l join webhook_subscriptions s on s.id = l.subscription_id
  order by l.id;
end $$;`;

/** Parks what waits for a subscription that has been switched off. Answers how many. */
const PARK_WEBHOOKS = `
create function park_webhooks(p_brand_id integer, p_subscription_id uuid, p_reason text) returns integer
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
declare
  v_parked integer;
begin
  -- After this nobody makes webhooks for it any more: whoever does sees that it is off.
  perform pg_advisory_xact_lock(2008, p_brand_id);
  update outbox set parked_at = clock_timestamp(), next_attempt_at = clock_timestamp(), leased_until = null, last_error = p_reason
  where brand_id = p_brand_id and subscription_id = p_subscription_id and coalesce(parked_at, delivered_at) is null;
  get diagnostics v_parked = row_count;
  return v_parked;
end $$;`;

/**
 * A webhook's log goes with it. Only webhooks have one: a foreign key that cascades would ask for the attempts of every CRM
 * event that has been told, which took two thirds of the time of deleting it.
 */
const REMOVE_ATTEMPTS = `
create function remove_attempts() returns trigger language plpgsql set enable_seqscan = off set jit = off as $$
begin
  delete from delivery_attempts where outbox_id = old.id and brand_id = old.brand_id;
  return null;
end $$;
create trigger outbox_attempts after delete on outbox for each row when (old.kind = 4) execute function remove_attempts();`;
