import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { AppError, invalidField } from '../common/errors.js';
import { OutboxSignal } from './outbox-signal.js';
import { IdempotencyKey } from './entities/idempotency-key.entity.js';

export interface IdempotentRequest {
  brandId: number;
  clientId: string;
  /** Method and path. */
  route: string;
  /** The Idempotency-Key header. */
  key: string;
  body: unknown;
}

/** Makes a request take effect once, whatever happens to its answer. Keys are kept for 24 hours. */
@Injectable()
export class IdempotencyService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly signal: OutboxSignal,
  ) {}

  /**
   * Runs the effect and keeps its answer, in one transaction; a repeat gets the first answer without another effect.
   * Rejects with idempotency_reused for another body and idempotency_in_progress while the first is under way.
   */
  async run<Answer>(
    request: IdempotentRequest,
    effect: (manager: EntityManager) => Promise<Answer>,
  ): Promise<{ answer: Answer; replayed: boolean }> {
    const { brandId, clientId, route, key } = request;
    if (key.length === 0 || key.length > 255) {
      throw invalidField('Idempotency-Key', 'Idempotency-Key must have 1 to 255 characters');
    }
    const id = { brandId, clientId, route, key };
    const requestHash = hash('sha256', JSON.stringify(request.body ?? null), 'buffer');
    const result = await this.transactionAgain(async (manager) => {
      const lock = hash('sha256', JSON.stringify(id), 'buffer').readBigInt64BE(0).toString();
      const [{ locked }] = await manager.query<[{ locked: boolean }]>(
        'select pg_try_advisory_xact_lock($1) as locked',
        [lock],
      );
      if (!locked) throw new AppError('idempotency_in_progress');
      const earlier = await manager.findOneBy(IdempotencyKey, id);
      if (earlier && earlier.createdAt.getTime() > Date.now() - 86_400_000) {
        if (!earlier.requestHash.equals(requestHash)) throw new AppError('idempotency_reused');
        return { answer: JSON.parse(earlier.body) as Answer, replayed: true };
      }
      const answer = await effect(manager);
      await manager.upsert(
        IdempotencyKey,
        { ...id, requestHash, status: 200, body: JSON.stringify(answer), createdAt: new Date() },
        ['brandId', 'clientId', 'route', 'key'],
      );
      return { answer, replayed: false };
    });
    if (!result.replayed) this.signal.raise(brandId);
    return result;
  }

  /** Once more where PostgreSQL has ended it for the sake of another one: nothing of it has happened. */
  private async transactionAgain<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await this.dataSource.transaction(work);
    } catch (error) {
      if (!/^40(P01|001)$/.test(String((error as { code?: unknown }).code))) throw error;
      return this.dataSource.transaction(work);
    }
  }
}
