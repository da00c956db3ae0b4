import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Brand } from './brand.entity.js';

/** How often something was tried in a stretch of time, for limits that hold on every instance. */
@Entity('attempt_counts')
@Index('ix_attempt_counts_expires_at', { synchronize: false })
export class AttemptCount {
  @PrimaryColumn({
    type: 'integer',
    name: 'brand_id',
    primaryKeyConstraintName: 'pk_attempt_counts',
  })
  brandId: number;

  /** A keyed digest of what is limited: nobody can tell whom or where from. */
  @PrimaryColumn({ type: 'bytea', primaryKeyConstraintName: 'pk_attempt_counts' })
  key: Buffer;

  @Column({ type: 'timestamptz', name: 'window_at' })
  windowAt: Date;

  @Column({ type: 'integer' })
  attempts: number;

  @Column({ type: 'timestamptz', name: 'expires_at' })
  expiresAt: Date;

  @ManyToOne(() => Brand)
  @JoinColumn({ name: 'brand_id', foreignKeyConstraintName: 'fk_attempt_counts_brand' })
  brand: Brand;
}
