import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

const isDue = 'parked_at IS NULL AND delivered_at IS NULL';
const isDueInOtherWords = 'COALESCE(parked_at, delivered_at) IS NULL';

/**
 * What must leave the service, written in the transaction of the change. A row is due until it is deleted (done), parked
 * (given up) or, for webhooks, marked as delivered. What kinds and lanes there are: src/delivery/outbox-kinds.ts.
 */
@Entity('outbox')
@Check('ck_outbox_kind', 'kind >= 1 AND kind <= 6')
@Check('ck_outbox_lane', 'lane >= 0 AND lane <= 5')
@Index('ix_outbox_due', ['brandId', 'lane', 'nextAttemptAt', 'id'], { where: isDue })
@Index('ix_outbox_player', ['brandId', 'playerId'], { where: `lane = 0 AND ${isDueInOtherWords}` })
@Index('ix_outbox_subject', ['playerId', 'id'], { where: `lane = 3 AND ${isDueInOtherWords}` })
@Index('ix_outbox_subscription_due', ['subscriptionId', 'nextAttemptAt', 'id'], {
  where: `subscription_id IS NOT NULL AND ${isDue}`,
})
@Index('ix_outbox_subscription', ['subscriptionId', 'id'], { where: 'subscription_id IS NOT NULL' })
@Index('ix_outbox_parked', ['brandId', 'nextAttemptAt', 'id'], { where: 'parked_at IS NOT NULL' })
@Index('ix_outbox_delivered', ['brandId', 'nextAttemptAt', 'id'], { where: 'delivered_at IS NOT NULL' })
export class OutboxEntry {
  @PrimaryColumn({
    type: 'bigint',
    generated: 'identity',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'pk_outbox',
  })
  id: string;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  /** The player or subject that it tells of. */
  @Column({ type: 'text', name: 'player_id', collation: 'C' })
  playerId: string;

  @Column({ type: 'smallint' })
  kind: number;

  @Column({ type: 'smallint', default: 0 })
  lane: number;

  /** The player's event that it tells of; a later one makes an earlier CRM event needless. */
  @Column({ type: 'bigint', default: 0 })
  seq: string;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  /** Once parked or delivered, when that was. */
  @Column({ type: 'timestamptz', name: 'next_attempt_at', default: () => 'now()' })
  nextAttemptAt: Date;

  /** While in the future, an instance is at work on it. */
  @Column({ type: 'timestamptz', name: 'leased_until', nullable: true })
  leasedUntil: Date | null;

  /** Failed attempts. */
  @Column({ type: 'smallint', default: 0 })
  attempts: number;

  @Column({ type: 'smallint', name: 'last_status', nullable: true })
  lastStatus: number | null;

  @Column({ type: 'text', name: 'last_error', nullable: true })
  lastError: string | null;

  @Column({ type: 'timestamptz', name: 'parked_at', nullable: true })
  parkedAt: Date | null;

  @Column({ type: 'timestamptz', name: 'delivered_at', nullable: true })
  deliveredAt: Date | null;

  @Column({ type: 'uuid', name: 'subscription_id', nullable: true })
  subscriptionId: string | null;

  /** What a receiver knows a webhook by, and a mail's Message-ID. */
  @Column({ type: 'uuid', name: 'message_id', nullable: true })
  messageId: string | null;

  /** The record that changed, as in consent_events. */
  @Column({ type: 'uuid', name: 'target_id', nullable: true })
  targetId: string | null;

  @Column({ type: 'jsonb', nullable: true })
  detail: Record<string, unknown> | null;
}
