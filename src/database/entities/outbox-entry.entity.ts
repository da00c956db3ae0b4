import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What must leave the service, written in the transaction of the change. Kinds: 1 consents, 2 blocks of a player. */
@Entity('outbox')
export class OutboxEntry {
  @PrimaryColumn({
    type: 'bigint',
    generated: 'identity',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'pk_outbox',
  })
  id: string;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  @Column({ type: 'text', name: 'player_id', collation: 'C' })
  playerId: string;

  @Column({ type: 'smallint' })
  kind: number;

  /** The player's event that it tells of; a later one makes an earlier one needless. */
  @Column({ type: 'bigint' })
  seq: string;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}
