import type { LoggerService } from '@nestjs/common';
import { type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino';

/** Whatever a line is about, these never stand in it. */
const redacted = [
  'headers',
  'body',
  'query',
  'url',
  'password',
  'token',
  'auth_token',
  'authorization',
  'secret',
  'key',
  'parameters',
  'detail',
].flatMap((name) => [name, `*.${name}`]);

/** The process's logger: JSON lines on stdout, or coloured ones for people. */
export function createLogger(level: string, format: 'pretty' | 'json'): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: redacted, censor: '[redacted]' },
  };
  if (format === 'json') return pino(options);
  const transport = {
    target: 'pino-pretty',
    options: { translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname', singleLine: true },
  };
  return pino({ ...options, formatters: {}, transport });
}

/** Nest's own lines, through pino. What it says while it starts is for debugging only. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, context?: string): void {
    this.write('debug', message, context);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest.at(-1));
  }
  warn(message: unknown, context?: string): void {
    this.write('warn', message, context);
  }
  debug(message: unknown, context?: string): void {
    this.write('debug', message, context);
  }
  verbose(message: unknown, context?: string): void {
    this.write('trace', message, context);
  }

  private write(level: 'trace' | 'debug' | 'warn' | 'error', message: unknown, context: unknown): void {
    const fields = typeof context === 'string' ? { context } : {};
    if (typeof message === 'object' && message !== null && !(message instanceof Error)) {
      this.logger[level]({ ...fields, ...message });
    } else {
      this.logger[level](fields, message instanceof Error ? message.name : String(message));
    }
  }
}
