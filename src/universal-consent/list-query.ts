import { isIP } from 'node:net';
import { invalidField } from '../common/errors.js';
import { storedAddress } from '../common/ip-address.js';
import type { UniversalFilters } from '../consents/universal/universal-list.service.js';
import type { ConsentLevelName } from '../consents/universal/universal-record.js';
import type { ListConsentsQuery } from './universal-consent.dto.js';

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
