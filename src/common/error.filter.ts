import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { isNativeError } from 'node:util/types';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../config/config.js';
import { dialectOf, withoutPrefix } from './dialects.js';
import { AppError, type ErrorCode, errorTable, isDatabaseAway } from './errors.js';

const codesByStatus: Record<number, ErrorCode> = {
  400: 'malformed_body',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  413: 'body_too_large',
  415: 'unsupported_body',
};

/** Turns whatever was thrown into the answer of its route's dialect. What is unexpected tells the caller nothing. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('Errors');

  constructor(private readonly config: Config) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const error = toAppError(thrown);
    if (errorTable[error.code].level === 'error' && !isHangUp(thrown, request))
      this.report(request, error, thrown);
    if (reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    const { PATH_PREFIX: prefix } = this.config;
    const path = withoutPrefix(request.url.split('?', 1)[0] ?? '/', prefix);
    const dialect = dialectOf(withoutPrefix(request.routeOptions.url ?? path, prefix));
    const retryAfter = error.retryAfterSeconds ?? (error.status === 503 ? 2 : undefined);
    if (retryAfter !== undefined) void reply.header('retry-after', String(retryAfter));
    if (error.status === 401) void reply.header('www-authenticate', dialect.challenge);
    void reply
      .status(error.status)
      .header('content-type', dialect.contentType)
      .header('cache-control', 'no-store');
    void reply.send(JSON.stringify(dialect.body(error, path)));
  }

  /** The stack and the SQLSTATE, never the driver's message or parameters: those can hold personal data. */
  private report(request: FastifyRequest, error: AppError, thrown: unknown): void {
    const cause = isNativeError(thrown) ? thrown : new Error('a non-error was thrown');
    const sqlState = (cause as { code?: unknown }).code;
    this.logger.error({
      msg: error.code,
      reqId: request.id,
      route: request.routeOptions.url,
      error: cause.name,
      ...(typeof sqlState === 'string' && { sqlState }),
      at: cause.stack
        ?.split('\n')
        .filter((line) => /^\s+at /.test(line))
        .slice(0, 8)
        .map((line) => line.trim()),
    });
  }
}

/** Whether the caller left in the middle of its body, in Node's own words for it: no fault of ours, nor of the database. */
function isHangUp(thrown: unknown, { raw }: FastifyRequest): boolean {
  return isNativeError(thrown) && thrown.message === 'aborted' && raw.destroyed && !raw.complete;
}

function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof HttpException) {
    const status = thrown.getStatus();
    return new AppError(codesByStatus[status] ?? (status < 500 ? 'invalid_input' : 'internal'));
  }
  return new AppError(isDatabaseAway(thrown) ? 'unavailable' : 'internal');
}
