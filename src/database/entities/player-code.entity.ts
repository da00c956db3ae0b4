import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Player } from './player.entity.js';

/** A code that went to a number, to show that the player has it. The code itself is in no table. */
@Entity('player_codes')
@Index('ix_player_codes_token_hash', ['brandId', 'tokenHash'])
@Index('ix_player_codes_expires_at', { synchronize: false })
export class PlayerCode {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_player_codes' })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_player_codes',
  })
  playerId: string;

  /** UUIDv7. The code is derived from it. */
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'pk_player_codes' })
  id: string;

  /** The number that the code went to, and that it shows to be the player's. */
  @Column({ type: 'text' })
  number: string;

  /** Whether it opens a session, or else shows a new number to be the player's. */
  @Column({ type: 'boolean', name: 'is_login' })
  isLogin: boolean;

  /** SHA-256 of the token that goes with the code; one that is sent again has the same. */
  @Column({ type: 'bytea', name: 'token_hash' })
  tokenHash: Buffer;

  /** Keyed digest of id and code. */
  @Column({ type: 'bytea', name: 'code_hash' })
  codeHash: Buffer;

  /** Wrong ones so far. */
  @Column({ type: 'smallint', default: 0 })
  tries: number;

  @Column({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'expires_at' })
  expiresAt: Date;

  /** When it was used, or a newer one took its place; one with too many tries, or whose time is over, has none. */
  @Column({ type: 'timestamptz', name: 'ended_at', nullable: true })
  endedAt: Date | null;

  @ManyToOne(() => Player)
  @JoinColumn([
    { name: 'brand_id', referencedColumnName: 'brandId', foreignKeyConstraintName: 'fk_player_codes_player' },
    {
      name: 'player_id',
      referencedColumnName: 'playerId',
      foreignKeyConstraintName: 'fk_player_codes_player',
    },
  ])
  player: Player;
}
