import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** One change, for ever: the table takes no UPDATE and no DELETE. Partitioned by the month of recorded_at (UTC). */
@Entity('consent_events')
@Check('ck_consent_events_kind', 'kind >= 1 AND kind <= 10')
@Check(
  'ck_consent_events_channel',
  'channel >= 1 AND channel <= 7 OR channel >= 20 AND channel <= 21 OR channel >= 30 AND channel <= 31',
)
export class ConsentEvent {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_consent_events' })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_consent_events',
  })
  playerId: string;

  /** 1, 2, 3 … per player, without gaps. */
  @PrimaryColumn({ type: 'bigint', primaryKeyConstraintName: 'pk_consent_events' })
  seq: string;

  @PrimaryColumn({ type: 'timestamptz', name: 'recorded_at', primaryKeyConstraintName: 'pk_consent_events' })
  recordedAt: Date;

  @Column({ type: 'timestamptz', name: 'occurred_at' })
  occurredAt: Date;

  /** What one caller asked for at once shares it. */
  @Column({ type: 'uuid', name: 'act_id' })
  actId: string;

  /** Mask of the channel before and after (see MarketingState); 0 or 1 for a block; a universal consent's level, or 0 for none; of a policy 2 accepted, 1 not, 0 nothing said. */
  @Column({ type: 'integer' })
  before: number;

  @Column({ type: 'integer' })
  after: number;

  /** A value of EventKind (consents/event-kinds.ts). */
  @Column({ type: 'smallint' })
  kind: number;

  /** A value of Channel, BlockChannel or recordChannel (consents/channels.ts). */
  @Column({ type: 'smallint' })
  channel: number;

  /** The record that changed, where that is not the player's one state: a universal consent, or a policy. */
  @Column({ type: 'uuid', name: 'target_id', nullable: true })
  targetId: string | null;

  @Column({ type: 'smallint', name: 'schema_version', default: 1 })
  schemaVersion: number;

  @Column({ type: 'text' })
  actor: string;

  @Column({ type: 'text' })
  source: string;

  @Column({ type: 'jsonb', nullable: true })
  detail: Record<string, unknown> | null;

  /** SHA-256 of salt and evidence; it stays when the evidence is erased. */
  @Column({ type: 'bytea', name: 'evidence_hash', nullable: true })
  evidenceHash: Buffer | null;
}
