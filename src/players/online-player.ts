import type { MarketingMasks } from '../consents/marketing-state.js';
import type { RealityCheck } from './credentials.service.js';

/**
 * A player who is online, as the database has it: the figures, null where nobody has told, in minor units and as texts (bigint),
 * and what was played since the log-in.
 */
export interface OnlinePlayerRow extends MarketingMasks {
  place: number;
  brand_id: number;
  player_id: string;
  currency: string | null;
  has_details: boolean;
  lacks_details: boolean;
  is_password_temporary: boolean;
  is_email_verified: boolean;
  reality_check: RealityCheck;
  marketing_segmentation: string | null;
  tag_status: number | null;
  deposit_count: number | null;
  vip_level: string | null;
  average_deposit: string | null;
  billboard: string | null;
  segmentation_id: number | null;
  max_balance: string | null;
  ut: number | null;
  decline: string | null;
  vip_segment: number | null;
  total_balance: string | null;
  pending_withdrawal: string | null;
  total_withdrawals: string | null;
  /** YYYY-MM-DD HH:MM:SS, in UTC. */
  last_bet: string | null;
  last_deposit: string | null;
  last_deposit_amount: string | null;
  player_id_link: string | null;
  bonus_opt_out: number | null;
  real_balance: string | null;
  free_traffic: boolean | null;
  deposits_amount: string | null;
  bonus_balance: string | null;
  max_win: string | null;
  wagering_balance: string | null;
  wagering_complete: string | null;
  wagering_completed_at: Date | null;
  wagering_event_id: string | null;
  checked_at: Date | null;
  login_at: Date;
  rounds: string;
  bets: string;
  wins: string;
  /** wins − bets. */
  profit: string;
}

const printed = (instant: string) => `to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')`;
const lacking = [
  ...['first_name', 'last_name', 'gender', 'country', 'city', 'address', 'zip_postal_code', 'phone'],
]
  .map((column) => `coalesce(p.${column}, '') = ''`)
  .concat('p.birth_on is null');

/** `start`, called l, is where the log-in stands, and what the player's totals were then. */
const columns = `
  s.brand_id, s.player_id, s.email, s.sms, s.telephone, s.post_mail, s.site_notification, s.push_notification, s.chat, s.blocked,
  s.excluded and coalesce(s.excluded_until > now(), true) as excluded, p.currency,
  coalesce(p.has_details, false) as has_details, ${lacking.join(' or ')} as lacks_details,
  coalesce(c.is_password_temporary, false) as is_password_temporary, c.email_verified_at is not null as is_email_verified,
  coalesce(c.reality_check, 'no_limit') as reality_check, a.marketing_segmentation, a.tag_status, a.deposit_count, a.vip_level,
  a.average_deposit, a.billboard, a.segmentation_id, a.max_balance, a.ut, a.decline, a.vip_segment, a.total_balance,
  a.pending_withdrawal, a.total_withdrawals, ${printed('a.last_bet_at')} as last_bet, ${printed('a.last_deposit_at')} as last_deposit,
  a.last_deposit_amount, a.player_id_link, a.bonus_opt_out, a.real_balance, a.free_traffic, a.deposits_amount, a.bonus_balance,
  a.max_win, a.wagering_balance, a.wagering_complete, a.wagering_completed_at, a.wagering_event_id, a.checked_at, l.login_at,
  coalesce(a.rounds, 0) - l.start_rounds as rounds, coalesce(a.bets, 0) - l.start_bets as bets,
  coalesce(a.wins, 0) - l.start_wins as wins, coalesce(a.wins - a.bets, 0) - l.start_wins + l.start_bets as profit`;
const known = `
  left join players p on p.brand_id = s.brand_id and p.player_id = s.player_id
  left join player_credentials c on c.brand_id = s.brand_id and c.player_id = s.player_id
  left join player_activity a on a.brand_id = s.brand_id and a.player_id = s.player_id`;

/** Parameters: brands, players and their sessions, of each as many. No row for one that is not there. */
export const findBySession = {
  name: 'find_online_players',
  text: `
    select k.place::integer, d.*
    from unnest($1::integer[], $2::text[], $3::uuid[]) with ordinality as k (brand_id, player_id, session_id, place)
    cross join lateral (
      select ${columns}
      from marketing_states s
      join lateral (
        select x.created_at as login_at, x.start_rounds, x.start_bets, x.start_wins from sessions x
        where x.id = k.session_id and x.brand_id + 0 = s.brand_id limit 1) l on true ${known}
      where s.brand_id = k.brand_id and s.player_id = k.player_id collate "C" and s.is_player limit 1) d`,
};

/** Parameters: brands and digests of game sessions' ids, a pair each. No row for one that is unknown or over, nor for a blocked player. */
export const findByGame = {
  name: 'find_players_in_game',
  text: `
    select k.place::integer, d.*
    from unnest($1::integer[], $2::bytea[]) with ordinality as k (brand_id, id_hash, place)
    cross join lateral (
      select x.player_id, x.login_at, x.start_rounds, x.start_bets, x.start_wins from game_sessions x
      where x.brand_id = k.brand_id and x.id_hash = k.id_hash and x.ended_at is null and x.expires_at > now() limit 1) l
    cross join lateral (
      select ${columns}
      from marketing_states s ${known}
      where s.brand_id = k.brand_id and s.player_id = l.player_id and s.is_player and not s.blocked limit 1) d`,
};

/**
 * Begins a player's period again, once. Parameters: brand, player, now, and the last instant that a period may have begun which
 * is over. Of two at once one finds that the other was first.
 */
export const restartPeriod = {
  name: 'restart_reality_check',
  text: `
    insert into player_activity as a (brand_id, player_id, checked_at)
    select s.brand_id, s.player_id, $3::timestamptz
    from (select x.brand_id, x.player_id from marketing_states x where x.brand_id = $1 and x.player_id = $2 for key share) s
    on conflict (brand_id, player_id) do update set checked_at = excluded.checked_at
    where a.checked_at is null or a.checked_at <= $4
    returning a.brand_id`,
};
