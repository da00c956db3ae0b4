import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import {
  type PolicyTextRead,
  type TimelineEvent,
  type TimelineType,
  timelineTypes,
} from '../consents/timeline-event.js';

export class TimelineQuery {
  /** Events on a page. */
  @ApiPropertyOptional({ type: 'integer', default: 100, minimum: 1, maximum: 1000 })
  @IfGiven()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1000)
  limit?: number;

  /** That of the Link header of the page before. */
  @IfGiven()
  @IsString()
  @MaxLength(200)
  cursor?: string;
}

/** A consent before or after an event: a channel's, a block's, a universal consent's or that to a policy. */
export class TimelineStateDto {
  OptedIn?: boolean;

  /** Only where the consent is limited to some. */
  Products?: string[];

  /** Whether the block is on. */
  Active?: boolean;

  /** `All`, `Partial` or `None` of a universal consent, a boolean of a policy. */
  @ApiPropertyOptional({ oneOf: [{ type: 'string' }, { type: 'boolean' }] })
  ConsentGiven?: string | boolean;
}

/** The text that was read. */
export class TimelinePolicyDto {
  Version: string;
  Language: string | null;

  /** SHA-256 of its HTML, in hexadecimal digits. */
  TextHash: string | null;

  /** Whether nobody said which version it was: then it was the current one. */
  Assumed: boolean;
}

export class TimelineEventDto {
  /** @example 1001:3 */
  Id: string;

  @ApiProperty({ enum: timelineTypes })
  Type: TimelineType;

  /**
   * What happened: granted, changed, withdrawn, refused, reaffirmed, or how a block changed.
   * @example granted
   */
  Kind: string;

  /** Of a marketing consent or a block. */
  Channel: string | null;

  /** Of a universal consent; of a policy its id. */
  Reference: string | null;

  /** Of a universal consent; of a policy its type. */
  ConsentType: string | null;

  /** Of a policy; it stays when the evidence is erased. */
  Policy: TimelinePolicyDto | null;

  /** Null where nothing was recorded before. */
  Before: TimelineStateDto | null;
  After: TimelineStateDto;

  /** Who did it. */
  Actor: string;

  /** The door it came through. */
  Source: string;

  OccurredAt: string;
  RecordedAt: string;

  /** What came with the request; `{"erased": true}` once that has been erased; null where nothing came. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  Evidence: Record<string, unknown> | null;
}

/** An event of the timeline, field by field. */
export function toTimelineEventDto(event: TimelineEvent): TimelineEventDto {
  return {
    Id: event.id,
    Type: event.type,
    Kind: event.kind,
    Channel: event.channel,
    Reference: event.reference,
    ConsentType: event.consentType,
    Policy: event.policy && toPolicy(event.policy),
    Before: event.before && toState(event.before),
    After: toState(event.after),
    Actor: event.actor,
    Source: event.source,
    OccurredAt: event.occurredAt.toISOString(),
    RecordedAt: event.recordedAt.toISOString(),
    Evidence: event.evidence,
  };
}

function toPolicy(policy: PolicyTextRead): TimelinePolicyDto {
  return {
    Version: policy.version,
    Language: policy.language,
    TextHash: policy.textHash,
    Assumed: policy.isAssumed,
  };
}

function toState(state: TimelineEvent['after']): TimelineStateDto {
  if ('given' in state) return { ConsentGiven: state.given };
  if ('level' in state) return { ConsentGiven: state.level };
  if ('active' in state) return { Active: state.active };
  return { OptedIn: state.optedIn, ...(state.products && { Products: state.products }) };
}
