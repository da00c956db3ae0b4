import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import { Brand } from './brand.entity.js';

/**
 * Whoever a universal or policy consent is of. The ClientId is derived or drawn once and looked up ever after. Events of a
 * subject stand under `playerId`: the player's own id where the operator has named one, else `~` and a digest of the ClientId.
 */
@Entity('subjects')
@Check('ck_subjects_namespace', 'namespace >= 1 AND namespace <= 3')
@Index('ix_subjects_linked_to', ['linkedTo'], { where: 'linked_to IS NOT NULL' })
@Unique('uq_subjects_custom_user_id', ['brandId', 'namespace', 'customUserId'])
export class Subject {
  @PrimaryColumn({ type: 'bytea', name: 'client_id', primaryKeyConstraintName: 'pk_subjects' })
  clientId: Buffer;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  @Column({ type: 'text', name: 'player_id', collation: 'C' })
  playerId: string;

  /** A value of Namespace (consents/subjects.service.ts). */
  @Column({ type: 'smallint' })
  namespace: number;

  @Column({ type: 'text', name: 'custom_user_id', collation: 'C', nullable: true })
  customUserId: string | null;

  /** Whom somebody who was nobody in particular turned out to be. */
  @Column({ type: 'bytea', name: 'linked_to', nullable: true })
  linkedTo: Buffer | null;

  @ManyToOne(() => Subject)
  @JoinColumn({ name: 'linked_to', foreignKeyConstraintName: 'fk_subjects_linked_to' })
  linked: Subject | null;

  /** Number of the last event, unless the player's state counts them. */
  @Column({ type: 'bigint', default: 0 })
  seq: string;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @ManyToOne(() => Brand)
  @JoinColumn({ name: 'brand_id', foreignKeyConstraintName: 'fk_subjects_brand' })
  brand: Brand;
}
