const decimalsByCurrency = new Map<string, number>();

/** How many decimals amounts of a currency have: 2 of EUR, 0 of JPY, 3 of KWD; 2 of a code that nobody knows. */
export function currencyDecimals(currency: string): number {
  const known = decimalsByCurrency.get(currency);
  if (known !== undefined) return known;
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
  decimalsByCurrency.set(currency, decimals);
  return decimals;
}

/**
 * A decimal amount in whole minor units: 936.04 → 93604. Null for one that has more decimals than its currency, or that is too
 * large to be kept exactly.
 */
export function toMinorUnits(amount: number, decimals: number): number | null {
  const scale = 10 ** decimals;
  const minor = Math.round(amount * scale);
  // The division is rounded as the parser rounds: the amount comes back if and only if it was one of so many decimals.
  return Number.isSafeInteger(minor) && minor / scale === amount ? minor + 0 : null;
}

/** Minor units as a decimal amount: 93604 → 936.04. */
export function fromMinorUnits(minor: number, decimals: number): number {
  return minor / 10 ** decimals;
}
