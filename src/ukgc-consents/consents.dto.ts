import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';
import { type CrmChannel, crmChannels } from '../consents/channels.js';
import type { Decision } from '../consents/consent-decision.js';
import type { HistoryEvent } from '../consents/consent-history.service.js';
import type { Consent } from '../consents/marketing-state.js';
import type { PlayerBlocksView } from '../consents/player-blocks.service.js';

const misprints: Record<string, CrmChannel> = { siteNotifiction: 'siteNotification' };
/** One more than the limit is enough to be refused: thousands would be validated first. */
const toList = ({ value }: { value: unknown }): unknown => {
  if (Array.isArray(value)) return value.slice(0, 7);
  return typeof value === 'object' && value !== null ? [value] : value;
};
const correct = ({ value }: { value: unknown }) => (typeof value === 'string' && misprints[value]) || value;

/** One channel in a change. `type` and `channel` are two names of the same key. */
@IgnoreUnknownKeys()
export class ConsentChangeDto {
  /**
   * The channel.
   * @example email
   */
  @IfGiven()
  @Transform(correct)
  @IsIn(crmChannels)
  type?: CrmChannel;

  /** The same as `type`: either of the two is needed. */
  @IfGiven()
  @Transform(correct)
  @IsIn(crmChannels)
  channel?: CrmChannel;

  /** false withdraws the whole channel. */
  @IsBoolean()
  opted_in: boolean;

  /**
   * The products that the consent is limited to from now on. Absent: no product-specific consent. Empty: a withdrawal.
   * @example ["casino", "sportsbook", "lottery"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(100)
  @IsString({ each: true })
  products?: string[];
}

@ApiExtraModels(ConsentChangeDto)
@IgnoreUnknownKeys()
export class ChangeConsentsDto {
  /** One change or a list of up to six, a channel at most once; all of them happen, or none. */
  @ApiProperty({
    oneOf: [
      { type: 'array', minItems: 1, maxItems: 6, items: { $ref: getSchemaPath(ConsentChangeDto) } },
      { $ref: getSchemaPath(ConsentChangeDto) },
    ],
    example: [{ type: 'email', opted_in: true, products: ['casino', 'sportsbook', 'lottery'] }],
  })
  @Transform(toList)
  @IsArray({ message: 'consents must be an object or a list' })
  @ArrayMinSize(1)
  @ArrayMaxSize(6)
  @ValidateNested({ each: true })
  @Type(() => ConsentChangeDto)
  consents: ConsentChangeDto[];
}

export class ConsentDto {
  /** @example email */
  type: CrmChannel;

  opted_in: boolean;

  /**
   * Only where the consent is limited to products.
   * @example ["casino", "sports"]
   */
  products?: string[];
}

export class ConsentsDto {
  /** All six channels, each once, in this order: email, sms, siteNotification, telephone, postMail, pushNotification. */
  consents: ConsentDto[];
}

@IgnoreUnknownKeys()
export class ReadConsentsQuery {
  /**
   * Read what was in force at this instant (RFC 3339).
   * @example 2026-01-31T12:00:00Z
   */
  @IfGiven()
  @IsString()
  at?: string;
}

@IgnoreUnknownKeys()
export class HistoryQuery {
  /** Events on a page. */
  @ApiPropertyOptional({ type: 'integer', default: 100 })
  @IfGiven()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1000)
  limit: number = 100;

  /** The `next` of the page before. */
  @IfGiven()
  @IsString()
  @MaxLength(100)
  cursor?: string;
}

/** A channel's state in an event, or whether a block was active. */
export class HistoryStateDto {
  opted_in?: boolean;
  products?: string[];
  active?: boolean;

  /** End of a self-exclusion, where it has one. */
  until?: string;
}

export class HistoryEventDto {
  /** @example 1001:17 */
  id: string;

  /** One of the channels, or `excluded` or `blocked` for a change of that block. */
  channel: string;

  before: HistoryStateDto;
  after: HistoryStateDto;

  /** @example client:demo */
  actor: string;

  /**
   * The door that it came through.
   * @example userconsents
   */
  source: string;

  /** @example 2026-01-31T12:00:00.000Z */
  occurred_at: string;

  /** @example 2026-01-31T12:00:00.004Z */
  recorded_at: string;

  /** What came with the request: address, user agent, origin. `{"erased":true}` once it was erased. */
  evidence: Record<string, unknown> | null;
}

export class HistoryDto {
  events: HistoryEventDto[];

  /** The cursor of the next page; null on the last. */
  next: string | null;
}

@IgnoreUnknownKeys()
export class DecisionQuery {
  /** @example email */
  @Transform(correct)
  @IsIn(crmChannels)
  channel: CrmChannel;

  /**
   * A product of the brand, or an alias.
   * @example casino
   */
  @IfGiven()
  @IsString()
  product?: string;
}

export class DecisionReasonDto {
  /** @example opted_in_for_product */
  code: string;

  /** @example the player is opted in to email for casino */
  text: string;

  /** The event that it rests on; absent where there is none. */
  event_id?: string;
}

export class DecisionDto {
  allowed: boolean;

  /** Never empty. */
  reasons: DecisionReasonDto[];
}

export class BlockDto {
  active: boolean;

  /** @example Excluded */
  type: 'Excluded' | 'Blocked';

  note: string;
}

export class BlocksDto {
  /** Exactly two: `Excluded` (self-exclusion), then `Blocked` (by the operator). */
  blocks: BlockDto[];
}

/** The six consents as the CRM reads them. */
export function toConsentsDto(consents: Consent[]): ConsentsDto {
  return {
    consents: consents.map(({ channel, optedIn, products }) => {
      const type = channel as CrmChannel;
      return products ? { type, opted_in: optedIn, products } : { type, opted_in: optedIn };
    }),
  };
}

/** A page of history. */
export function toHistoryDto(page: { events: HistoryEvent[]; next: string | null }): HistoryDto {
  return { events: page.events.map(toHistoryEventDto), next: page.next };
}

function toHistoryEventDto(event: HistoryEvent): HistoryEventDto {
  return {
    id: event.id,
    channel: event.channel,
    before: toHistoryState(event.before),
    after: {
      ...toHistoryState(event.after),
      ...(typeof event.detail?.until === 'string' && untilOf(event.detail.until)),
    },
    actor: event.actor,
    source: event.source,
    occurred_at: event.occurredAt.toISOString(),
    recorded_at: event.recordedAt.toISOString(),
    evidence: event.evidence,
  };
}

function untilOf(until: string): { until: string } {
  return { until: new Date(until).toISOString() };
}

function toHistoryState(state: Consent | { active: boolean }): HistoryStateDto {
  if ('active' in state) return { active: state.active };
  return state.products ? { opted_in: state.optedIn, products: state.products } : { opted_in: state.optedIn };
}

/** A decision with its reasons. */
export function toDecisionDto(decision: Decision): DecisionDto {
  return { allowed: decision.allowed, reasons: decision.reasons };
}

/** The two blocks as the CRM reads them. */
export function toBlocksDto({ excluded, blocked }: PlayerBlocksView): BlocksDto {
  return {
    blocks: [
      { active: excluded.active, type: 'Excluded', note: excluded.note },
      { active: blocked.active, type: 'Blocked', note: blocked.note },
    ],
  };
}
