import { ApiProperty } from '@nestjs/swagger';
import type { BrandSettings } from '../brands/brand-settings.js';
import type { MarketingMasks } from '../consents/marketing-state.js';
import { isOut, type OptOutName } from '../players/opt-outs.js';
import type { PlayerDetailsRow } from '../players/player-details.service.js';

export class EmailDto {
  /** @example player1001@example.com */
  eMailAdress: string;

  /**
   * The same again, as the table of the API's fields spells it.
   * @example player1001@example.com
   */
  emailAddress: string;

  isVerified: boolean;
}

/** Where the player does not want to be contacted: the other way round than consents. */
export class OptOutDto {
  chat: boolean;
  sms: boolean;
  email: boolean;
  phone: boolean;
}

/** A player's details; an empty text is one that is not known. */
export class DetailsDto {
  firstName: string;
  lastName: string;

  /** @example 1996-11-02 00:00:00 */
  birthdate: string;

  /** F or M. */
  gender: string;

  /** @example en */
  language: string;

  /** @example AD */
  country: string;

  city: string;
  address: string;
  zipPostalCode: string;

  /** @example 44-7700900123 */
  phone: string;

  eMail: EmailDto;
  optOut: OptOutDto;
  is2faRequired: boolean;

  /** 0 not verified, 1 verified. */
  @ApiProperty({ enum: [0, 1] })
  mobileVerificationStatus: number;

  /** @example 2022-01-01 00:00:00 */
  mobileVerificationStatusDate: string;

  mobileVerificationStatusChangedBy: string;

  /** A number whose code has not come back yet. */
  pendingMobileNumber: string;
}

/** An instant as the gateway prints it, in UTC; an empty text for none. */
export function printTime(instant: Date | null): string {
  return instant === null ? '' : instant.toISOString().slice(0, 19).replace('T', ' ');
}

function toOptOutDto(brand: BrandSettings, state: MarketingMasks): OptOutDto {
  const of = (name: OptOutName) => isOut(brand, state, name);
  return { chat: of('chat'), sms: of('sms'), email: of('email'), phone: of('phone') };
}

/** A player's details. */
export function toDetailsDto(brand: BrandSettings, row: PlayerDetailsRow): DetailsDto {
  const address = row.email_address ?? '';
  return {
    firstName: row.first_name ?? '',
    lastName: row.last_name ?? '',
    birthdate: row.birth_on === null ? '' : `${row.birth_on} 00:00:00`,
    gender: row.gender ?? '',
    language: row.language ?? '',
    country: row.country ?? '',
    city: row.city ?? '',
    address: row.address ?? '',
    zipPostalCode: row.zip_postal_code ?? '',
    phone: row.phone ?? '',
    eMail: { eMailAdress: address, emailAddress: address, isVerified: row.email_verified_at !== null },
    optOut: toOptOutDto(brand, row),
    is2faRequired: row.is_2fa_required ?? false,
    mobileVerificationStatus: row.is_mobile_verified ? 1 : 0,
    mobileVerificationStatusDate: printTime(row.mobile_verification_changed_at),
    mobileVerificationStatusChangedBy: row.mobile_verification_changed_by ?? '',
    pendingMobileNumber: row.pending_mobile_number ?? '',
  };
}
