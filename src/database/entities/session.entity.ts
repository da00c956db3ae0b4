import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import { MarketingState } from './marketing-state.entity.js';

/** A player's session. The token is a version-4 UUID, kept as its SHA-256. */
@Entity('sessions')
@Unique('uq_sessions_token_hash', ['tokenHash'])
@Index('ix_sessions_player', ['brandId', 'playerId'])
@Index('ix_sessions_expires_at', { synchronize: false })
export class Session {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'pk_sessions' })
  id: string;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  @Column({ type: 'text', name: 'player_id', collation: 'C' })
  playerId: string;

  @Column({ type: 'bytea', name: 'token_hash' })
  tokenHash: Buffer;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  /** Moved at most once a minute while the session is used. */
  @Column({ type: 'timestamptz', name: 'seen_at', default: () => 'now()' })
  seenAt: Date;

  /** Seconds without a request after which it ends. */
  @Column({ type: 'integer', name: 'idle_ttl' })
  idleTtl: number;

  @Column({ type: 'timestamptz', name: 'expires_at' })
  expiresAt: Date;

  @Column({ type: 'timestamptz', name: 'ended_at', nullable: true })
  endedAt: Date | null;

  /** What the player's totals were when it began; see PlayerActivity. */
  @Column({ type: 'bigint', name: 'start_rounds', default: 0 })
  startRounds: string;

  @Column({ type: 'bigint', name: 'start_bets', default: 0 })
  startBets: string;

  @Column({ type: 'bigint', name: 'start_wins', default: 0 })
  startWins: string;

  @ManyToOne(() => MarketingState)
  @JoinColumn([
    { name: 'brand_id', referencedColumnName: 'brandId', foreignKeyConstraintName: 'fk_sessions_state' },
    { name: 'player_id', referencedColumnName: 'playerId', foreignKeyConstraintName: 'fk_sessions_state' },
  ])
  state: MarketingState;
}
