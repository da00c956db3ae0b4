import { Column, Entity, JoinColumn, OneToOne, PrimaryColumn } from 'typeorm';
import { MarketingState } from './marketing-state.entity.js';

/** What an operator told us about a player; a player known only by consents has none of it. */
@Entity('players')
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

  @OneToOne(() => MarketingState)
  @JoinColumn([
    { name: 'brand_id', referencedColumnName: 'brandId', foreignKeyConstraintName: 'fk_players_state' },
    { name: 'player_id', referencedColumnName: 'playerId', foreignKeyConstraintName: 'fk_players_state' },
  ])
  state: MarketingState;
}
