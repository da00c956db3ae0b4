import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsDefined, IsIn, Matches } from 'class-validator';
import { IsLanguage } from '../common/is-language.js';
import { playerIdPattern } from '../common/player-id.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';

/** What players accept, by the names that sites use. */
export const termsTypes = { tnc: 'TermsOfService', privacy: 'Privacy' } as const;
export type TermsType = keyof typeof termsTypes;

const typeNames = Object.keys(termsTypes);

/** Whether a text names something that players accept. */
export function isTermsType(name: string): name is TermsType {
  return typeNames.includes(name);
}

@IgnoreUnknownKeys()
export class SignTermsDto {
  /** A number, or the same as text. */
  @ApiProperty({ oneOf: [{ type: 'integer' }, { type: 'string' }], example: 1 })
  @IsDefined()
  brand_id: number | string;

  /** Your own id, as a number or as text. */
  @ApiProperty({ oneOf: [{ type: 'integer' }, { type: 'string' }], example: '1001' })
  @Transform(({ value }: { value: unknown }) => (typeof value === 'number' ? String(value) : value))
  @Matches(playerIdPattern)
  player_id: string;

  /**
   * In which the text was read.
   * @example en
   */
  @IsLanguage()
  language: string;

  @ApiProperty({ enum: typeNames })
  @IsIn(typeNames)
  type: TermsType;
}

/** What is still to be signed. The key is written so, colon and space and all. */
export class UnsignedDto {
  @ApiProperty({ enum: ['privacy_policy'], isArray: true })
  'sign: ': string[];
}

export class TermsDocumentDto {
  /**
   * Of the text.
   * @example en
   */
  language: string;

  /** What asks the player to accept. */
  prompt: string;

  /** @example 1.0 */
  version: string;

  /** HTML that is safe to show as it is. */
  body: string;
}
