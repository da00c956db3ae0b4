import type { Logger } from '@nestjs/common';
import { isDatabaseAway } from '../common/errors.js';

/** Logs why nothing could be taken from the outbox; that the database is away is readiness's to say. */
export function reportClaimFailure(logger: Logger, error: unknown): void {
  if (isDatabaseAway(error)) return;
  const { name, code } = error as { name?: unknown; code?: unknown };
  logger.error({ msg: 'nothing can be taken from the outbox', error: name, sqlState: code });
}
