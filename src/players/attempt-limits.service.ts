import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AppError } from '../common/errors.js';
import { KeyedHash } from '../common/secrets.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';

/** Something that is tried, by whom or from where, and how often it may be until the window is over. */
export interface AttemptLimit {
  /** What the attempts are told apart by; the database keeps a digest that nobody can compute without our key. */
  of: readonly (string | number)[];
  /** Without it attempts are counted and never refused. */
  most?: number;
}

/** Attempts that were counted, each with how many of its kind there had been before. */
export interface TakenAttempts {
  brandId: number;
  keys: Buffer[];
  before: number[];
}

interface TakenRow {
  waits: number | null;
  counts: number[];
}

const take = {
  name: 'take_attempts',
  text: 'select waits, counts from take_attempts($1, $2, $3, $4)',
};

/** In the order of the keys, as take_attempts locks them. */
const giveBack = {
  name: 'give_back_attempts',
  text: `
    update attempt_counts c set attempts = c.attempts - 1
    from (select brand_id, key from attempt_counts where brand_id = $1 and key = any ($2) order by key for no key update) k
    where c.brand_id = k.brand_id and c.key = k.key and c.attempts > 0`,
};

/** Whether a count and the removal of what has expired have waited for each other: PostgreSQL ends one of them, and it is done again. */
export function isDeadlock(error: unknown): boolean {
  return (error as { code?: unknown }).code === '40P01';
}

/** How often something may be tried, counted in the database: by every instance, and over restarts. */
@Injectable()
export class AttemptLimits {
  private readonly hash: KeyedHash;

  constructor(
    private readonly database: Database,
    config: Config,
  ) {
    this.hash = new KeyedHash(config.SECRET_KEYS, 'attempts');
  }

  /**
   * Counts one attempt of each, before it is made, so that many at once are not more than their limit. too_many_requests, with
   * none of them counted, while one is at its limit; its window began with the first attempt and is not made longer by others.
   */
  async take(
    brandId: number,
    limits: readonly AttemptLimit[],
    windowSeconds: number,
  ): Promise<TakenAttempts> {
    const write = () =>
      this.write(brandId, limits, windowSeconds, (values) => this.database.prepared<TakenRow>(take, values));
    return write().catch((error: unknown) => {
      if (isDeadlock(error)) return write();
      throw error;
    });
  }

  /** The same in the caller's transaction, which holds the counts until it ends: for what must be one commit with them. */
  takeWithin(
    manager: EntityManager,
    brandId: number,
    limits: readonly AttemptLimit[],
    windowSeconds: number,
  ): Promise<TakenAttempts> {
    return this.write(brandId, limits, windowSeconds, (values) =>
      manager.query<TakenRow[]>(take.text, values),
    );
  }

  private async write(
    brandId: number,
    limits: readonly AttemptLimit[],
    windowSeconds: number,
    run: (values: unknown[]) => Promise<TakenRow[]>,
  ): Promise<TakenAttempts> {
    const keys = limits.map(({ of }) => this.hash.digest(JSON.stringify(of)));
    const [row] = await run([brandId, keys, limits.map(({ most }) => most ?? null), windowSeconds]);
    if (!row) throw new Error('the database answered no counts');
    if (row.waits !== null) {
      throw new AppError('too_many_requests', undefined, [], { retryAfterSeconds: Math.max(1, row.waits) });
    }
    return { brandId, keys, before: row.counts };
  }

  /** Takes attempts back that turned out not to count. */
  async giveBack({ brandId, keys }: TakenAttempts): Promise<void> {
    await this.database.prepared(giveBack, [brandId, keys]);
  }
}
