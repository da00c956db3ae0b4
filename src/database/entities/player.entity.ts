import { Check, Column, Entity, JoinColumn, OneToOne, PrimaryColumn } from 'typeorm';
import { MarketingState } from './marketing-state.entity.js';

/** What is known of a player as a person; a player known only by consents has none of it. */
@Entity('players')
@Check('ck_players_gender', `gender = ANY (ARRAY['F'::text, 'M'::text])`)
export class Player {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_players' })
  brandId: number;

  @PrimaryColumn({ type: 'text', name: 'player_id', collation: 'C', primaryKeyConstraintName: 'pk_players' })
  playerId: string;

  @Column({ type: 'text', nullable: true })
  origin: string | null;

  @Column({ type: 'text', nullable: true })
  currency: string | null;

  @Column({ type: 'text', nullable: true })
  language: string | null;

  @Column({ type: 'text', name: 'b_tag', nullable: true })
  bTag: string | null;

  @Column({ type: 'boolean', name: 'test_account', default: false })
  testAccount: boolean;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'updated_at', default: () => 'now()' })
  updatedAt: Date;

  /** Whether somebody gave details: the second step of registration, or the operator. */
  @Column({ type: 'boolean', name: 'has_details', default: false })
  hasDetails: boolean;

  @Column({ type: 'text', name: 'first_name', nullable: true })
  firstName: string | null;

  @Column({ type: 'text', name: 'last_name', nullable: true })
  lastName: string | null;

  /** YYYY-MM-DD. */
  @Column({ type: 'date', name: 'birth_on', nullable: true })
  birthOn: string | null;

  /** F or M. */
  @Column({ type: 'text', nullable: true })
  gender: string | null;

  /** ISO 3166-1, two capital letters. */
  @Column({ type: 'text', nullable: true })
  country: string | null;

  @Column({ type: 'text', nullable: true })
  city: string | null;

  @Column({ type: 'text', nullable: true })
  address: string | null;

  @Column({ type: 'text', name: 'zip_postal_code', nullable: true })
  zipPostalCode: string | null;

  /** `countrycode-number`, digits only. */
  @Column({ type: 'text', nullable: true })
  phone: string | null;

  @Column({ type: 'boolean', name: 'is_mobile_verified', default: false })
  isMobileVerified: boolean;

  @Column({ type: 'timestamptz', name: 'mobile_verification_changed_at', nullable: true })
  mobileVerificationChangedAt: Date | null;

  @Column({ type: 'text', name: 'mobile_verification_changed_by', nullable: true })
  mobileVerificationChangedBy: string | null;

  /** A number that waits for its code. */
  @Column({ type: 'text', name: 'pending_mobile_number', nullable: true })
  pendingMobileNumber: string | null;

  /** Whether this player's numbers are verified even where the brand does not ask for it. */
  @Column({ type: 'boolean', name: 'is_mobile_verification_on', default: false })
  isMobileVerificationOn: boolean;

  /** As the operator's platform has it. */
  @Column({ type: 'integer', name: 'vip_level', nullable: true })
  vipLevel: number | null;

  @OneToOne(() => MarketingState)
  @JoinColumn([
    { name: 'brand_id', referencedColumnName: 'brandId', foreignKeyConstraintName: 'fk_players_state' },
    { name: 'player_id', referencedColumnName: 'playerId', foreignKeyConstraintName: 'fk_players_state' },
  ])
  state: MarketingState;
}
