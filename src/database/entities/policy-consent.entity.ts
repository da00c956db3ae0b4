import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { PolicyVersion } from './policy-version.entity.js';
import { Subject } from './subject.entity.js';

/** What a subject has said about a version of a policy; each row is one act, and only `subject_id` ever changes. */
@Entity('policy_consents')
@Index('ix_policy_consents_subject', ['subjectId', 'policyId', 'createdAt', 'id'])
@Index('ix_policy_consents_created_at', ['brandId', 'createdAt', 'id'])
@Index('ix_policy_consents_user', ['subjectId', 'createdAt', 'id'])
@Index('ix_policy_consents_policy', ['brandId', 'policyId', 'createdAt', 'id'])
@Index('ix_policy_consents_policy_version', ['brandId', 'policyId', 'version', 'createdAt', 'id'])
@Index('ix_policy_consents_given', ['brandId', 'isGiven', 'createdAt', 'id'])
@Index('ix_policy_consents_version', ['brandId', 'version', 'createdAt', 'id'])
@Index('ix_policy_consents_domain', ['brandId', 'domainId', 'createdAt', 'id'], {
  where: 'domain_id IS NOT NULL',
})
@Index('ix_policy_consents_application', ['brandId', 'mobileApplicationId', 'createdAt', 'id'], {
  where: 'mobile_application_id IS NOT NULL',
})
@Index('ix_policy_consents_device', ['brandId', 'deviceManufacturer', 'createdAt', 'id'], {
  where: 'device_manufacturer IS NOT NULL',
})
@Index('ix_policy_consents_sdk', ['brandId', 'sdkVersion', 'createdAt', 'id'], {
  where: 'sdk_version IS NOT NULL',
})
@Index('ix_policy_consents_os', ['brandId', 'osVersion', 'createdAt', 'id'], {
  where: 'os_version IS NOT NULL',
})
export class PolicyConsent {
  /** The act's, by which its event is found, and it by its event. */
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'pk_policy_consents' })
  id: string;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  /** Whom the event stands under. */
  @Column({ type: 'bytea', name: 'client_id' })
  clientId: Buffer;

  /** Whose consent it is now: the one whom `clientId` turned out to be, if anybody. */
  @Column({ type: 'bytea', name: 'subject_id' })
  subjectId: Buffer;

  @Column({ type: 'uuid', name: 'policy_id' })
  policyId: string;

  @Column({ type: 'text', collation: 'C' })
  version: string;

  /** When that version took or takes effect. */
  @Column({ type: 'timestamptz', name: 'version_at' })
  versionAt: Date;

  /** Of the text. */
  @Column({ type: 'text' })
  language: string;

  @Column({ type: 'boolean', name: 'is_given' })
  isGiven: boolean;

  /** Nobody said which version: it was the current one. */
  @Column({ type: 'boolean', name: 'is_assumed' })
  isAssumed: boolean;

  @Column({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;

  /** Number of its event. */
  @Column({ type: 'bigint' })
  seq: string;

  @Column({ type: 'text', nullable: true })
  uri: string | null;

  @Column({ type: 'text', name: 'domain_id', collation: 'C', nullable: true })
  domainId: string | null;

  /** Of the request, as the following columns. */
  @Column({ type: 'text', nullable: true })
  ip: string | null;

  @Column({ type: 'text', name: 'proxified_ip', nullable: true })
  proxifiedIp: string | null;

  @Column({ type: 'text', name: 'user_agent', nullable: true })
  userAgent: string | null;

  @Column({ type: 'text', nullable: true })
  city: string | null;

  @Column({ type: 'text', nullable: true })
  state: string | null;

  @Column({ type: 'text', nullable: true })
  country: string | null;

  /** Of an app, as the following columns. */
  @Column({ type: 'text', name: 'client_session_id', nullable: true })
  clientSessionId: string | null;

  @Column({ type: 'text', name: 'device_manufacturer', collation: 'C', nullable: true })
  deviceManufacturer: string | null;

  @Column({ type: 'text', name: 'sdk_version', collation: 'C', nullable: true })
  sdkVersion: string | null;

  @Column({ type: 'text', name: 'os_version', collation: 'C', nullable: true })
  osVersion: string | null;

  @Column({ type: 'text', name: 'mobile_application_id', collation: 'C', nullable: true })
  mobileApplicationId: string | null;

  @ManyToOne(() => Subject)
  @JoinColumn({ name: 'client_id', foreignKeyConstraintName: 'fk_policy_consents_client' })
  client: Subject;

  @ManyToOne(() => Subject)
  @JoinColumn({ name: 'subject_id', foreignKeyConstraintName: 'fk_policy_consents_subject' })
  subject: Subject;

  @ManyToOne(() => PolicyVersion)
  @JoinColumn([
    {
      name: 'policy_id',
      referencedColumnName: 'policyId',
      foreignKeyConstraintName: 'fk_policy_consents_version',
    },
    {
      name: 'version',
      referencedColumnName: 'version',
      foreignKeyConstraintName: 'fk_policy_consents_version',
    },
  ])
  policyVersion: PolicyVersion;
}
