import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import { MarketingState } from './marketing-state.entity.js';

/** A game that a player has open. Its id is a version-4 UUID, which opens the in-game status, and is kept as its SHA-256. */
@Entity('game_sessions')
@Unique('uq_game_sessions_id_hash', ['brandId', 'idHash'])
@Index('ix_game_sessions_expires_at', { synchronize: false })
export class GameSession {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_game_sessions' })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_game_sessions',
  })
  playerId: string;

  @PrimaryColumn({ type: 'bytea', name: 'id_hash', primaryKeyConstraintName: 'pk_game_sessions' })
  idHash: Buffer;

  /** The platform's. */
  @Column({ type: 'text', name: 'game_id' })
  gameId: string;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'expires_at' })
  expiresAt: Date;

  @Column({ type: 'timestamptz', name: 'ended_at', nullable: true })
  endedAt: Date | null;

  /** When the player had logged in; or when the game was opened, of a player without a session. */
  @Column({ type: 'timestamptz', name: 'login_at' })
  loginAt: Date;

  /** The player's totals then. */
  @Column({ type: 'bigint', name: 'start_rounds' })
  startRounds: string;

  @Column({ type: 'bigint', name: 'start_bets' })
  startBets: string;

  @Column({ type: 'bigint', name: 'start_wins' })
  startWins: string;

  @ManyToOne(() => MarketingState)
  @JoinColumn([
    { name: 'brand_id', referencedColumnName: 'brandId', foreignKeyConstraintName: 'fk_game_sessions_state' },
    {
      name: 'player_id',
      referencedColumnName: 'playerId',
      foreignKeyConstraintName: 'fk_game_sessions_state',
    },
  ])
  state: MarketingState;
}
