import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { MarketingState } from './marketing-state.entity.js';

/** When a player last answered the form that asks product by product and channel by channel. */
@Entity('marketing_asks')
export class MarketingAsk {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_marketing_asks' })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_marketing_asks',
  })
  playerId: string;

  @Column({ type: 'timestamptz', name: 'asked_at' })
  askedAt: Date;

  /** Of the words that were shown: a version of the brand's own, or one that came with the service. */
  @Column({ type: 'text', name: 'statement_version' })
  statementVersion: string;

  /** In which they were shown. */
  @Column({ type: 'text' })
  language: string;

  /** The door that asked. */
  @Column({ type: 'text' })
  source: string;

  @ManyToOne(() => MarketingState)
  @JoinColumn([
    {
      name: 'brand_id',
      referencedColumnName: 'brandId',
      foreignKeyConstraintName: 'fk_marketing_asks_state',
    },
    {
      name: 'player_id',
      referencedColumnName: 'playerId',
      foreignKeyConstraintName: 'fk_marketing_asks_state',
    },
  ])
  state: MarketingState;
}
