import { Check, Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { PolicyVersion } from './policy-version.entity.js';

/** The text of a version in one language, as it came and as it is shown. */
@Entity('policy_texts')
@Check('ck_policy_texts_format', `format = ANY (ARRAY['html'::text, 'markdown'::text])`)
export class PolicyText {
  @PrimaryColumn({ type: 'uuid', name: 'policy_id', primaryKeyConstraintName: 'pk_policy_texts' })
  policyId: string;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  @PrimaryColumn({ type: 'text', collation: 'C', primaryKeyConstraintName: 'pk_policy_texts' })
  version: string;

  /** BCP 47, in its canonical form. */
  @PrimaryColumn({ type: 'text', collation: 'C', primaryKeyConstraintName: 'pk_policy_texts' })
  language: string;

  @Column({ type: 'text' })
  format: string;

  @Column({ type: 'text' })
  source: string;

  /** Sanitised; what people agree to. */
  @Column({ type: 'text' })
  html: string;

  /** SHA-256 of `html` in UTF-8. */
  @Column({ type: 'bytea', name: 'html_hash' })
  htmlHash: Buffer;

  @ManyToOne(() => PolicyVersion, { onDelete: 'CASCADE' })
  @JoinColumn([
    {
      name: 'policy_id',
      referencedColumnName: 'policyId',
      foreignKeyConstraintName: 'fk_policy_texts_version',
    },
    { name: 'version', referencedColumnName: 'version', foreignKeyConstraintName: 'fk_policy_texts_version' },
  ])
  policyVersion: PolicyVersion;
}
