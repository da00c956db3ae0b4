import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../common/errors.js';

/** What a caller presents: a token or key, and with HTTP Basic the client's id beside it. */
export interface Credential {
  secret: string;
  clientId?: string;
}

/** Whether a request presents any, good or bad. */
export function presentsCredential(headers: IncomingHttpHeaders): boolean {
  return (
    headers['x-auth-token'] !== undefined ||
    headers['x-api-key'] !== undefined ||
    headers.authorization !== undefined
  );
}

/** The one credential of a request, or null. Two different ones, or one that cannot be read, are unauthorized. */
export function readCredential(headers: IncomingHttpHeaders): Credential | null {
  const found = [single(headers['x-auth-token']), single(headers['x-api-key'])]
    .filter((secret) => secret !== undefined)
    .map((secret): Credential => ({ secret }));
  if (headers.authorization !== undefined) found.push(readAuthorization(headers.authorization));
  const [first, ...others] = found;
  if (!first) return null;
  if (others.some((other) => other.secret !== first.secret)) {
    throw new AppError('unauthorized', 'two different credentials in one request');
  }
  return found.find(({ clientId }) => clientId !== undefined) ?? first;
}

function single(header: string | string[] | undefined): string | undefined {
  if (Array.isArray(header)) throw new AppError('unauthorized', 'two credentials in one request');
  return header;
}

function readAuthorization(header: string): Credential {
  const [scheme, value] = header.trim().split(/ +/, 2);
  if (!value) throw new AppError('unauthorized');
  if (/^bearer$/i.test(scheme ?? '')) return { secret: value };
  if (!/^basic$/i.test(scheme ?? ''))
    throw new AppError('unauthorized', 'Authorization takes Bearer or Basic');
  const decoded = Buffer.from(value, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 1) throw new AppError('unauthorized');
  return { clientId: decoded.slice(0, colon), secret: decoded.slice(colon + 1) };
}
