import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Brand } from './brand.entity.js';

/** A host whose web pages belong to a brand, as `host` or `host:port` in small letters. */
@Entity('brand_hosts')
@Index('ix_brand_hosts_brand', ['brandId'])
export class BrandHost {
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'pk_brand_hosts' })
  host: string;

  @Column({ type: 'integer', name: 'brand_id' })
  brandId: number;

  @ManyToOne(() => Brand)
  @JoinColumn({ name: 'brand_id', foreignKeyConstraintName: 'fk_brand_hosts_brand' })
  brand: Brand;
}
