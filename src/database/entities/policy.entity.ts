import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Brand } from './brand.entity.js';

/** Something people agree to: its texts come in versions. */
@Entity('policies')
@Check('ck_policies_type', `type = ANY (ARRAY['Privacy'::text, 'Cookie'::text, 'TermsOfService'::text])`)
@Index('ix_policies_brand', ['brandId', 'id'])
export class Policy {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'pk_policies' })
  id: string;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  @Column({ type: 'text' })
  name: string;

  /** A value of policyTypes (consents/policies/policy.ts). */
  @Column({ type: 'text' })
  type: string;

  @Column({ type: 'text', name: 'default_language' })
  defaultLanguage: string;

  @Column({ type: 'text', name: 'domain_id', nullable: true })
  domainId: string | null;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @ManyToOne(() => Brand)
  @JoinColumn({ name: 'brand_id', foreignKeyConstraintName: 'fk_policies_brand' })
  brand: Brand;
}
