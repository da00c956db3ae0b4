import { invalidField } from './errors.js';
import { parseInstantText } from './instant.js';

const weekMs = 7 * 86_400_000;
const day = /^\d{4}-\d{2}-\d{2}$/;

/** The bounds of a list, the first inside and the second outside: without any, the last 7 days; without one, everything on that side. */
export function boundsOf({ FromDate, ToDate }: { FromDate?: string; ToDate?: string }): {
  from: Date;
  to: Date;
} {
  // What is recorded while the page is read belongs to it.
  const to = ToDate === undefined ? new Date(Date.now() + 60_000) : parseDay('ToDate', ToDate);
  const earliest = ToDate === undefined ? new Date(Date.now() - weekMs) : new Date('0001-01-01T00:00:00Z');
  const from = FromDate === undefined ? earliest : parseDay('FromDate', FromDate);
  if (to < from && ToDate !== undefined) throw invalidField('ToDate', 'ToDate must not be before FromDate');
  return { from, to };
}

/** A day (UTC) or an RFC 3339 instant; invalid_input names the field that is neither. */
export function parseDay(field: string, text: string): Date {
  const instant = parseInstantText(day.test(text) ? `${text}T00:00:00Z` : text);
  if (!instant)
    throw invalidField(
      field,
      `${field} must be a day or an RFC 3339 instant, such as 2026-01-31 or 2026-01-31T12:00:00Z`,
    );
  return instant;
}
