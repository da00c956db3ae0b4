import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { CustomField } from './custom-field.entity.js';
import { Player } from './player.entity.js';

/** A player's value of a custom field, in the column of the field's type. */
@Entity('player_custom_fields')
@Index('ix_player_custom_fields_field', ['brandId', 'fieldId'])
export class PlayerCustomField {
  @PrimaryColumn({
    type: 'integer',
    name: 'brand_id',
    primaryKeyConstraintName: 'pk_player_custom_fields',
  })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_player_custom_fields',
  })
  playerId: string;

  @PrimaryColumn({
    type: 'text',
    name: 'field_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_player_custom_fields',
  })
  fieldId: string;

  @Column({ type: 'text', name: 'text_value', nullable: true })
  textValue: string | null;

  @Column({ type: 'bigint', name: 'int_value', nullable: true })
  intValue: string | null;

  @ManyToOne(() => CustomField)
  @JoinColumn([
    {
      name: 'brand_id',
      referencedColumnName: 'brandId',
      foreignKeyConstraintName: 'fk_player_custom_fields_field',
    },
    {
      name: 'field_id',
      referencedColumnName: 'id',
      foreignKeyConstraintName: 'fk_player_custom_fields_field',
    },
  ])
  field: CustomField;

  @ManyToOne(() => Player)
  @JoinColumn([
    {
      name: 'brand_id',
      referencedColumnName: 'brandId',
      foreignKeyConstraintName: 'fk_player_custom_fields_player',
    },
    {
      name: 'player_id',
      referencedColumnName: 'playerId',
      foreignKeyConstraintName: 'fk_player_custom_fields_player',
    },
  ])
  player: Player;
}
