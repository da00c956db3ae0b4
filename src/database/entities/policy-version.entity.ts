import { Check, Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import { Policy } from './policy.entity.js';

/** A version of a policy: a draft until it is published, and from then on for ever as it is. */
@Entity('policy_versions')
@Unique('uq_policy_versions_effective_at', ['policyId', 'effectiveAt'])
@Check('ck_policy_versions_published', '(published_at IS NULL) = (effective_at IS NULL)')
export class PolicyVersion {
  @PrimaryColumn({ type: 'uuid', name: 'policy_id', primaryKeyConstraintName: 'pk_policy_versions' })
  policyId: string;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  @PrimaryColumn({ type: 'text', collation: 'C', primaryKeyConstraintName: 'pk_policy_versions' })
  version: string;

  /** Whether everybody must agree again. */
  @Column({ type: 'boolean', name: 'is_material' })
  isMaterial: boolean;

  /** When it is to take effect, where that was asked for. */
  @Column({ type: 'timestamptz', name: 'effective_from', nullable: true })
  effectiveFrom: Date | null;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'published_at', nullable: true })
  publishedAt: Date | null;

  /** When a published version takes or took effect. */
  @Column({ type: 'timestamptz', name: 'effective_at', nullable: true })
  effectiveAt: Date | null;

  @ManyToOne(() => Policy)
  @JoinColumn({ name: 'policy_id', foreignKeyConstraintName: 'fk_policy_versions_policy' })
  policy: Policy;
}
