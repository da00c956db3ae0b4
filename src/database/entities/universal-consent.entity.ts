import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import { Subject } from './subject.entity.js';

/** What a subject consents to now, one row for each reference; how it came to that stands in consent_events. */
@Entity('universal_consents')
@Check('ck_universal_consents_level', 'level >= 1 AND level <= 3')
@Unique('uq_universal_consents_subject', ['clientId', 'reference'])
@Index('ix_universal_consents_updated_at', ['brandId', 'updatedAt', 'id'])
@Index('ix_universal_consents_client', ['clientId', 'updatedAt', 'id'], { where: 'seq > 0' })
@Index('ix_universal_consents_reference', ['brandId', 'reference', 'updatedAt', 'id'], { where: 'level > 0' })
@Index('ix_universal_consents_type', ['brandId', 'consentType', 'updatedAt', 'id'])
@Index('ix_universal_consents_level', ['brandId', 'level', 'updatedAt', 'id'])
@Index('ix_universal_consents_ip', ['brandId', 'ip', 'updatedAt', 'id'])
@Index('ix_universal_consents_user_agent', ['brandId', 'userAgentHash', 'updatedAt', 'id'])
@Index('ix_universal_consents_city', ['brandId', 'city', 'updatedAt', 'id'], {
  where: 'city IS NOT NULL',
})
@Index('ix_universal_consents_state', ['brandId', 'state', 'updatedAt', 'id'], {
  where: 'state IS NOT NULL',
})
@Index('ix_universal_consents_country', ['brandId', 'country', 'updatedAt', 'id'], {
  where: 'country IS NOT NULL',
})
export class UniversalConsent {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'pk_universal_consents' })
  id: string;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  @Column({ type: 'bytea', name: 'client_id' })
  clientId: Buffer;

  @Column({ type: 'text', collation: 'C' })
  reference: string;

  @Column({ type: 'text', name: 'consent_type', collation: 'C' })
  consentType: string;

  /** A value of ConsentLevel (consents/universal/universal-record.ts). */
  @Column({ type: 'smallint' })
  level: number;

  @Column({ type: 'text', nullable: true })
  uri: string | null;

  @Column({ type: 'text', nullable: true })
  metadata: string | null;

  @Column({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'updated_at' })
  updatedAt: Date;

  /** Number of its last event. */
  @Column({ type: 'bigint' })
  seq: string;

  /** Of the last request, as the following columns. */
  @Column({ type: 'text', collation: 'C', nullable: true })
  ip: string | null;

  @Column({ type: 'text', name: 'proxified_ip', collation: 'C', nullable: true })
  proxifiedIp: string | null;

  @Column({ type: 'text', name: 'user_agent', collation: 'C', nullable: true })
  userAgent: string | null;

  /** hashtextextended(user_agent, 0): texts as long as these make a poor key. */
  @Column({ type: 'bigint', name: 'user_agent_hash', nullable: true })
  userAgentHash: string | null;

  @Column({ type: 'text', collation: 'C', nullable: true })
  city: string | null;

  @Column({ type: 'text', collation: 'C', nullable: true })
  state: string | null;

  @Column({ type: 'text', collation: 'C', nullable: true })
  country: string | null;

  @ManyToOne(() => Subject)
  @JoinColumn({ name: 'client_id', foreignKeyConstraintName: 'fk_universal_consents_subject' })
  subject: Subject;
}
