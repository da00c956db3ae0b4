import { IsIn, IsString, Length, Matches } from 'class-validator';
import { type CustomFieldType, customFieldTypes } from '../database/entities/custom-field.entity.js';

/** A field that the brand keeps of its players beside those of every brand. */
export class CustomFieldDto {
  /** @example favourite_team */
  @Matches(/^[A-Za-z0-9_-]{1,40}$/, { message: '$property must be 1 to 40 letters, digits, _ or -' })
  id: string;

  /** @example Favourite team */
  @IsString()
  @Length(1, 100)
  name: string;

  @IsIn(customFieldTypes)
  type: CustomFieldType;
}
