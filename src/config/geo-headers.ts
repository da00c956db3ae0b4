/** The headers in which a proxy says where a caller is, in small letters. */
export interface GeoHeaders {
  city?: string;
  state?: string;
  country?: string;
}

const item = /^(city|state|country)=([a-z0-9_-]{1,100})$/;
/** What they carry is a secret and shall not be stored for a city. */
const secretHeaders = /^(proxy-)?authorization$|^cookie$|token|auth$|key$/;

/** Reads GEO_HEADERS, as `city=cf-ipcity,country=cf-ipcountry`; null when it cannot be read. */
export function parseGeoHeaders(text: string): GeoHeaders | null {
  const headers: GeoHeaders = {};
  if (text === '') return headers;
  for (const part of text.toLowerCase().split(',')) {
    const [, field, header] = item.exec(part) ?? [];
    if (field === undefined || header === undefined || secretHeaders.test(header)) return null;
    if (field in headers) return null;
    headers[field as keyof GeoHeaders] = header;
  }
  return headers;
}
