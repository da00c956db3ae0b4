import { Check, Column, Entity, JoinColumn, OneToOne, PrimaryColumn, Unique } from 'typeorm';
import { Player } from './player.entity.js';

/** How a player logs in and is written to. The keys are what names and addresses are compared by. */
@Entity('player_credentials')
@Unique('uq_player_credentials_username', ['brandId', 'usernameKey'])
@Unique('uq_player_credentials_email', ['brandId', 'emailKey'])
@Check(
  'ck_player_credentials_reality_check',
  `reality_check = ANY (ARRAY['15_min'::text, '30_min'::text, '60_min'::text, 'no_limit'::text])`,
)
export class PlayerCredentials {
  @PrimaryColumn({
    type: 'integer',
    name: 'brand_id',
    primaryKeyConstraintName: 'pk_player_credentials',
  })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_player_credentials',
  })
  playerId: string;

  @Column({ type: 'text', nullable: true })
  username: string | null;

  @Column({ type: 'text', name: 'username_key', collation: 'C', nullable: true })
  usernameKey: string | null;

  @Column({ type: 'text', nullable: true })
  email: string | null;

  @Column({ type: 'text', name: 'email_key', collation: 'C', nullable: true })
  emailKey: string | null;

  @Column({ type: 'timestamptz', name: 'email_verified_at', nullable: true })
  emailVerifiedAt: Date | null;

  /** Argon2id, in its PHC form; null for a player who cannot log in with one. */
  @Column({ type: 'text', name: 'password_hash', nullable: true })
  passwordHash: string | null;

  /** Given by the operator: to be changed before anything else. */
  @Column({ type: 'boolean', name: 'is_password_temporary', default: false })
  isPasswordTemporary: boolean;

  @Column({ type: 'timestamptz', name: 'password_changed_at', nullable: true })
  passwordChangedAt: Date | null;

  @Column({ type: 'boolean', name: 'is_2fa_required', default: false })
  is2faRequired: boolean;

  /** How often a player wants to be told how long it has played. */
  @Column({ type: 'text', name: 'reality_check', default: 'no_limit' })
  realityCheck: string;

  /** When registration was complete; null while its second step is open. */
  @Column({ type: 'timestamptz', name: 'registered_at', nullable: true })
  registeredAt: Date | null;

  /** What registration said of marketing; null where it said nothing. No consent rests on it. */
  @Column({ type: 'boolean', name: 'signed_opt_out', nullable: true })
  signedOptOut: boolean | null;

  /** What registration said brought the player here. */
  @Column({ type: 'text', name: 'bonus_code', nullable: true })
  bonusCode: string | null;

  @Column({ type: 'text', name: 'affiliate_parameter', nullable: true })
  affiliateParameter: string | null;

  @OneToOne(() => Player)
  @JoinColumn([
    {
      name: 'brand_id',
      referencedColumnName: 'brandId',
      foreignKeyConstraintName: 'fk_player_credentials_player',
    },
    {
      name: 'player_id',
      referencedColumnName: 'playerId',
      foreignKeyConstraintName: 'fk_player_credentials_player',
    },
  ])
  player: Player;
}
