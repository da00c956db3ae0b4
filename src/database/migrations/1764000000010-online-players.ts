import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Players who are online: their figures, what they play, and the games that are open. */
export class OnlinePlayers1764000000010 implements MigrationInterface {
  name = 'OnlinePlayers1764000000010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(ACTIVITY);
    await runner.query(EVENTS);
    await runner.query(STARTS);
    await runner.query(GAME_SESSIONS);
    await runner.query(RECORD);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop function record_player_events(integer, text, text[], smallint[], bigint[], timestamptz[], jsonb[]);
      drop table game_sessions, player_events, player_activity;
      alter table sessions drop column start_rounds, drop column start_bets, drop column start_wins`);
  }
}

/**
 * Amounts are in the minor units of the player's currency. Null: nobody has told. rounds, bets and wins only ever grow; what they
 * were when a session began is kept with the session. checked_at: when the player was last told how long it has played.
 */
const ACTIVITY = `
create table player_activity (
  brand_id integer not null,
  player_id text collate "C" not null,
  marketing_segmentation text,
  tag_status integer,
  deposit_count integer,
  vip_level text,
  average_deposit bigint,
  billboard text,
  segmentation_id integer,
  max_balance bigint,
  ut integer,
  decline text,
  vip_segment integer,
  total_balance bigint,
  pending_withdrawal bigint,
  total_withdrawals bigint,
  last_bet_at timestamptz,
  last_deposit_at timestamptz,
  last_deposit_amount bigint,
  player_id_link text,
  bonus_opt_out integer,
  real_balance bigint,
  free_traffic boolean,
  deposits_amount bigint,
  bonus_balance bigint,
  max_win bigint,
  wagering_balance bigint,
  wagering_complete text,
  wagering_completed_at timestamptz,
  wagering_event_id text,
  rounds bigint not null default 0,
  bets bigint not null default 0,
  wins bigint not null default 0,
  checked_at timestamptz,
  constraint pk_player_activity primary key (brand_id, player_id),
  constraint fk_player_activity_state foreign key (brand_id, player_id) references marketing_states (brand_id, player_id),
  constraint ck_player_activity_wagering_complete check (wagering_complete in ('', '0', '1')),
  constraint ck_player_activity_bonus_opt_out check (bonus_opt_out in (0, 1))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);`;

/** No foreign key: it would be looked up for every row, and record_player_events has looked once for all of them. */
const EVENTS = `
create table player_events (
  brand_id integer not null,
  player_id text collate "C" not null,
  id text collate "C" not null,
  type smallint not null,
  amount bigint not null,
  at timestamptz not null,
  data jsonb,
  recorded_at timestamptz not null default now(),
  constraint pk_player_events primary key (brand_id, player_id, id),
  constraint ck_player_events_type check (type between 1 and 5)
);
-- They come in its order, so that it costs next to nothing.
create index ix_player_events_recorded_at on player_events using brin (recorded_at);`;

/** What the player's totals were when the session began. */
const STARTS = `
alter table sessions
  add column start_rounds bigint not null default 0,
  add column start_bets bigint not null default 0,
  add column start_wins bigint not null default 0;`;

/** Games that are open. The id that operators and games know is kept as its SHA-256. The login is the one it was opened in. */
const GAME_SESSIONS = `
create table game_sessions (
  brand_id integer not null,
  player_id text collate "C" not null,
  id_hash bytea not null,
  game_id text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  login_at timestamptz not null,
  start_rounds bigint not null,
  start_bets bigint not null,
  start_wins bigint not null,
  constraint pk_game_sessions primary key (brand_id, player_id, id_hash),
  constraint uq_game_sessions_id_hash unique (brand_id, id_hash),
  constraint fk_game_sessions_state foreign key (brand_id, player_id) references marketing_states (brand_id, player_id)
);
create index ix_game_sessions_expires_at on game_sessions ((expires_at at time zone 'UTC'));`;

/**
 * Records a batch of one player's events, of which each id counts once; answers how many were new, null for an unknown player.
 * Types: 1 bet, 2 win, 3 deposit, 4 withdrawal, 5 wagering complete. The player's row is locked first, so that batches of one player
 * come after each other, and a session that opens meanwhile (it shares that lock) finds the totals before or after, never between.
 */
const RECORD = `
create function record_player_events(
  p_brand_id integer, p_player_id text, p_ids text[], p_types smallint[], p_amounts bigint[], p_times timestamptz[], p_data jsonb[]
) returns integer language plpgsql
-- One plan for any size of the tables.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
declare
  v_login_at timestamptz;
  n record;
begin
  perform from player_activity a where a.brand_id = p_brand_id and a.player_id = p_player_id collate "C" for update;
  if not found then
    perform from marketing_states s where s.brand_id = p_brand_id and s.player_id = p_player_id collate "C" and s.is_player
    for key share;
    if not found then
      return null;
    end if;
    insert into player_activity (brand_id, player_id) values (p_brand_id, p_player_id) on conflict do nothing;
    perform from player_activity a where a.brand_id = p_brand_id and a.player_id = p_player_id collate "C" for update;
  end if;
  select max(l.at) into v_login_at from (
    select s.created_at as at from sessions s
    where s.brand_id = p_brand_id and s.player_id = p_player_id collate "C" and s.ended_at is null and s.expires_at > now()
    union all
    select g.login_at from game_sessions g
    where g.brand_id = p_brand_id and g.player_id = p_player_id collate "C" and g.ended_at is null and g.expires_at > now()) l;
  with added as (
    insert into player_events (brand_id, player_id, id, type, amount, at, data)
    select p_brand_id, p_player_id, e.id, e.type, e.amount, e.at, e.data
    from unnest(p_ids, p_types, p_amounts, p_times, p_data) as e (id, type, amount, at, data)
    on conflict (brand_id, player_id, id) do nothing
    returning id, type, amount, at
  )
  select count(*)::integer as applied,
    count(*) filter (where a.type = 1) as rounds,
    coalesce(sum(a.amount) filter (where a.type = 1), 0)::bigint as bets,
    coalesce(sum(a.amount) filter (where a.type = 2), 0)::bigint as wins,
    max(a.at) filter (where a.type = 1) as bet_at,
    count(*) filter (where a.type = 3)::integer as deposits,
    coalesce(sum(a.amount) filter (where a.type = 3), 0)::bigint as deposited,
    max(a.at) filter (where a.type = 3) as deposit_at,
    (array_agg(a.amount order by a.at desc, a.id desc) filter (where a.type = 3))[1] as last_deposit,
    coalesce(sum(a.amount) filter (where a.type = 4), 0)::bigint as withdrawn,
    max(a.amount) filter (where a.type = 5) as max_win,
    max(a.at) filter (where a.type = 5) as completed_at,
    (array_agg(a.id order by a.at desc, a.id desc) filter (where a.type = 5))[1] as completed_id,
    array_agg(a.type) filter (where a.type <= 2 and a.at < date_trunc('milliseconds', v_login_at)) as late_types,
    array_agg(a.amount) filter (where a.type <= 2 and a.at < date_trunc('milliseconds', v_login_at)) as late_amounts,
    array_agg(a.at) filter (where a.type <= 2 and a.at < date_trunc('milliseconds', v_login_at)) as late_times
  into n from added a;
  if n.applied = 0 then
    return 0;
  end if;
  update player_activity a set
    rounds = a.rounds + n.rounds,
    bets = a.bets + n.bets,
    wins = a.wins + n.wins,
    last_bet_at = greatest(a.last_bet_at, n.bet_at),
    deposit_count = case when n.deposits = 0 then a.deposit_count else coalesce(a.deposit_count, 0) + n.deposits end,
    deposits_amount = case when n.deposits = 0 then a.deposits_amount else coalesce(a.deposits_amount, 0) + n.deposited end,
    average_deposit = case when n.deposits = 0 then a.average_deposit
      else round((coalesce(a.deposits_amount, 0) + n.deposited)::numeric / (coalesce(a.deposit_count, 0) + n.deposits))::bigint end,
    last_deposit_at = greatest(a.last_deposit_at, n.deposit_at),
    last_deposit_amount =
      case when n.deposit_at >= coalesce(a.last_deposit_at, '-infinity') then n.last_deposit else a.last_deposit_amount end,
    total_withdrawals = case when n.withdrawn = 0 then a.total_withdrawals else coalesce(a.total_withdrawals, 0) + n.withdrawn end,
    max_win = greatest(a.max_win, n.max_win),
    wagering_complete = case when n.completed_id is null then a.wagering_complete else '1' end,
    wagering_event_id = case when n.completed_at >= coalesce(a.wagering_completed_at, '-infinity') then n.completed_id
      else a.wagering_event_id end,
    wagering_completed_at = greatest(a.wagering_completed_at, n.completed_at)
  where a.brand_id = p_brand_id and a.player_id = p_player_id collate "C";
  if n.late_times is null then
    return n.applied;
  end if;
  -- Rows of one player are locked in the order of their ids by whoever writes more than one.
  perform from sessions s where s.brand_id = p_brand_id and s.player_id = p_player_id collate "C" and s.ended_at is null
  order by s.id for no key update;
  perform from game_sessions g where g.brand_id = p_brand_id and g.player_id = p_player_id collate "C" and g.ended_at is null
  order by g.id_hash for no key update;
  -- What was played before a log-in is none of what was played since. Platforms tell milliseconds, log-ins have finer ones.
  update sessions s set start_rounds = s.start_rounds + l.rounds, start_bets = s.start_bets + l.bets, start_wins = s.start_wins + l.wins
  from (
    select o.id, count(*) filter (where e.type = 1) as rounds, coalesce(sum(e.amount) filter (where e.type = 1), 0)::bigint as bets,
      coalesce(sum(e.amount) filter (where e.type = 2), 0)::bigint as wins
    from sessions o join unnest(n.late_types, n.late_amounts, n.late_times) as e (type, amount, at) on e.at < date_trunc('milliseconds', o.created_at)
    where o.brand_id = p_brand_id and o.player_id = p_player_id collate "C" and o.ended_at is null
    group by o.id) l
  where s.id = l.id;
  update game_sessions g set start_rounds = g.start_rounds + l.rounds, start_bets = g.start_bets + l.bets, start_wins = g.start_wins + l.wins
  from (
    select o.id_hash, count(*) filter (where e.type = 1) as rounds, coalesce(sum(e.amount) filter (where e.type = 1), 0)::bigint as bets,
      coalesce(sum(e.amount) filter (where e.type = 2), 0)::bigint as wins
    from game_sessions o join unnest(n.late_types, n.late_amounts, n.late_times) as e (type, amount, at) on e.at < date_trunc('milliseconds', o.login_at)
    where o.brand_id = p_brand_id and o.player_id = p_player_id collate "C" and o.ended_at is null
    group by o.id_hash) l
  where g.brand_id = p_brand_id and g.player_id = p_player_id collate "C" and g.id_hash = l.id_hash;
  return n.applied;
end $$;`;
