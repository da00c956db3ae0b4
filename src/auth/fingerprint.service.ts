import { isUtf8 } from 'node:buffer';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { networkOf, parseAddress } from '../common/ip-address.js';
import { KeyedHash } from '../common/secrets.js';
import { Config } from '../config/config.js';
import { type GeoHeaders, parseGeoHeaders } from '../config/geo-headers.js';
import { CountryTable } from './country-table.js';

const maxTextLength = 500;
const maxPlaceLength = 100;
/** How proxies and tables say that they do not know; the last two are regions and no countries. */
const noCountries = new Set(['XX', 'ZZ', 'EU', 'AP']);

/** Where a request came from; null what is not known. */
export interface Fingerprint {
  /** The whole address, or its network where the brand does not keep whole ones. */
  ip: string | null;
  /** The network: /24 or /48. */
  proxifiedIp: string | null;
  userAgent: string | null;
  origin: string | null;
  city: string | null;
  state: string | null;
  /** ISO 3166-1, two capital letters. */
  country: string | null;
}

/** Tells where requests come from: by their addresses and, behind a proxy that knows, by what it says of the place. */
@Injectable()
export class FingerprintService {
  private readonly countries = new CountryTable();
  private readonly geoHeaders: GeoHeaders;
  private readonly callers: KeyedHash;

  constructor(config: Config) {
    this.callers = new KeyedHash(config.SECRET_KEYS, 'caller');
    this.geoHeaders = parseGeoHeaders(config.GEO_HEADERS) ?? {};
  }

  /**
   * A name for whoever calls without a credential, from which nobody can tell who it is: of what they hold, or else of where
   * they call from. Idempotency keys are told apart by it.
   */
  callerName({ ip, headers }: FastifyRequest, held?: string): string {
    const traits = held === undefined ? [ip, headers['user-agent'], headers.origin] : [held];
    return `public:${this.callers.digest(JSON.stringify(traits)).toString('base64url')}`;
  }

  read({ ip, headers }: FastifyRequest, storeFullIp: boolean): Fingerprint {
    const address = parseAddress(ip);
    const network = address && networkOf(address);
    const { city, state, country } = this.geoHeaders;
    const place = (name: string | undefined) => (name === undefined ? null : readPlace(headers[name]));
    return {
      ip: storeFullIp && address ? address.toString() : network,
      proxifiedIp: network,
      userAgent: cut(headers['user-agent'] ?? '', maxTextLength) || null,
      // A page that hides where it comes from says the word `null`.
      origin: headers.origin === 'null' ? null : cut(headers.origin ?? '', maxTextLength) || null,
      city: place(city),
      state: place(state),
      country: country === undefined ? address && this.countries.find(address) : countryCode(place(country)),
    };
  }
}

function countryCode(text: string | null): string | null {
  const code = text?.toUpperCase() ?? '';
  return /^[A-Z]{2}$/.test(code) && !noCountries.has(code) ? code : null;
}

/** Node reads headers as Latin-1; proxies write the names of cities in UTF-8. */
function readPlace(header: string | string[] | undefined): string | null {
  const text = String(header ?? '');
  const bytes = Buffer.from(text, 'latin1');
  return cut((isUtf8(bytes) ? bytes.toString('utf8') : text).trim(), maxPlaceLength) || null;
}

/** Never half a surrogate pair, which PostgreSQL would refuse. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const endsInHalf = /[\uD800-\uDBFF]/.test(text.charAt(length - 1));
  return text.slice(0, endsInHalf ? length - 1 : length);
}
