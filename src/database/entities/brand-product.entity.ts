import { Check, Column, Entity, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import { Brand } from './brand.entity.js';

/** A product a brand has or once had. A bit is never given to another product. */
@Entity('brand_products')
@Unique('uq_brand_products_name', ['brandId', 'name'])
@Check('ck_brand_products_bit', 'bit between 1 and 30')
export class BrandProduct {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_brand_products' })
  brandId: number;

  @PrimaryColumn({ type: 'smallint', primaryKeyConstraintName: 'pk_brand_products' })
  bit: number;

  @Column({ type: 'text' })
  name: string;

  @Column({ type: 'smallint' })
  position: number;

  @Column({ type: 'timestamptz', name: 'retired_at', nullable: true })
  retiredAt: Date | null;

  @ManyToOne(() => Brand)
  @JoinColumn({ name: 'brand_id', foreignKeyConstraintName: 'fk_brand_products_brand' })
  brand: Brand;
}
