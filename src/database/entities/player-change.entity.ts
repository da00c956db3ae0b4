import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Player } from './player.entity.js';

/** One field of a player's details before and after it was changed, and who did. */
@Entity('player_changes')
export class PlayerChange {
  @PrimaryColumn({
    type: 'integer',
    name: 'brand_id',
    primaryKeyConstraintName: 'pk_player_changes',
  })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_player_changes',
  })
  playerId: string;

  /** UUIDv7: in the order of the changes. */
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'pk_player_changes' })
  id: string;

  @Column({ type: 'text' })
  field: string;

  @Column({ type: 'text', nullable: true })
  before: string | null;

  @Column({ type: 'text', nullable: true })
  after: string | null;

  /** `player`, or `client:` and the id of a service client. */
  @Column({ type: 'text' })
  actor: string;

  /** Whom the caller named as the one who did it. */
  @Column({ type: 'text', nullable: true })
  operator: string | null;

  @Column({ type: 'text', nullable: true })
  comment: string | null;

  @Column({ type: 'timestamptz', name: 'changed_at' })
  changedAt: Date;

  @ManyToOne(() => Player)
  @JoinColumn([
    {
      name: 'brand_id',
      referencedColumnName: 'brandId',
      foreignKeyConstraintName: 'fk_player_changes_player',
    },
    {
      name: 'player_id',
      referencedColumnName: 'playerId',
      foreignKeyConstraintName: 'fk_player_changes_player',
    },
  ])
  player: Player;
}
