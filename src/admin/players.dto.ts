import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  buildMessage,
  IsBoolean,
  IsIn,
  IsISO4217CurrencyCode,
  IsISO6391,
  IsObject,
  IsString,
  Matches,
  MaxLength,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { isText, IsText } from '../common/is-text.js';
import { type RealityCheck, realityChecks } from '../players/credentials.service.js';
import type { PlayerAct, PlayerView } from '../players/players.service.js';

const IsBooleanOrText = () =>
  ValidateBy({
    name: 'isBooleanOrText',
    validator: {
      validate: (value: unknown) => typeof value === 'boolean' || isText(value, 1000),
      defaultMessage: buildMessage((prefix) => `${prefix}$property must be a boolean or a password`),
    },
  });

export class OptOutChangeDto {
  @IfGiven()
  @IsBoolean()
  chat?: boolean;

  @IfGiven()
  @IsBoolean()
  sms?: boolean;

  @IfGiven()
  @IsBoolean()
  email?: boolean;

  @IfGiven()
  @IsBoolean()
  phone?: boolean;
}

/** What is known of a player; absent keys stay, null clears. */
export class PlayerChangesDto {
  /**
   * The origin that the CRM is told for this player.
   * @example demo.example
   */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  @MaxLength(200)
  origin?: string | null;

  /** @example EUR */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @Matches(/^[A-Z]{3}$/, { message: '$property must be an ISO 4217 code' })
  @IsISO4217CurrencyCode({ message: '$property must be an ISO 4217 code' })
  currency?: string | null;

  /** @example en */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @Matches(/^[a-z]{2}$/, { message: '$property must be an ISO 639-1 code' })
  @IsISO6391({ message: '$property must be an ISO 639-1 code' })
  language?: string | null;

  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  @MaxLength(200)
  bTag?: string | null;

  @IfGiven()
  @IsBoolean()
  testAccount?: boolean;

  /** @example Jane */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  firstName?: string | null;

  /** @example Doe */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  lastName?: string | null;

  /** @example 1996-11-02 */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  birthdate?: string | null;

  /** @example F */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  gender?: string | null;

  /** @example GB */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  country?: string | null;

  /** @example London */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  city?: string | null;

  /** @example 1 High Street */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  address?: string | null;

  /** @example SW1A 1AA */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  zipPostalCode?: string | null;

  /** @example 44-7400123456 */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  phone?: string | null;

  /** Where the player does not want to be contacted: the other way round than consents. */
  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => OptOutChangeDto)
  optOut?: OptOutChangeDto;

  /** Kept with what changes. */
  @IfGiven()
  @IsString()
  @MaxLength(1000)
  comment?: string;

  /** Whoever did it, as the platform knows them. */
  @IfGiven()
  @IsString()
  @MaxLength(200)
  operator?: string;

  /** @example player1001 */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  username?: string | null;

  /** What the player logs in with from now on; it is nowhere shown. Its sessions end. */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsText(1000)
  password?: string | null;

  /** Whether the password is to be changed before anything else; or, as a text, such a password. */
  @ApiProperty({ oneOf: [{ type: 'boolean' }, { type: 'string' }], required: false })
  @IfGiven()
  @IsBooleanOrText()
  temporaryPassword?: boolean | string;

  /** @example player1001@example.com */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsText(1000)
  email?: string | null;

  /** Without it a new address is not verified. */
  @IfGiven()
  @IsBoolean()
  emailVerified?: boolean;

  /** Whether a log-in asks for a code that the player's phone shows. */
  @IfGiven()
  @IsBoolean()
  is2faRequired?: boolean;

  /** How often the player wants to be told how long it has played. */
  @ApiProperty({ enum: realityChecks, required: false })
  @IfGiven()
  @IsIn(realityChecks)
  realityCheck?: RealityCheck;
}

/** What is known of a player, but nothing to log in with. */
export class PlayerDto {
  player_id: string;
  origin: string | null;
  currency: string | null;
  language: string | null;
  bTag: string | null;
  testAccount: boolean;
  firstName: string | null;
  lastName: string | null;
  /** @example 1996-11-02 */
  birthdate: string | null;
  gender: string | null;
  country: string | null;
  city: string | null;
  address: string | null;
  zipPostalCode: string | null;
  phone: string | null;
  email: string | null;
  emailVerified: boolean;
  is2faRequired: boolean;
  /** @example no_limit */
  realityCheck: string;
}

/** What an operator says of a player. */
export function toPlayerAct(changes: PlayerChangesDto, actor: string, evidence: string): PlayerAct {
  const { origin, currency, bTag, testAccount, operator, comment, optOut } = changes;
  const { firstName, lastName, birthdate, gender, language, country, city, address, zipPostalCode, phone } =
    changes;
  const { username, password, temporaryPassword, email, emailVerified, is2faRequired, realityCheck } =
    changes;
  return {
    facts: { origin, currency, bTag, testAccount },
    details: {
      firstName,
      lastName,
      birthdate,
      gender,
      language,
      country,
      city,
      address,
      zipPostalCode,
      phone,
    },
    optOuts: { chat: optOut?.chat, sms: optOut?.sms, email: optOut?.email, phone: optOut?.phone },
    credentials: { username, password, temporaryPassword, email, emailVerified, is2faRequired, realityCheck },
    by: { actor, operator, comment },
    evidence,
  };
}

/** What is known of a player. */
export function toPlayerDto({ player, credentials }: PlayerView): PlayerDto {
  return {
    player_id: player.playerId,
    origin: player.origin,
    currency: player.currency,
    language: player.language,
    bTag: player.bTag,
    testAccount: player.testAccount,
    firstName: player.firstName,
    lastName: player.lastName,
    birthdate: player.birthOn,
    gender: player.gender,
    country: player.country,
    city: player.city,
    address: player.address,
    zipPostalCode: player.zipPostalCode,
    phone: player.phone,
    email: credentials?.email ?? null,
    emailVerified: (credentials?.emailVerifiedAt ?? null) !== null,
    is2faRequired: credentials?.is2faRequired ?? false,
    realityCheck: credentials?.realityCheck ?? 'no_limit',
  };
}
