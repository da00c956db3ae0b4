import { ApiPropertyOptional } from '@nestjs/swagger';
import { Allow, IsBoolean, IsString, MaxLength } from 'class-validator';
import { AppError } from '../common/errors.js';
import { IfGiven } from '../common/if-given.js';
import { parseJsonBody } from '../common/json-body.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';
import { type DetailsInput, detailNames } from '../players/details-rules.js';
import type { NumberToVerify } from '../players/mobile-codes.service.js';
import { optOutNames, type OptOuts } from '../players/opt-outs.js';

const aFlag = { type: 'boolean' };

/** What is to change; an absent key stays. */
@IgnoreUnknownKeys()
export class DetailsChangeDto {
  /** @example Jane */
  @IfGiven()
  @IsString()
  firstName?: string;

  /** @example Doe */
  @IfGiven()
  @IsString()
  lastName?: string;

  /**
   * YYYY-MM-DD, at least 18 years ago.
   * @example 1996-11-02
   */
  @IfGiven()
  @IsString()
  birthdate?: string;

  /**
   * F or M.
   * @example F
   */
  @IfGiven()
  @IsString()
  gender?: string;

  /**
   * ISO 639-1.
   * @example en
   */
  @IfGiven()
  @IsString()
  language?: string;

  /**
   * ISO 3166-1 alpha-2.
   * @example GB
   */
  @IfGiven()
  @IsString()
  country?: string;

  /** @example London */
  @IfGiven()
  @IsString()
  city?: string;

  /** @example 1 High Street */
  @IfGiven()
  @IsString()
  address?: string;

  /** @example SW1A 1AA */
  @IfGiven()
  @IsString()
  zipPostalCode?: string;

  /**
   * A country code, a hyphen and the number.
   * @example 44-7400123456
   */
  @IfGiven()
  @IsString()
  phone?: string;

  /**
   * Kept with the change.
   * @example moved house
   */
  @IfGiven()
  @IsString()
  @MaxLength(1000)
  comment?: string;

  /**
   * Who says that it is to be changed; kept with the change.
   * @example Player
   */
  @IfGiven()
  @IsString()
  @MaxLength(200)
  operator?: string;

  /** Where the player wants no messages: as JSON text, as an object, or by the keys with a dot. */
  @ApiPropertyOptional({
    oneOf: [
      { type: 'string' },
      { type: 'object', properties: { chat: aFlag, sms: aFlag, email: aFlag, phone: aFlag } },
    ],
    example: '{"chat": false}',
  })
  @Allow()
  optOut?: unknown;

  @IfGiven()
  @IsBoolean()
  'optOut.chat'?: boolean;

  @IfGiven()
  @IsBoolean()
  'optOut.sms'?: boolean;

  @IfGiven()
  @IsBoolean()
  'optOut.email'?: boolean;

  @IfGiven()
  @IsBoolean()
  'optOut.phone'?: boolean;
}

export class PendingNumberDto {
  /** @example 44-7400123456 */
  mobile_number: string;

  /** Goes with the code that was sent to the number. */
  '2fa_auth_token': string;
}

/** The new number waits for its code; nothing has been saved. */
export class NumberToVerifyDto {
  /** @example mobile_verification_required */
  status: string;

  data: PendingNumberDto;
}

/** The details that are to change; an empty text, as it is printed for what is not known, is that. */
export function toDetailsInput(body: DetailsChangeDto): DetailsInput {
  const given = detailNames.filter((name) => body[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, body[name] === '' ? null : body[name]]));
}

/** The opt-outs of a request, however it words them; invalid_input for what cannot be read or contradicts itself. */
export function toOptOuts(body: DetailsChangeDto): OptOuts {
  const whole = body.optOut === undefined ? {} : readObject(body.optOut);
  const optOuts: OptOuts = {};
  for (const name of optOutNames) {
    const [inObject, alone] = [whole[name], body[`optOut.${name}`]];
    if (inObject !== undefined && typeof inObject !== 'boolean') throw new AppError('invalid_input');
    if (inObject !== undefined && alone !== undefined && inObject !== alone)
      throw new AppError('invalid_input');
    const value = inObject ?? alone;
    if (value !== undefined) optOuts[name] = value;
  }
  return optOuts;
}

function readObject(value: unknown): Partial<Record<string, unknown>> {
  const object = typeof value === 'string' ? parseJsonBody(Buffer.from(value)) : value;
  if (typeof object !== 'object' || object === null || Array.isArray(object))
    throw new AppError('invalid_input');
  return object;
}

/** The answer to a change of a number that must be verified first. */
export function toNumberToVerifyDto({ mobileNumber, token }: NumberToVerify): NumberToVerifyDto {
  return {
    status: 'mobile_verification_required',
    data: { mobile_number: mobileNumber, '2fa_auth_token': token },
  };
}
