import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One try to deliver a webhook, and what came of it. It goes with its outbox row, by a trigger. */
@Entity('delivery_attempts')
export class DeliveryAttempt {
  @PrimaryColumn({ type: 'bigint', name: 'outbox_id', primaryKeyConstraintName: 'pk_delivery_attempts' })
  outboxId: string;

  @PrimaryColumn({
    type: 'timestamptz',
    name: 'attempted_at',
    default: () => 'now()',
    primaryKeyConstraintName: 'pk_delivery_attempts',
  })
  attemptedAt: Date;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  /** From 1. */
  @Column({ type: 'smallint' })
  attempt: number;

  @Column({ type: 'integer', name: 'duration_ms' })
  durationMs: number;

  /** The HTTP status; null when there was no answer. */
  @Column({ type: 'smallint', nullable: true })
  status: number | null;

  @Column({ type: 'text', nullable: true })
  error: string | null;

  /** The first kilobyte of the answer. */
  @Column({ type: 'text', nullable: true })
  answer: string | null;
}
