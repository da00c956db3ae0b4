import { Column, Entity, JoinColumn, OneToOne, PrimaryColumn } from 'typeorm';
import { MarketingState } from './marketing-state.entity.js';

/** The notes that came with a player's blocks; whether they are active stands in marketing_states. */
@Entity('player_blocks')
export class PlayerBlocks {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_player_blocks' })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_player_blocks',
  })
  playerId: string;

  @Column({ type: 'text', name: 'excluded_note', default: '' })
  excludedNote: string;

  @Column({ type: 'text', name: 'blocked_note', default: '' })
  blockedNote: string;

  @OneToOne(() => MarketingState)
  @JoinColumn([
    { name: 'brand_id', referencedColumnName: 'brandId', foreignKeyConstraintName: 'fk_player_blocks_state' },
    {
      name: 'player_id',
      referencedColumnName: 'playerId',
      foreignKeyConstraintName: 'fk_player_blocks_state',
    },
  ])
  state: MarketingState;
}
