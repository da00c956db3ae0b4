import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Brand } from './brand.entity.js';

/** A site or app that may send consents under an id of its own, without a credential. */
@Entity('integrations')
@Index('ix_integrations_brand', ['brandId', 'id'])
export class Integration {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'pk_integrations' })
  id: string;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  @Column({ type: 'text' })
  name: string;

  /** The pages that may use the id, as browsers print their origin; none means any. */
  @Column({ type: 'text', array: true })
  origins: string[];

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'revoked_at', nullable: true })
  revokedAt: Date | null;

  @ManyToOne(() => Brand)
  @JoinColumn({ name: 'brand_id', foreignKeyConstraintName: 'fk_integrations_brand' })
  brand: Brand;
}
