import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** Who asked for everybody's consents, when, and what came of it. */
@Entity('reconciliation_runs')
@Check('ck_reconciliation_runs_kind', "kind IN ('list', 'products', 'compare')")
@Check(
  'ck_reconciliation_runs_outcome',
  "outcome IN ('complete', 'refused', 'timeout', 'unavailable', 'stopping', 'internal', 'hung up')",
)
export class ReconciliationRun {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_reconciliation_runs' })
  brandId: number;

  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'pk_reconciliation_runs' })
  id: string;

  @Column({ type: 'text', name: 'client_id' })
  clientId: string;

  @Column({ type: 'text' })
  kind: string;

  @Column({ type: 'text' })
  field: string;

  /** The instant that the answer tells of. */
  @Column({ type: 'timestamptz', name: 'snapshot_at' })
  snapshotAt: Date;

  @Column({ type: 'boolean', name: 'on_replica' })
  onReplica: boolean;

  @Column({ type: 'timestamptz', name: 'started_at', default: () => 'now()' })
  startedAt: Date;

  /** When its time is over. */
  @Column({ type: 'timestamptz', name: 'ends_by' })
  endsBy: Date;

  @Column({ type: 'timestamptz', name: 'finished_at', nullable: true })
  finishedAt: Date | null;

  @Column({ type: 'bigint', nullable: true })
  users: string | null;

  @Column({ type: 'bigint', nullable: true })
  bytes: string | null;

  /** Null while it runs, and for ever where its process died. */
  @Column({ type: 'text', nullable: true })
  outcome: string | null;
}
