import { ApiProperty } from '@nestjs/swagger';
import type { BrandSettings } from '../brands/brand-settings.js';
import { printPlayerId } from './player-number.js';
import type { PlayerInfoRow } from '../players/player-info.service.js';

export class PlayerKeyDto {
  /** @example player1001 */
  username: string;

  /** A number where the id is one, else a text. */
  @ApiProperty({ oneOf: [{ type: 'integer' }, { type: 'string' }], example: 1001 })
  ID: number | string;

  brand: number;
}

/** Who is logged in; an empty text is one that is not known. */
export class PlayerInfoDto {
  playerID: PlayerKeyDto;
  firstName: string;
  lastName: string;

  /** F or M. */
  gender: string;

  email: string;

  /** 0 until the operator's platform has told it. */
  vip_level: number;

  /** @example IT */
  country: string;

  /** 1 for a test account, else 0. */
  @ApiProperty({ enum: [0, 1] })
  test_account: number;

  /** The player's own, or else the brand's. */
  currencyName: string;

  /** @example € */
  currencySymbol: string;

  bTag: string;
}

/** Who is logged in. */
export function toPlayerInfoDto(brand: BrandSettings, row: PlayerInfoRow): PlayerInfoDto {
  const currency = row.currency ?? brand.facts.currency;
  return {
    playerID: { username: row.username ?? '', ID: printPlayerId(row.player_id), brand: brand.id },
    firstName: row.first_name ?? '',
    lastName: row.last_name ?? '',
    gender: row.gender ?? '',
    email: row.email ?? '',
    vip_level: row.vip_level ?? 0,
    country: row.country ?? '',
    test_account: row.test_account ? 1 : 0,
    currencyName: currency,
    currencySymbol: currencySymbol(currency),
    bTag: row.b_tag ?? '',
  };
}

/** How a currency is written before an amount: `€`, `kr`, or its code where it has no sign of its own. */
function currencySymbol(currency: string): string {
  const format = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
  });
  return format.formatToParts(0).find(({ type }) => type === 'currency')?.value ?? currency;
}
