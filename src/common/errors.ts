import { isNativeError } from 'node:util/types';

/**
 * Every failure the service can answer: status, how loud it is in the log, and the text a caller reads. A text may be
 * completed by `detail`. The dialects (common/dialects.ts) print it.
 */
export const errorTable = {
  invalid_input: { status: 400, level: 'debug', text: 'the request is not valid' },
  malformed_body: { status: 400, level: 'debug', text: 'the body is not valid JSON' },
  unsupported_body: { status: 415, level: 'debug', text: 'send the body as application/json' },
  unauthorized: { status: 401, level: 'info', text: 'a valid x-auth-token (or API key) is needed' },
  forbidden: { status: 403, level: 'info', text: 'this credential may not do that' },
  not_found: { status: 404, level: 'debug', text: 'not found' },
  user_not_found: { status: 404, level: 'debug', text: 'user not found' },
  request_timeout: { status: 408, level: 'info', text: 'the body took too long to arrive' },
  conflict: { status: 409, level: 'debug', text: 'in conflict with what is there' },
  idempotency_in_progress: {
    status: 409,
    level: 'debug',
    text: 'a request with this Idempotency-Key is still in progress: send it again in a moment',
  },
  precondition_failed: { status: 412, level: 'debug', text: 'not yet' },
  body_too_large: { status: 413, level: 'info', text: 'the body is larger than this route takes' },
  idempotency_reused: {
    status: 422,
    level: 'info',
    text: 'this Idempotency-Key was used with another body: take a new key for a new request',
  },
  unprocessable: { status: 422, level: 'debug', text: 'the request cannot be carried out' },
  too_many_requests: { status: 429, level: 'info', text: 'too many requests: try again later' },
  unknown_field: { status: 501, level: 'debug', text: 'unknown field' },
  internal: { status: 500, level: 'error', text: 'internal server error' },
  unavailable: {
    status: 503,
    level: 'error',
    text: 'the service cannot answer just now: try again in a few seconds',
  },
} as const;
export type ErrorCode = keyof typeof errorTable;

export interface FieldError {
  field: string;
  message: string;
}

/** An expected failure. `detail` replaces the table's text; `fields` names what was wrong with the input. */
export class AppError extends Error {
  constructor(
    readonly code: ErrorCode,
    detail?: string,
    readonly fields: FieldError[] = [],
    options?: ErrorOptions & { oauthCode?: string; retryAfterSeconds?: number; answer?: object },
  ) {
    super(detail ?? fields[0]?.message ?? errorTable[code].text, options);
    this.oauthCode = options?.oauthCode;
    this.retryAfterSeconds = options?.retryAfterSeconds;
    this.answer = options?.answer;
  }

  /** RFC 6749's word for it, where the table's code has none or another. */
  readonly oauthCode?: string;

  /** Seconds after which it is worth another try, where that is known. */
  readonly retryAfterSeconds?: number;

  /** The gateway's body, where its dialect has another than that of the code. */
  readonly answer?: object;

  get status(): number {
    return errorTable[this.code].status;
  }
}

/** A failed rule on one field of the input. */
export function invalidField(field: string, message: string): AppError {
  return new AppError('invalid_input', undefined, [{ field, message }]);
}

const unavailableStates = /^(08...|53...|55P03|57014|57P0.|25006)$/;
const unavailableErrors =
  /ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|timeout|terminated|not queryable|closed/i;

/** Whether a statement has waited too long, for a lock or as a whole: it alone, or another one beside it, may be to blame. */
export function hasWaitedTooLong(error: unknown): boolean {
  return isNativeError(error) && /^(55P03|57014)$/.test(String((error as { code?: unknown }).code));
}

/** Whether a failure says that the database is away or read-only, rather than that a statement is wrong. */
export function isDatabaseAway(error: unknown): boolean {
  if (!isNativeError(error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return unavailableStates.test(code) || unavailableErrors.test(code);
  return /^(Connection terminated|timeout exceeded|Query read timeout|Client has encountered)/.test(
    error.message,
  );
}
