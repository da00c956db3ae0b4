import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { type Delivery, type DeliveryStatus, deliveryStatuses } from '../delivery/deliveries.service.js';
import { type OutboxKindName, outboxKindNames } from '../delivery/outbox-kinds.js';

export class DeliveriesQuery {
  /** `pending`: waits or is under way; `parked`: given up until somebody asks for it; `delivered`: webhooks of the last 30 days. */
  @ApiPropertyOptional({ enum: deliveryStatuses, default: 'pending' })
  @IfGiven()
  @IsIn(deliveryStatuses)
  status?: DeliveryStatus;

  /** Only this kind. */
  @ApiPropertyOptional({ enum: outboxKindNames })
  @IfGiven()
  @IsIn(outboxKindNames)
  kind?: OutboxKindName;

  /** Deliveries on a page. */
  @ApiPropertyOptional({ type: 'integer', default: 100 })
  @IfGiven()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1000)
  limit?: number;

  /** The `next` of the page before. */
  @IfGiven()
  @IsString()
  @MaxLength(100)
  cursor?: string;
}

export class DeliveryDto {
  id: string;

  kind: OutboxKindName;

  status: DeliveryStatus;

  /** Whom it tells of. */
  playerId: string;

  /** Of a webhook. */
  subscriptionId: string | null;

  createdAt: string;

  /** When it is tried next; null unless it is pending. */
  nextAttemptAt: string | null;

  /** Failed attempts so far. */
  attempts: number;

  /** HTTP status of the last answer. */
  lastStatus: number | null;

  /**
   * Why there was no answer, or why it was parked.
   * @example timeout
   */
  lastError: string | null;
}

export class DeliveriesDto {
  /** What is due first comes first. */
  deliveries: DeliveryDto[];

  /** The cursor of the next page; null on the last. */
  next: string | null;
}

/** A delivery, field by field. */
export function toDeliveryDto(delivery: Delivery): DeliveryDto {
  return {
    id: delivery.id,
    kind: delivery.kind,
    status: delivery.status,
    playerId: delivery.playerId,
    subscriptionId: delivery.subscriptionId,
    createdAt: delivery.createdAt.toISOString(),
    nextAttemptAt: delivery.nextAttemptAt?.toISOString() ?? null,
    attempts: delivery.attempts,
    lastStatus: delivery.lastStatus,
    lastError: delivery.lastError,
  };
}
