import type { Client } from 'pg';
import { AppError } from '../common/errors.js';

/** Numbers of locks that a brand has; more than RECONCILIATION_RUNS may be. */
const placesPerBrand = 16;
const retryAfterSeconds = 10;

/**
 * Takes one of the brand's places for runs, by a lock of the connection's transaction or session, so that a process that dies
 * leaves no place taken. Throws too_many_requests when there is none.
 */
export async function takePlace(
  client: Client,
  brandId: number,
  places: number,
  until: 'transaction' | 'session',
): Promise<void> {
  const lock = until === 'transaction' ? 'pg_try_advisory_xact_lock' : 'pg_try_advisory_lock';
  const attempts = Array.from({ length: places }, (_, place) => `${lock}(2009, $1 + ${place})`);
  const { rows } = await client.query<{ taken: boolean }>(`select ${attempts.join(' or ')} as taken`, [
    brandId * placesPerBrand,
  ]);
  if (rows[0]?.taken) return;
  throw new AppError(
    'too_many_requests',
    `${places} reconciliation runs of this brand are under way: wait until one has ended`,
    [],
    { retryAfterSeconds },
  );
}
