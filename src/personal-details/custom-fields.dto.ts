import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsInt,
  IsString,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';
import type { CustomFieldInput, CustomFieldView } from '../players/custom-fields.service.js';

const maxFields = 100;
const isGiven = (_object: unknown, value: unknown) => value !== null;

@IgnoreUnknownKeys()
export class StrCustomFieldDto {
  /** @example favourite_team */
  @IsString()
  id: string;

  /**
   * Not changed by what is sent.
   * @example Favourite team
   */
  @IfGiven()
  @IsString()
  name?: string;

  /**
   * Null: none.
   * @example Arsenal
   */
  @ValidateIf(isGiven)
  @IsString()
  @MaxLength(2000)
  value: string | null;
}

@IgnoreUnknownKeys()
export class IntCustomFieldDto {
  /** @example lucky_number */
  @IsString()
  id: string;

  /**
   * Not changed by what is sent.
   * @example Lucky number
   */
  @IfGiven()
  @IsString()
  name?: string;

  /**
   * Null: none.
   * @example 7
   */
  @ValidateIf(isGiven)
  @IsInt()
  @Min(Number.MIN_SAFE_INTEGER)
  @Max(Number.MAX_SAFE_INTEGER)
  value: number | null;
}

/** The fields to give a value to; those that are left out stay. */
@IgnoreUnknownKeys()
export class CustomFieldsChangeDto {
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(maxFields)
  @ValidateNested({ each: true })
  @Type(() => StrCustomFieldDto)
  strCustomFields?: StrCustomFieldDto[];

  @IfGiven()
  @IsArray()
  @ArrayMaxSize(maxFields)
  @ValidateNested({ each: true })
  @Type(() => IntCustomFieldDto)
  intCustomFields?: IntCustomFieldDto[];
}

export class StrCustomFieldValueDto {
  id: string;
  name: string;

  /** Null: none. */
  value: string | null;
}

export class IntCustomFieldValueDto {
  id: string;
  name: string;

  /** Null: none. */
  value: number | null;
}

/** All fields of the brand, by type. */
export class CustomFieldsDto {
  strCustomFields: StrCustomFieldValueDto[];
  intCustomFields: IntCustomFieldValueDto[];
}

export class CustomFieldsSavedDto {
  /** @example success */
  result: string;
}

/** The values that a request gives. */
export function toCustomFieldInputs(body: CustomFieldsChangeDto): CustomFieldInput[] {
  const { strCustomFields = [], intCustomFields = [] } = body;
  return [
    ...strCustomFields.map(({ id, value }) => ({ id, type: 'string' as const, value })),
    ...intCustomFields.map(({ id, value }) => ({ id, type: 'int' as const, value })),
  ];
}

/** A player's custom fields. */
export function toCustomFieldsDto(fields: CustomFieldView[]): CustomFieldsDto {
  const dto: CustomFieldsDto = { strCustomFields: [], intCustomFields: [] };
  for (const { id, name, value, type } of fields) {
    if (type === 'int') dto.intCustomFields.push({ id, name, value: value === null ? null : Number(value) });
    else dto.strCustomFields.push({ id, name, value: value === null ? null : String(value) });
  }
  return dto;
}
