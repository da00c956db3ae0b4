import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import {
  buildMessage,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateBy,
  ValidateIf,
} from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { parseInstantText } from '../common/instant.js';
import type { ActivityChange } from '../players/player-activity.service.js';

const mostInteger = 2 ** 31 - 1;
const orNull = ValidateIf((_object, value) => value !== null);

/** The key may be absent, or null for what is not known any more. */
const Figure = (...rules: PropertyDecorator[]) => applyDecorators(...rules, orNull, IfGiven());
const Count = () => Figure(Min(-mostInteger), Max(mostInteger), IsInt());
const Text = (max = 200) => Figure(MaxLength(max), IsString());
/** In units of the currency; how many decimals it has is not known yet. */
const Money = () => Figure(IsNumber());

const printedTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
/** As it is printed, in UTC, or as an RFC 3339 instant; an empty text is none. */
const readTime = (text: string) => parseInstantText(printedTime.test(text) ? `${text}Z` : text);
const Time = () =>
  Figure(
    ValidateBy({
      name: 'isPrintedTime',
      validator: {
        validate: (value: unknown) => typeof value === 'string' && (value === '' || readTime(value) !== null),
        defaultMessage: buildMessage(
          (prefix) => `${prefix}$property must be a time as YYYY-MM-DD HH:MM:SS in UTC, or empty`,
        ),
      },
    }),
  );
const IsLevel = () =>
  ValidateBy({
    name: 'isLevel',
    validator: {
      validate: (value: unknown) =>
        typeof value === 'string'
          ? value.length <= 200
          : Number.isInteger(value) && Math.abs(value as number) <= mostInteger,
      defaultMessage: buildMessage((prefix) => `${prefix}$property must be a text or an integer`),
    },
  });

/**
 * Figures of a player, under the names that the online status prints. Absent keys stay; null is not known any more. Amounts are in
 * units of the player's currency, `maxBalance` in minor units.
 */
export class ActivityDto {
  @Text()
  marketingSegmentation?: string | null;

  /** @example 100 */
  @Count()
  tag_status?: number | null;

  @Count()
  deposit_count?: number | null;

  /** A text is the online status's, a number that of player info. */
  @ApiProperty({ oneOf: [{ type: 'string' }, { type: 'integer' }], required: false, example: 'Bronze' })
  @Figure(IsLevel())
  vip_level?: string | number | null;

  /** @example 44 */
  @Money()
  average_deposit?: number | null;

  @Text(2000)
  billboard?: string | null;

  @Count()
  segmentation_id?: number | null;

  /** @example 93604 */
  @Figure(Min(-Number.MAX_SAFE_INTEGER), Max(Number.MAX_SAFE_INTEGER), IsInt())
  maxBalance?: number | null;

  @Count()
  UT?: number | null;

  @Text()
  decline?: string | null;

  @Count()
  VIP_segment?: number | null;

  /** @example 936.04 */
  @Money()
  total_balance?: number | null;

  @Money()
  pending_withdrawal?: number | null;

  @Money()
  total_withdrawals?: number | null;

  /** @example 2022-01-01 00:00:01 */
  @Time()
  last_bet?: string | null;

  /** @example 2022-01-01 00:00:01 */
  @Time()
  last_deposit?: string | null;

  @Money()
  last_deposit_amount?: number | null;

  /** Of whoever is logged in; events count on from here. */
  @IfGiven()
  @Min(0)
  @Max(mostInteger)
  @IsInt()
  rounds_since_login?: number;

  /** The same. */
  @IfGiven()
  @IsNumber()
  balance_since_login?: number;

  /** @example https://cbo2.aaa.com/players/123456789 */
  @Text(2000)
  playerIdLink?: string | null;

  @ApiProperty({ enum: [0, 1], required: false, nullable: true })
  @Figure(IsIn([0, 1]))
  bonusOptOut?: number | null;

  /** @example 906.04 */
  @Money()
  real_balance?: number | null;

  @Figure(IsBoolean())
  freeTraffic?: boolean | null;

  @Money()
  depositsAmount?: number | null;

  /** The consent itself, as `optOut.chat` of the details. */
  @IfGiven()
  @IsBoolean()
  chat_opt_out?: boolean;

  /** @example 30 */
  @Money()
  bonusBalance?: number | null;

  @Money()
  maxWin?: number | null;

  @Money()
  wageringBalance?: number | null;

  @ApiProperty({ enum: ['', '0', '1'], required: false, nullable: true })
  @Figure(IsIn(['', '0', '1']))
  wageringComplete?: string | null;
}

/** What an operator says of a player's figures. */
export function toActivityChange(given: ActivityDto, actor: string, evidence: string): ActivityChange {
  const { vip_level: level, rounds_since_login: rounds, balance_since_login: balance } = given;
  return {
    figures: toFigures(given),
    money: toMoney(given),
    vipLevel: typeof level === 'number' ? level : undefined,
    rounds,
    balance,
    chatOptOut: given.chat_opt_out,
    actor,
    evidence,
  };
}

function toFigures(given: ActivityDto): ActivityChange['figures'] {
  const { vip_level: level, maxBalance } = given;
  return {
    marketingSegmentation: given.marketingSegmentation,
    tagStatus: given.tag_status,
    depositCount: given.deposit_count,
    vipLevel: typeof level === 'number' ? undefined : level,
    billboard: given.billboard,
    segmentationId: given.segmentation_id,
    maxBalance: typeof maxBalance === 'number' ? String(maxBalance) : maxBalance,
    ut: given.UT,
    decline: given.decline,
    vipSegment: given.VIP_segment,
    lastBetAt: toTime(given.last_bet),
    lastDepositAt: toTime(given.last_deposit),
    playerIdLink: given.playerIdLink,
    bonusOptOut: given.bonusOptOut,
    freeTraffic: given.freeTraffic,
    wageringComplete: given.wageringComplete,
  };
}

function toMoney(given: ActivityDto): ActivityChange['money'] {
  return {
    average_deposit: given.average_deposit,
    total_balance: given.total_balance,
    pending_withdrawal: given.pending_withdrawal,
    total_withdrawals: given.total_withdrawals,
    last_deposit_amount: given.last_deposit_amount,
    real_balance: given.real_balance,
    depositsAmount: given.depositsAmount,
    bonusBalance: given.bonusBalance,
    maxWin: given.maxWin,
    wageringBalance: given.wageringBalance,
  };
}

function toTime(text: string | null | undefined): Date | null | undefined {
  return text === undefined || text === null ? text : readTime(text);
}
