import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Something that a player did with money, once by its id. Written by record_player_events alone. */
@Entity('player_events')
@Check('ck_player_events_type', 'type >= 1 AND type <= 5')
@Index('ix_player_events_recorded_at', { synchronize: false })
export class PlayerEvent {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_player_events' })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_player_events',
  })
  playerId: string;

  /** The platform's. */
  @PrimaryColumn({ type: 'text', collation: 'C', primaryKeyConstraintName: 'pk_player_events' })
  id: string;

  /** See EventType. */
  @Column({ type: 'smallint' })
  type: number;

  /** Minor units of the player's currency. */
  @Column({ type: 'bigint' })
  amount: string;

  @Column({ type: 'timestamptz' })
  at: Date;

  @Column({ type: 'jsonb', nullable: true })
  data: object | null;

  @Column({ type: 'timestamptz', name: 'recorded_at', default: () => 'now()' })
  recordedAt: Date;
}
