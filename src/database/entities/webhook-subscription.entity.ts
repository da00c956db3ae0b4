import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Brand } from './brand.entity.js';

/** Who wants to be told of a brand's consent updates, and where; criteria that are null match everything. */
@Entity('webhook_subscriptions')
@Index('ix_webhook_subscriptions_brand', ['brandId', 'id'])
export class WebhookSubscription {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'pk_webhook_subscriptions' })
  id: string;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  @Column({ type: 'text', name: 'custom_user_id', nullable: true })
  customUserId: string | null;

  @Column({ type: 'text', nullable: true })
  reference: string | null;

  @Column({ type: 'text', name: 'consent_type', nullable: true })
  consentType: string | null;

  @Column({ type: 'text' })
  url: string;

  /** Sealed: it is presented, so a hash would not do. */
  @Column({ type: 'bytea' })
  secret: Buffer;

  /** Signs along until `oldSecretUntil`, after a rotation. */
  @Column({ type: 'bytea', name: 'old_secret', nullable: true })
  oldSecret: Buffer | null;

  @Column({ type: 'timestamptz', name: 'old_secret_until', nullable: true })
  oldSecretUntil: Date | null;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  /** The first failure since anything arrived. */
  @Column({ type: 'timestamptz', name: 'failing_since', nullable: true })
  failingSince: Date | null;

  @Column({ type: 'timestamptz', name: 'disabled_at', nullable: true })
  disabledAt: Date | null;

  @Column({ type: 'text', name: 'disabled_reason', nullable: true })
  disabledReason: string | null;

  @ManyToOne(() => Brand)
  @JoinColumn({ name: 'brand_id', foreignKeyConstraintName: 'fk_webhook_subscriptions_brand' })
  brand: Brand;
}
