import { isIP } from 'node:net';
import { invalidField } from '../common/errors.js';
import { parseInstantText } from '../common/instant.js';
import { storedAddress } from '../common/ip-address.js';
import type { UniversalFilters } from '../consents/universal/universal-list.service.js';
import type { ConsentLevelName } from '../consents/universal/universal-record.js';
import type { ListConsentsQuery } from './universal-consent.dto.js';

const weekMs = 7 * 86_400_000;
const day = /^\d{4}-\d{2}-\d{2}$/;

const levelsOf: Record<NonNullable<ListConsentsQuery['ConsentGiven']>, ConsentLevelName[]> = {
  true: ['All', 'Partial'],
  false: ['None'],
  All: ['All'],
  Partial: ['Partial'],
  None: ['None'],
};

/** The query's filters as the core takes them. An address is compared as the brand keeps it. */
export function filtersOf(query: ListConsentsQuery, storeFullIp: boolean): UniversalFilters {
  const ip = isIP(query.IP ?? '') === 0 ? undefined : storedAddress(query.IP ?? '', storeFullIp);
  if (query.IP !== undefined && ip === undefined) throw invalidField('IP', 'IP must be an IP address');
  return {
    ...(query.CustomUserId !== undefined && { customUserId: query.CustomUserId }),
    ...(query.Reference !== undefined && { reference: query.Reference }),
    ...(query.ConsentType !== undefined && { consentType: query.ConsentType }),
    ...(query.ConsentGiven !== undefined && { levels: levelsOf[query.ConsentGiven] }),
    ...(ip !== undefined && { ip }),
    ...(query.UserAgent !== undefined && { userAgent: query.UserAgent }),
    ...(query.City !== undefined && { city: query.City }),
    ...(query.State !== undefined && { state: query.State }),
    ...(query.Country !== undefined && { country: query.Country.toUpperCase() }),
  };
}

/** The bounds of the last update: without any, the last 7 days; without one, everything on that side. */
export function boundsOf({ FromDate, ToDate }: Pick<ListConsentsQuery, 'FromDate' | 'ToDate'>): {
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

function parseDay(field: string, text: string): Date {
  const instant = parseInstantText(day.test(text) ? `${text}T00:00:00Z` : text);
  if (!instant)
    throw invalidField(
      field,
      `${field} must be a day or an RFC 3339 instant, such as 2026-01-31 or 2026-01-31T12:00:00Z`,
    );
  return instant;
}
