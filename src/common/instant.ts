const form =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?([Zz]|[+-](\d{2}):(\d{2}))$/;

/** An RFC 3339 instant of the years 1 to 9999 that is really in the calendar; null for anything else. */
export function parseInstantText(text: unknown): Date | null {
  const match = typeof text === 'string' ? form.exec(text) : null;
  if (!match) return null;
  const [whole, year, month, day, , , , , offsetHours] = match;
  const daysInMonth = new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate();
  if (Number(day) > daysInMonth || Number(offsetHours ?? 0) > 14) return null;
  // Written as the language reads it: of any other form the engine takes a year below 100 for one of the last two centuries.
  const time = new Date(`${whole.slice(0, 10)}T${whole.slice(11).toUpperCase()}`);
  if (Number.isNaN(time.getTime())) return null;
  const utcYear = time.getUTCFullYear();
  return utcYear >= 1 && utcYear <= 9999 ? time : null;
}
