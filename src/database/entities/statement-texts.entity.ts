import { Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Brand } from './brand.entity.js';

/** A version of the words that a brand's players agree to. Never changed: evidence names it. */
@Entity('statement_texts')
export class StatementTexts {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_statement_texts' })
  brandId: number;

  /** 1 is the brand's first. */
  @PrimaryColumn({ type: 'integer', primaryKeyConstraintName: 'pk_statement_texts' })
  version: number;

  /** By language. */
  @Column({ type: 'jsonb' })
  texts: Record<string, string>;

  @Column({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt: Date;

  @ManyToOne(() => Brand)
  @JoinColumn({ name: 'brand_id', foreignKeyConstraintName: 'fk_statement_texts_brand' })
  brand: Brand;
}
