import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { ServiceClient } from './service-client.entity.js';

/** An OAuth access token of a service client, kept as its SHA-256. */
@Entity('access_tokens')
@Index('ix_access_tokens_expires_at', { synchronize: false })
@Index('ix_access_tokens_client', ['clientId'])
export class AccessToken {
  @PrimaryColumn({ type: 'bytea', name: 'token_hash', primaryKeyConstraintName: 'pk_access_tokens' })
  tokenHash: Buffer;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  @Column({ type: 'text', name: 'client_id' })
  clientId: string;

  @Column({ type: 'timestamptz', name: 'expires_at' })
  expiresAt: Date;

  @ManyToOne(() => ServiceClient)
  @JoinColumn({ name: 'client_id', foreignKeyConstraintName: 'fk_access_tokens_client' })
  client: ServiceClient;
}
