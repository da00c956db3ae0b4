import { Check, Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { Brand } from './brand.entity.js';

/** Of which type a custom field's values are. */
export const customFieldTypes = ['string', 'int'] as const;
export type CustomFieldType = (typeof customFieldTypes)[number];

/** A field that a brand keeps of its players beside those of every brand. */
@Entity('custom_fields')
@Check('ck_custom_fields_type', `type = ANY (ARRAY['string'::text, 'int'::text])`)
export class CustomField {
  @PrimaryColumn({
    type: 'integer',
    name: 'brand_id',
    primaryKeyConstraintName: 'pk_custom_fields',
  })
  brandId: number;

  @PrimaryColumn({ type: 'text', collation: 'C', primaryKeyConstraintName: 'pk_custom_fields' })
  id: string;

  @Column({ type: 'text' })
  name: string;

  @Column({ type: 'text' })
  type: CustomFieldType;

  @Column({ type: 'smallint' })
  position: number;

  @ManyToOne(() => Brand)
  @JoinColumn({ name: 'brand_id', foreignKeyConstraintName: 'fk_custom_fields_brand' })
  brand: Brand;
}
