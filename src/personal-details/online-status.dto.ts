import { ApiProperty, OmitType } from '@nestjs/swagger';
import type { BrandSettings } from '../brands/brand-settings.js';
import { currencyDecimals, fromMinorUnits } from '../common/money.js';
import type { OnlinePlayerRow } from '../players/online-player.js';
import type { OnlinePlayer } from '../players/online-status.service.js';
import { isOut } from '../players/opt-outs.js';
import { timePlayed } from '../players/reality-check.js';

/** How long ago a wagering was completed "recently". */
const recentMs = 24 * 3_600_000;

/** What a game shows of its player. Amounts are in units of the player's currency; what is not known is an empty text or 0. */
export class InGameStatusDto {
  marketingSegmentation: string;
  tag_status: number;
  deposit_count: number;

  /** @example Bronze */
  vip_level: string;
  average_deposit: number;
  billboard: string;
  segmentation_id: number;

  /**
   * In minor units, as nothing else.
   * @example 93604
   */
  maxBalance: number;
  UT: number;

  decline: string;
  VIP_segment: number;

  /**
   * With bonuses.
   * @example 936.04
   */
  total_balance: number;
  pending_withdrawal: number;
  total_withdrawals: number;

  /** @example 2022-01-01 00:00:01 */
  last_bet: string;

  /** @example 2022-01-01 00:00:01 */
  last_deposit: string;
  last_deposit_amount: number;

  /** Bets since the log-in. */
  rounds_since_login: number;

  /** Wins since the log-in, less bets. */
  balance_since_login: number;

  /** @example https://cbo2.aaa.com/players/123456789 */
  playerIdLink: string;

  /** 0 or 1. */
  bonusOptOut: number;

  /** @example 906.04 */
  real_balance: number;
  freeTraffic: boolean;
  depositsAmount: number;

  /** The consent itself: the opposite of being in on chat. */
  chat_opt_out: boolean;
}

/** What a site shows of a player who is logged in. */
export class OnlineStatusDto extends InGameStatusDto {
  /** @example 30 */
  bonusBalance: number;

  /** The most that a bonus whose wagering was completed could win. */
  maxWin: number;

  /** What is left to wager. */
  wageringBalance: number;

  /** 1 where a wagering was completed in the last 24 hours, 0 where it was before; empty where none ever was. */
  @ApiProperty({ enum: ['', '0', '1'] })
  wageringComplete: string;

  /** As last_bet. */
  lastBet: string;

  /** As last_deposit. */
  lastDeposit: string;

  /** As real_balance. */
  realBalance: number;

  /**
   * Where the last wagering that was completed is told of, if there is one: from the host's root, with the prefix of all routes.
   * @example /gateway/bonus/1.0/wagering-complete/1/1001/demo-bonus-1
   */
  wageringCompleteInfoPath?: string;

  /** Whether details are missing that a deposit asks for. */
  is_missing_player_details: boolean;
}

/** What a player has to be told who has played for the time of its choice. The figures are those since the log-in. */
export class RealityCheckDto {
  /** @example EUR */
  currency: string;

  /** Wins less bets. */
  profit: number;
  total_bets: number;
  total_wins: number;
  total_lossed: number;

  /** After how long it is told again. */
  @ApiProperty({ enum: ['15_min', '30_min', '60_min'] })
  restart_period: string;

  /** @example 1 hour 15 minutes */
  time_played: string;

  /** Of the time played, beside the hours. */
  min: string;

  /** Whole hours of the time played. */
  h: string;
}

/** The same in a game. */
export class InGameRealityCheckDto extends OmitType(RealityCheckDto, [
  'total_bets',
  'total_wins',
  'total_lossed',
] as const) {}

/** How the amounts of a player are printed. */
function printer(brand: BrandSettings, { currency }: OnlinePlayerRow): (minor: string | null) => number {
  const decimals = currencyDecimals(currency ?? brand.facts.currency);
  return (minor) => (minor === null ? 0 : fromMinorUnits(Number(minor), decimals));
}

/** What a game shows of its player. */
export function toInGameStatusDto(brand: BrandSettings, { player }: OnlinePlayer): InGameStatusDto {
  const money = printer(brand, player);
  return {
    marketingSegmentation: player.marketing_segmentation ?? '',
    tag_status: player.tag_status ?? 0,
    deposit_count: player.deposit_count ?? 0,
    vip_level: player.vip_level ?? '',
    average_deposit: money(player.average_deposit),
    billboard: player.billboard ?? '',
    segmentation_id: player.segmentation_id ?? 0,
    maxBalance: Number(player.max_balance ?? 0),
    UT: player.ut ?? 0,
    decline: player.decline ?? '',
    VIP_segment: player.vip_segment ?? 0,
    total_balance: money(player.total_balance),
    pending_withdrawal: money(player.pending_withdrawal),
    total_withdrawals: money(player.total_withdrawals),
    last_bet: player.last_bet ?? '',
    last_deposit: player.last_deposit ?? '',
    last_deposit_amount: money(player.last_deposit_amount),
    rounds_since_login: Number(player.rounds),
    balance_since_login: money(player.profit),
    playerIdLink: player.player_id_link ?? '',
    bonusOptOut: player.bonus_opt_out ?? 0,
    real_balance: money(player.real_balance),
    freeTraffic: player.free_traffic ?? false,
    depositsAmount: money(player.deposits_amount),
    chat_opt_out: isOut(brand, player, 'chat'),
  };
}

/** What a site shows of a player who is logged in; the prefix is that of all routes. */
export function toOnlineStatusDto(
  brand: BrandSettings,
  online: OnlinePlayer,
  prefix: string,
): OnlineStatusDto {
  const { player } = online;
  const money = printer(brand, player);
  const reference = player.wagering_event_id;
  const path = `${prefix}/gateway/bonus/1.0/wagering-complete/${brand.id}/${player.player_id}/${reference}`;
  // Field by field, but for what both have.
  return Object.assign(toInGameStatusDto(brand, online), {
    bonusBalance: money(player.bonus_balance),
    maxWin: money(player.max_win),
    wageringBalance: money(player.wagering_balance),
    wageringComplete: toWageringComplete(online),
    lastBet: player.last_bet ?? '',
    lastDeposit: player.last_deposit ?? '',
    realBalance: money(player.real_balance),
    ...(reference !== null && { wageringCompleteInfoPath: path }),
    is_missing_player_details: player.lacks_details,
  });
}

function toWageringComplete({ player, now }: OnlinePlayer): string {
  const { wagering_complete: said, wagering_completed_at: at } = player;
  const isOld = at !== null && at.getTime() < now.getTime() - recentMs;
  return said === '1' && isOld ? '0' : (said ?? '');
}

/** What a player has to be told. */
export function toRealityCheckDto(brand: BrandSettings, { player, now }: OnlinePlayer): RealityCheckDto {
  const money = printer(brand, player);
  const played = timePlayed(player.login_at, now);
  const profit = money(player.profit);
  return {
    currency: player.currency ?? brand.facts.currency,
    profit,
    total_bets: money(player.bets),
    total_wins: money(player.wins),
    total_lossed: Math.max(0, -profit),
    restart_period: player.reality_check,
    time_played: played.text,
    min: String(played.minutes),
    h: String(played.hours),
  };
}

/** The same in a game. */
export function toInGameRealityCheckDto(brand: BrandSettings, online: OnlinePlayer): InGameRealityCheckDto {
  const { currency, profit, restart_period, time_played, min, h } = toRealityCheckDto(brand, online);
  return { currency, profit, restart_period, time_played, min, h };
}
