import { invalidField } from '../common/errors.js';
import { currencyDecimals, toMinorUnits } from '../common/money.js';
import type { Database } from '../database/database.js';

/** Far beyond what anybody plays for in any currency; sums of some hundred thousand of these still fit a bigint. */
const largestMinor = 10 ** 13;

/** The currency of a player, and what its amounts look like. */
export interface PlayerCurrency {
  currency: string;
  decimals: number;
}

const find = {
  name: 'find_player_currency',
  text: `
    select p.currency from marketing_states s
    left join players p on p.brand_id = s.brand_id and p.player_id = s.player_id
    where s.brand_id = $1 and s.player_id = $2 and s.is_player`,
};

/** The player's own currency, or else the brand's; null for a player that the brand does not know. */
export async function findCurrency(
  database: Database,
  brand: { id: number; currency: string },
  playerId: string,
): Promise<PlayerCurrency | null> {
  const [row] = await database.prepared<{ currency: string | null }>(find, [brand.id, playerId]);
  if (!row) return null;
  const currency = row.currency ?? brand.currency;
  return { currency, decimals: currencyDecimals(currency) };
}

/** An amount in minor units; invalid_input for one that the currency does not have, or that nobody has. */
export function readAmount(field: string, amount: number, { currency, decimals }: PlayerCurrency): number {
  const minor = toMinorUnits(amount, decimals);
  if (minor !== null && Math.abs(minor) <= largestMinor) return minor;
  throw invalidField(
    field,
    `${field} must be an amount of ${currency} up to ${largestMinor / 10 ** decimals}, with at most ${decimals} decimals`,
  );
}
