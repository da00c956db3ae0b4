import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import { Brand } from './brand.entity.js';

/** A caller with an API key, bound to one brand. The key itself is never stored. */
@Entity('service_clients')
@Unique('uq_service_clients_key_hash', ['keyHash'])
@Index('ix_service_clients_brand', ['brandId', 'id'])
export class ServiceClient {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'pk_service_clients' })
  id: string;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  @Column({ type: 'text' })
  name: string;

  /** SHA-256 of the key. */
  @Column({ type: 'bytea', name: 'key_hash' })
  keyHash: Buffer;

  @Column({ type: 'text', array: true })
  scopes: string[];

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'revoked_at', nullable: true })
  revokedAt: Date | null;

  @ManyToOne(() => Brand)
  @JoinColumn({ name: 'brand_id', foreignKeyConstraintName: 'fk_service_clients_brand' })
  brand: Brand;
}
