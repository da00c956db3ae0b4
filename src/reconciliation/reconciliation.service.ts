import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { ClientPrincipal } from '../auth/principal.js';
import { AppError } from '../common/errors.js';
import { Config } from '../config/config.js';
import { type Snapshot, Snapshots } from '../database/snapshots.js';
import type { Field } from './fields.js';
import { takePlace } from './run-places.js';
import { type Running, RunningRuns } from './running.js';
import { outcomeOf, type RunOutcome } from './runs.service.js';
import { closing, errorAlone, readUsers } from './users-document.js';

/** Streams who is opted in, excluded or blocked: one snapshot, constant memory, complete or marked as broken. */
@Injectable()
export class ReconciliationService {
  constructor(
    private readonly snapshots: Snapshots,
    private readonly runs: RunningRuns,
    private readonly config: Config,
  ) {}

  /**
   * The whole answer as a stream; `gone` says that nobody reads it any more. Rejects with too_many_requests; every other failure
   * is part of the document.
   */
  async stream({ brandId, clientId }: ClientPrincipal, field: Field, gone: AbortSignal): Promise<Readable> {
    const { RECONCILIATION_TIME_LIMIT_MS: limitMs, RECONCILIATION_RUNS: places } = this.config;
    let snapshot: Snapshot | undefined;
    try {
      snapshot = await this.snapshots.open('player-consent reconciliation', limitMs);
      await takePlace(snapshot.client, brandId, places, 'transaction');
      const { at: snapshotAt, onReplica } = snapshot;
      const kind = field.hasProducts ? 'products' : 'list';
      const start = { brandId, client: clientId, kind, field: field.name, snapshotAt, onReplica } as const;
      const running = await this.runs.start(snapshot.client, start, gone);
      const body = Readable.from(this.write(running, snapshot, field), { objectMode: false });
      this.runs.follow(running, body);
      return body;
    } catch (error) {
      void snapshot?.client.end().catch(() => undefined);
      if (error instanceof AppError) throw error;
      return Readable.from([errorAlone(outcomeOf(error))]);
    }
  }

  private async *write(running: Running, snapshot: Snapshot, field: Field): AsyncGenerator<Buffer> {
    let outcome: RunOutcome = 'hung up';
    let cause: unknown;
    try {
      const pieces = readUsers(snapshot, running.brandId, field, running.signal);
      let piece = await pieces.next();
      for (; !piece.done; piece = await pieces.next()) {
        running.bytes += piece.value.length;
        yield piece.value;
      }
      running.users = piece.value;
      yield Buffer.from(closing(field));
      outcome = 'complete';
    } catch (error) {
      cause = error;
      outcome = running.outcomeAfter(error);
      yield Buffer.from(closing(field, outcome));
    } finally {
      await this.runs.finish(running, outcome, cause);
    }
  }
}
