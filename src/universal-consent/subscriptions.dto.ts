import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { IsText } from '../common/is-text.js';
import type { WebhookSubscription } from '../database/entities/webhook-subscription.entity.js';
import type { SubscriptionDelivery } from '../delivery/webhooks/subscriptions.service.js';
import type { WebhookAttempt } from '../delivery/webhooks/webhook-sender.js';

/** What is absent matches everything. */
export class SubscribeDto {
  /** Only consents of this subject. */
  @ApiPropertyOptional({ example: '1001' })
  @IfGiven()
  @IsText(256)
  CustomUserId?: string;

  /**
   * Only consents to this; of a policy it is the PolicyId.
   * @example callback
   */
  @IfGiven()
  @IsText(500)
  Reference?: string;

  /**
   * Only consents of this kind; a player's marketing consents are of the kind `marketing`, those to a policy of its type.
   * @example Call
   */
  @IfGiven()
  @IsText(100)
  ConsentType?: string;

  /**
   * Where updates are posted to, as Standard Webhooks has it. Public addresses only, and https in production.
   * @example https://example.com/webhooks
   */
  @IsString()
  @MaxLength(2048)
  WebhookUrl: string;
}

export class SubscriptionDto {
  Id: string;
  WebhookUrl: string;
  CustomUserId: string | null;
  Reference: string | null;
  ConsentType: string | null;
  Created: string;

  /** Since when nothing but failures came back; null while it works. */
  FailingSince: string | null;

  /** Since when nothing is sent any more; a ping that arrives switches it on again. */
  DisabledAt: string | null;
  DisabledReason: string | null;
}

export class NewSubscriptionDto extends SubscriptionDto {
  /**
   * Signs what is sent; shown this once.
   * @example whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
   */
  Secret: string;
}

export class RotatedSecretDto {
  /**
   * The new secret; shown this once.
   * @example whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
   */
  Secret: string;

  /** Until then the old one signs along. */
  OldSecretUntil: string;
}

export class PingDto {
  /** HTTP status of the receiver's answer; null where none came. */
  Status: number | null;

  /** Why none came. */
  Error: string | null;

  /** The answer's first kilobyte. */
  Answer: string | null;
  DurationMs: number;
}

export class SubscriptionDeliveriesQuery {
  /** Webhooks on a page. */
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
  @MaxLength(20)
  cursor?: string;
}

export class AttemptDto extends PingDto {
  AttemptedAt: string;
}

export class SubscriptionDeliveryDto {
  /** For `POST /api/deliveries/:id/redeliver`. */
  Id: string;

  /** The receiver's `webhook-id`. */
  MessageId: string;

  /** `pending`, `parked` or `delivered`. */
  Status: string;
  Created: string;

  /** When it is tried next; null unless it is pending. */
  NextAttempt: string | null;

  /** Newest first. */
  Attempts: AttemptDto[];
}

/** A subscription, field by field: never its secret. */
export function toSubscriptionDto(subscription: WebhookSubscription): SubscriptionDto {
  return {
    Id: subscription.id,
    WebhookUrl: subscription.url,
    CustomUserId: subscription.customUserId,
    Reference: subscription.reference,
    ConsentType: subscription.consentType,
    Created: subscription.createdAt.toISOString(),
    FailingSince: subscription.failingSince?.toISOString() ?? null,
    DisabledAt: subscription.disabledAt?.toISOString() ?? null,
    DisabledReason: subscription.disabledReason,
  };
}

/** What came of a ping. */
export function toPingDto({ status, error, answer, durationMs }: WebhookAttempt): PingDto {
  return { Status: status, Error: error, Answer: answer, DurationMs: Math.round(durationMs) };
}

/** A webhook with its tries, field by field. */
export function toSubscriptionDeliveryDto(delivery: SubscriptionDelivery): SubscriptionDeliveryDto {
  return {
    Id: delivery.id,
    MessageId: delivery.messageId,
    Status: delivery.status,
    Created: delivery.createdAt.toISOString(),
    NextAttempt: delivery.nextAttemptAt?.toISOString() ?? null,
    Attempts: delivery.attempts.map((attempt) => ({
      AttemptedAt: new Date(attempt.attempted_at).toISOString(),
      Status: attempt.status,
      Error: attempt.error,
      Answer: attempt.answer,
      DurationMs: attempt.duration_ms,
    })),
  };
}
