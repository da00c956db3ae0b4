import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Allow, IsBoolean, IsString, MaxLength } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';
import type { NewPlayer } from '../players/registration-rules.js';
import type { RegistrationDetails } from '../players/registration-details.service.js';

/** The first step. What is missing breaks a rule (422); what is of another type is no request (400). */
@IgnoreUnknownKeys()
export class RegistrationDto {
  /** 3 to 64 letters, digits, dots, hyphens, underscores or plus signs. */
  @ApiProperty({ example: 'jane.doe' })
  @IfGiven()
  @IsString()
  @MaxLength(1000)
  loginName?: string;

  @ApiProperty({ example: 'jane.doe@example.com' })
  @IfGiven()
  @IsString()
  @MaxLength(1000)
  email?: string;

  /** 8 to 15 characters (the brand's setting), letters and digits among them. */
  @ApiProperty({ example: 'Secr3t-words' })
  @IfGiven()
  @IsString()
  @MaxLength(1000)
  password?: string;

  /** Must be true. */
  @ApiProperty({ example: true })
  @IfGiven()
  @IsBoolean()
  over18?: boolean;

  /** Must be true: the terms in force are accepted by it. */
  @ApiProperty({ example: true })
  @IfGiven()
  @IsBoolean()
  signTNC?: boolean;

  /** Kept as it is said. Whatever it says, the player is opted out of everything until it opts in. */
  @IfGiven()
  @IsBoolean()
  signOptOut?: boolean;

  /** ISO 639-1. */
  @ApiProperty({ example: 'en' })
  @IfGiven()
  @IsString()
  @MaxLength(1000)
  language?: string;

  /** ISO 4217. */
  @ApiProperty({ example: 'EUR' })
  @IfGiven()
  @IsString()
  @MaxLength(1000)
  currency?: string;

  /** What brought the player here. */
  @IfGiven()
  @IsString()
  @MaxLength(200)
  btag?: string;

  @IfGiven()
  @IsString()
  @MaxLength(200)
  bonusCode?: string;

  @IfGiven()
  @IsString()
  @MaxLength(1000)
  aff_extra_param?: string;
}

export class RegisteredDto {
  /** The session: the `x-auth-token` of what follows, and the `auth_token` of the second step. */
  auth_token: string;

  /** @example OK */
  result: string;

  /** A number, where the id is one. */
  @ApiProperty({ oneOf: [{ type: 'integer' }, { type: 'string' }], example: 100000001 })
  player_id: number | string;
}

/** The second step. */
@IgnoreUnknownKeys()
export class RegistrationDetailsDto {
  /** The session that the first step, or a log-in, gave. */
  @ApiProperty({ type: String, example: '5b0e3a6e-9d44-4f39-8a4e-0f3c2f6f1d11' })
  @Allow()
  auth_token?: unknown;

  @ApiProperty({ type: String, example: 'Jane' })
  @Allow()
  firstName?: unknown;

  @ApiProperty({ type: String, example: 'Doe' })
  @Allow()
  lastName?: unknown;

  /** DD/MM/YYYY; `birthdate` is taken, too. */
  @ApiProperty({ type: String, example: '02/11/1996' })
  @Allow()
  birthDate?: unknown;

  /** The same under another name. */
  @ApiPropertyOptional({ type: String })
  @Allow()
  birthdate?: unknown;

  /** F or M. */
  @ApiProperty({ type: String, example: 'F' })
  @Allow()
  gender?: unknown;

  /** ISO 639-1. */
  @ApiProperty({ type: String, example: 'en' })
  @Allow()
  language?: unknown;

  /** ISO 3166-1 alpha-2. */
  @ApiProperty({ type: String, example: 'GB' })
  @Allow()
  country?: unknown;

  @ApiProperty({ type: String, example: 'London' })
  @Allow()
  city?: unknown;

  @ApiProperty({ type: String, example: '1 High Street' })
  @Allow()
  address?: unknown;

  @ApiProperty({ type: String, example: 'SW1A 1AA' })
  @Allow()
  zipCode?: unknown;

  /** A country code, a hyphen and the number. */
  @ApiProperty({ type: String, example: '44-7400123456' })
  @Allow()
  mobileNumber?: unknown;

  /** Of the caller's own; not kept. */
  @ApiPropertyOptional({ type: String })
  @Allow()
  uuid?: unknown;
}

/** What came of the second step. The tokens are the word null: the session stays what it was. */
export class RegistrationResultDto {
  /** @example */
  message: string;

  /** OK, malformed_token or malformed_request. */
  @ApiProperty({ enum: ['OK', 'malformed_token', 'malformed_request'] })
  result: string;

  /** @example null */
  auth_token: string;

  /** @example null */
  authToken: string;
}

export function toRegistrationResult(
  result: 'OK' | 'malformed_token' | 'malformed_request',
): RegistrationResultDto {
  return { message: '', result, auth_token: 'null', authToken: 'null' };
}

/** Who registers. */
export function toNewPlayer(body: RegistrationDto): NewPlayer {
  return {
    loginName: body.loginName ?? '',
    email: body.email ?? '',
    password: body.password ?? '',
    isOver18: body.over18 === true,
    signsTerms: body.signTNC === true,
    signsOptOut: body.signOptOut ?? null,
    language: body.language ?? '',
    currency: body.currency ?? '',
    bTag: body.btag ?? null,
    bonusCode: body.bonusCode ?? null,
    affiliateParameter: body.aff_extra_param ?? null,
  };
}

const dayForm = /^(\d{2})\/(\d{2})\/(\d{4})$/;

/** The details of the second step; null where one is missing, or is no text. */
export function toRegistrationDetails(body: RegistrationDetailsDto): RegistrationDetails | null {
  const birthdate = body.birthDate ?? body.birthdate;
  const details = {
    firstName: body.firstName,
    lastName: body.lastName,
    birthdate: typeof birthdate === 'string' ? birthdate.replace(dayForm, '$3-$2-$1') : birthdate,
    gender: body.gender,
    language: body.language,
    country: body.country,
    city: body.city,
    address: body.address,
    zipPostalCode: body.zipCode,
    phone: body.mobileNumber,
  };
  const isUuid = body.uuid === undefined || typeof body.uuid === 'string';
  const isWhole = isUuid && Object.values(details).every((value) => typeof value === 'string');
  return isWhole ? (details as RegistrationDetails) : null;
}

/** The form's names of what is called otherwise inside. */
export function formField(field: string, body: RegistrationDetailsDto): string {
  if (field === 'birthdate') return body.birthDate === undefined ? 'birthdate' : 'birthDate';
  return { zipPostalCode: 'zipCode', phone: 'mobileNumber' }[field] ?? field;
}
