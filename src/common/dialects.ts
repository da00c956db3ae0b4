import { STATUS_CODES } from 'node:http';
import { type AppError, errorTable } from './errors.js';

/** How a family of routes words its errors. */
export interface Dialect {
  contentType: string;
  body(error: AppError, path: string): object;
}

const crm: Dialect = {
  contentType: 'application/json; charset=utf-8',
  body: (error) => ({ error: error.message, code: error.status }),
};

const oauthCodes: Partial<Record<keyof typeof errorTable, string>> = {
  unauthorized: 'invalid_client',
  internal: 'server_error',
  unavailable: 'temporarily_unavailable',
};

const oauth: Dialect = {
  contentType: 'application/json; charset=utf-8',
  body: (error) => ({
    error: error.oauthCode ?? oauthCodes[error.code] ?? 'invalid_request',
    code: error.status,
  }),
};

const problem: Dialect = {
  contentType: 'application/problem+json; charset=utf-8',
  body: (error, path) => ({
    type: 'about:blank',
    title: STATUS_CODES[error.status] ?? 'Error',
    status: error.status,
    detail: error.message,
    instance: path,
    ...(error.fields.length > 0 && { errors: error.fields }),
  }),
};

const crmRoutes = /^\/(userconsents|userblocks|reconciliation|unsubscribe-links)(\/|$)/;

/** The dialect of a path, which stands without prefix and query. */
export function dialectOf(path: string): Dialect {
  if (crmRoutes.test(path)) return crm;
  if (path.startsWith('/oauth')) return oauth;
  return problem;
}

/** A path without the configured prefix, where it stands under it. */
export function withoutPrefix(path: string, prefix: string): string {
  return prefix && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
}
