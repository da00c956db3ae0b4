import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What came with an act and can identify a person (IP, user agent, free text); erasable without touching the event. */
@Entity('event_evidence')
export class EventEvidence {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_event_evidence' })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_event_evidence',
  })
  playerId: string;

  @PrimaryColumn({ type: 'uuid', name: 'act_id', primaryKeyConstraintName: 'pk_event_evidence' })
  actId: string;

  @PrimaryColumn({ type: 'timestamptz', name: 'recorded_at', primaryKeyConstraintName: 'pk_event_evidence' })
  recordedAt: Date;

  @Column({ type: 'bytea' })
  salt: Buffer;

  /** A JSON text, to the byte as it was hashed. */
  @Column({ type: 'text' })
  evidence: string;
}
