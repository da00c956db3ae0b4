import { STATUS_CODES } from 'node:http';
import type { AppError, ErrorCode } from './errors.js';

/** How a family of routes words its errors. */
export interface Dialect {
  contentType: string;
  /** WWW-Authenticate of a 401. */
  challenge: string;
  body(error: AppError, path: string): object;
}

const keyChallenge = 'Bearer, Basic realm="player-consent"';

const crm: Dialect = {
  challenge: keyChallenge,
  contentType: 'application/json; charset=utf-8',
  body: (error) => ({ error: error.message, code: error.status }),
};

const oauthCodes: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'invalid_client',
  internal: 'server_error',
  unavailable: 'temporarily_unavailable',
};

const oauth: Dialect = {
  challenge: keyChallenge,
  contentType: 'application/json; charset=utf-8',
  body: (error) => ({
    error: error.oauthCode ?? oauthCodes[error.code] ?? 'invalid_request',
    code: error.status,
  }),
};

const problem: Dialect = {
  challenge: keyChallenge,
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

const gatewayBodies: Partial<Record<ErrorCode, object>> = {
  unauthorized: { errMsg: 'invalid input - invalid token' },
  not_found: { errMsg: 'not found' },
  too_many_requests: { errMsg: 'too many requests' },
  internal: { result: 'internal server error' },
  unavailable: { result: 'service unavailable' },
};

/** The second step of registration has words of its own, also for what is no JSON. */
const malformedRegistration = {
  message: '',
  result: 'malformed_request',
  auth_token: 'null',
  authToken: 'null',
};
const isRegistration = (path: string) => path.startsWith('/gateway/reg-step-two/');

/** What sets a password by a link says of every bad request alike. */
const generalFailure = { message_format: 'general_failure' };
const isPasswordLink = (path: string) => /^\/gateway\/admission\/[^/]+\/verify\/password\//.test(path);

const gateway: Dialect = {
  contentType: 'application/json; charset=utf-8',
  // No word that makes a browser ask the player for a password of its own.
  challenge: 'x-auth-token',
  body: (error, path) => {
    if (error.code === 'malformed_body' && isRegistration(path)) return malformedRegistration;
    if (error.status === 400 && isPasswordLink(path)) return generalFailure;
    return error.answer ?? gatewayBodies[error.code] ?? { errMsg: 'invalid input' };
  },
};

const crmRoutes = /^\/(userconsents|userblocks|reconciliation|unsubscribe-links)(\/|$)/;

/** The dialect of a path, which stands without prefix and query. */
export function dialectOf(path: string): Dialect {
  if (crmRoutes.test(path)) return crm;
  if (path.startsWith('/oauth')) return oauth;
  if (path === '/gateway' || path.startsWith('/gateway/')) return gateway;
  return problem;
}

/** A path without the configured prefix, where it stands under it. */
export function withoutPrefix(path: string, prefix: string): string {
  return prefix && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
}
