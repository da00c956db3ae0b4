import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import { PlayerCredentials } from './player-credentials.entity.js';

/** A log-in whose password was right and whose code is still to come. The token is a version-4 UUID, kept as its SHA-256. */
@Entity('login_challenges')
@Unique('uq_login_challenges_token_hash', ['brandId', 'tokenHash'])
@Index('ix_login_challenges_expires_at', { synchronize: false })
export class LoginChallenge {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_login_challenges' })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_login_challenges',
  })
  playerId: string;

  @PrimaryColumn({ type: 'bytea', name: 'token_hash', primaryKeyConstraintName: 'pk_login_challenges' })
  tokenHash: Buffer;

  /** SHA-256 of the password's hash: another password since makes it void. */
  @Column({ type: 'bytea', name: 'password_digest' })
  passwordDigest: Buffer;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'expires_at' })
  expiresAt: Date;

  @ManyToOne(() => PlayerCredentials)
  @JoinColumn([
    {
      name: 'brand_id',
      referencedColumnName: 'brandId',
      foreignKeyConstraintName: 'fk_login_challenges_player',
    },
    {
      name: 'player_id',
      referencedColumnName: 'playerId',
      foreignKeyConstraintName: 'fk_login_challenges_player',
    },
  ])
  player: PlayerCredentials;
}
