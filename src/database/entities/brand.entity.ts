import { Check, Column, Entity, PrimaryColumn } from 'typeorm';
import type { MessageFormats } from '../../common/message-format.js';

/** A brand of the operator: its settings. Masks: bit n = product bit n, or channel code n. */
@Entity('brands')
@Check('ck_brands_id', 'id > 0')
@Check('ck_brands_colour', `colour ~ '^#[0-9a-f]{6}$'::text`)
@Check('ck_brands_unsubscribe_link_days', 'unsubscribe_link_days > 0')
export class Brand {
  @PrimaryColumn({ type: 'integer', primaryKeyConstraintName: 'pk_brands' })
  id: number;

  @Column({ type: 'text' })
  name: string;

  @Column({ type: 'text', default: '' })
  origin: string;

  @Column({ type: 'text', default: 'EUR' })
  currency: string;

  @Column({ type: 'text', name: 'default_language', default: 'en' })
  defaultLanguage: string;

  @Column({ type: 'integer', name: 'products_mask', default: 0 })
  productsMask: number;

  @Column({ type: 'integer', name: 'products_required_on', default: 0 })
  productsRequiredOn: number;

  @Column({ type: 'jsonb', name: 'product_aliases', default: {} })
  productAliases: Record<string, string>;

  @Column({ type: 'boolean', name: 'store_full_ip', default: true })
  storeFullIp: boolean;

  /** Seconds without a request after which a player's session ends. */
  @Column({ type: 'integer', name: 'session_idle_ttl', default: 1800 })
  sessionIdleTtl: number;

  /** Seconds after which a player's session ends in any case. */
  @Column({ type: 'integer', name: 'session_ttl', default: 43200 })
  sessionTtl: number;

  /** Whether a request without a credential may name a CustomUserId. */
  @Column({ type: 'boolean', name: 'web_custom_user_id', default: true })
  webCustomUserId: boolean;

  /** What players must accept as terms; null: the oldest such policy of no site in particular. */
  @Column({ type: 'uuid', name: 'terms_policy_id', nullable: true })
  termsPolicyId: string | null;

  /** The same of privacy. */
  @Column({ type: 'uuid', name: 'privacy_policy_id', nullable: true })
  privacyPolicyId: string | null;

  /** Whether players must have verified their e-mail address before they may play. */
  @Column({ type: 'boolean', name: 'email_verification_required', default: false })
  emailVerificationRequired: boolean;

  /** Whether a new mobile number counts only once its code was given. */
  @Column({ type: 'boolean', name: 'mobile_verification_required', default: false })
  mobileVerificationRequired: boolean;

  @Column({ type: 'integer', name: 'password_max_length', default: 15 })
  passwordMaxLength: number;

  /** Whether phone numbers are held against what each country has, or only against their form. */
  @Column({ type: 'boolean', name: 'library_phone_check', default: true })
  libraryPhoneCheck: boolean;

  /** Its own words for messages to players. */
  @Column({ type: 'jsonb', name: 'message_formats', default: {} })
  messageFormats: MessageFormats;

  /** Domains, in lower case, whose e-mail addresses it does not take. */
  @Column({ type: 'text', array: true, name: 'fraud_email_domains', default: [] })
  fraudEmailDomains: string[];

  /** Of its pages, as #rrggbb; null: none of its own. */
  @Column({ type: 'text', nullable: true })
  colour: string | null;

  /** What people read in place of a product's name: by product, then by language. */
  @Column({ type: 'jsonb', name: 'product_labels', default: {} })
  productLabels: Record<string, Record<string, string>>;

  /** Days after which a link to unsubscribe ends; null: never. */
  @Column({ type: 'integer', name: 'unsubscribe_link_days', nullable: true })
  unsubscribeLinkDays: number | null;

  @Column({ type: 'boolean', name: 'crm_enabled', default: false })
  crmEnabled: boolean;

  @Column({ type: 'text', name: 'crm_base_url', nullable: true })
  crmBaseUrl: string | null;

  /** Encrypted under SECRET_KEYS (common/secrets.ts). */
  @Column({ type: 'bytea', name: 'crm_api_key', nullable: true })
  crmApiKey: Buffer | null;

  @Column({ type: 'text', name: 'crm_origin', nullable: true })
  crmOrigin: string | null;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;
}
