import { ApiProperty } from '@nestjs/swagger';
import type { BrandSettings } from '../brands/brand-settings.js';
import { currencyDecimals, fromMinorUnits } from '../common/money.js';
import type { CompletedWagering } from '../players/wagering.service.js';

/** A bonus whose wagering was completed. */
export class CompletedWageringDto {
  /** @example demo-bonus-1 */
  unique_ref_id: string;

  /** @example EUR */
  currency: string;

  /** The most that it could win. */
  maxWin: number;

  /** @example 2022-01-01 00:00:01 */
  completed_at: string;

  /** What the platform said beside. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  details: object;
}

export class WageringDto {
  @ApiProperty({ enum: ['Success'] })
  status: 'Success';

  data: CompletedWageringDto[];
}

/** There is something left to wager. */
export class RunningWageringDto {
  @ApiProperty({ enum: ['In progress'] })
  status: 'In progress';

  /** Nothing yet. */
  @ApiProperty({ type: 'array', maxItems: 0, items: {} })
  data: never[];
}

/** A bonus whose wagering was completed. */
export function toWageringDto(brand: BrandSettings, completed: CompletedWagering): WageringDto {
  const currency = completed.currency ?? brand.facts.currency;
  const entry = {
    unique_ref_id: completed.id,
    currency,
    maxWin: fromMinorUnits(Number(completed.amount), currencyDecimals(currency)),
    completed_at: completed.at,
    details: completed.data ?? {},
  };
  return { status: 'Success', data: [entry] };
}
