import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { IPv4, IPv6 } from 'ipaddr.js';
import { Reader, type Response } from 'maxmind';

const tableName = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb';

/** Which country an address belongs to, by what the registries say. The table takes 8 MB once somebody has asked it. */
export class CountryTable {
  /** Looked for at start, so that an installation without it says so then. */
  private readonly file = createRequire(import.meta.url).resolve(tableName);
  private reader?: Reader<Response>;

  /** The ISO 3166-1 code, as GB; null for an address that is nobody's or unknown. */
  find(address: IPv4 | IPv6): string | null {
    if (!isOfTheInternet(address)) return null;
    this.reader ??= new Reader(readFileSync(this.file));
    const record = this.reader.get(address.toString()) as { country_code?: string } | null;
    return record?.country_code ?? null;
  }
}

/** The table has countries for networks that are nobody's, such as 192.168.0.0/16 and 2001:db8::/32. */
function isOfTheInternet(address: IPv4 | IPv6): boolean {
  if (address.range() !== 'unicast') return false;
  return !('parts' in address) || ((address.parts[0] ?? 0) & 0xe000) === 0x2000;
}
