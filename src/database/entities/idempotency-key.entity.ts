import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** The answer a request with an Idempotency-Key was given, written in the transaction of its effect; kept 24 h. */
@Entity('idempotency_keys')
@Index('ix_idempotency_keys_created_at', ['createdAt'])
export class IdempotencyKey {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_idempotency_keys' })
  brandId: number;

  @PrimaryColumn({ type: 'text', name: 'client_id', primaryKeyConstraintName: 'pk_idempotency_keys' })
  clientId: string;

  /** Method and path. */
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'pk_idempotency_keys' })
  route: string;

  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'pk_idempotency_keys' })
  key: string;

  @Column({ type: 'bytea', name: 'request_hash' })
  requestHash: Buffer;

  @Column({ type: 'smallint' })
  status: number;

  @Column({ type: 'text' })
  body: string;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;
}
