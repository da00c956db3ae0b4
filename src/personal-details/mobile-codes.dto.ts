import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsText } from '../common/is-text.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';
import { type RequirementCode, requirementCodes } from '../players/player-requirements.service.js';
import type { GatewayCodeToken } from './gateway.guard.js';

/** Where a code is to go. */
@IgnoreUnknownKeys()
export class SendCodeDto {
  /**
   * The number that the token is for: a new one that waits, or of a log-in the player's.
   * @example 44-7400123456
   */
  @IsText(40)
  mobile_number: string;
}

/** The code that came. */
@IgnoreUnknownKeys()
export class ValidateCodeDto {
  /** @example 123456 */
  @IsText(40)
  sms_code: string;
}

const tokenExample = '5b0e3a6e-9d44-4f39-8a4e-0f3c2f6f1d11';

export class SentCodeDataDto {
  /** @example Success */
  description: string;

  /** The token goes on waiting: for this code. */
  @ApiProperty({ name: '2fa_auth_token', type: String, example: tokenExample })
  '2fa_auth_token': string;
}

/** A code is on its way. */
export class SentCodeDto {
  /** @example Success */
  status: string;

  data: SentCodeDataDto;
}

export class FailedCodeDataDto {
  /** @example Wait before you ask for another code */
  description: string;

  /** Seconds until another code may be asked for, where that is what is wrong. */
  @ApiPropertyOptional({ type: 'integer', example: 42 })
  remaining_time?: number;
}

/** Why it was not done. */
export class FailedCodeDto {
  /** @example Failed */
  status: string;

  data: FailedCodeDataDto;
}

export class UpdatedFieldsDto {
  /** @example 44-7400123456 */
  mobile_number: string;

  /** @example 1 */
  verification_status: string;
}

export class ValidCodeDataDto {
  /** @example Valid */
  description: string;

  @ApiProperty({ name: '2fa_auth_token', type: String, example: tokenExample })
  '2fa_auth_token': string;

  updated_fields: UpdatedFieldsDto;

  /** What a log-in still has to do before anything else; otherwise OK. */
  @ApiProperty({ enum: ['OK', ...requirementCodes] })
  result: string;

  /** The session: of a log-in a new one, otherwise the one that came. */
  token: string;

  /** The same. */
  auth_token: string;

  /** 303 where `result` is not OK. */
  @ApiProperty({ type: 'integer', enum: [200, 303] })
  status: number;
}

/** The code was right: its number is the player's. */
export class ValidCodeDto {
  /** @example Success */
  status: string;

  data: ValidCodeDataDto;
}

export function toSentCodeDto(token: string): SentCodeDto {
  return { status: 'Success', data: { description: 'Success', '2fa_auth_token': token } };
}

export function toFailedCodeDto(description: string, remainingTime?: number): FailedCodeDto {
  return {
    status: 'Failed',
    data: { description, ...(remainingTime !== undefined && { remaining_time: remainingTime }) },
  };
}

export function toValidCodeDto(
  { token }: GatewayCodeToken,
  sessionToken: string,
  mobileNumber: string,
  [code]: RequirementCode[],
): ValidCodeDto {
  return {
    status: 'Success',
    data: {
      description: 'Valid',
      '2fa_auth_token': token,
      updated_fields: { mobile_number: mobileNumber, verification_status: '1' },
      result: code ?? 'OK',
      token: sessionToken,
      auth_token: sessionToken,
      status: code ? 303 : 200,
    },
  };
}
