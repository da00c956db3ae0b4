import { Logger } from '@nestjs/common';
import { reportClaimFailure } from '../claim-failure.js';
import { LaneWorker } from '../lane-worker.js';
import { crmPause, systemClock } from '../schedule.js';
import type { CrmAnswer } from './crm-connection.js';
import { type CrmJob, type CrmOutbox, type PackedJob, readJob } from './crm-outbox.js';
import { OrderedClaims } from './ordered-claims.js';

/** Failures in a row that a lane stands before it rests. */
const failuresBeforeRest = 5;

export interface CrmLaneOptions {
  brandId: number;
  lane: number;
  places: number;
  ahead: number;
}

/** Whether the CRM is there at all: a refusal of one message says so as well as a 200 does. */
export function isThere({ status }: CrmAnswer): boolean {
  return status !== null && status !== 429 && status < 500;
}

/**
 * A lane of a brand's CRM events. When the CRM is away it rests: what has failed before waits, and what is new is tried one
 * by one, so that a few events that the CRM always fails hold up no other.
 */
export class CrmLane {
  private readonly logger = new Logger('CRM');
  private readonly worker: LaneWorker<PackedJob>;
  private readonly brandId: number;
  private failuresInARow = 0;

  constructor(
    { brandId, lane, places, ahead }: CrmLaneOptions,
    outbox: CrmOutbox,
    deliver: (job: CrmJob) => Promise<void>,
  ) {
    this.brandId = brandId;
    const claims = new OrderedClaims((limit, range) => outbox.claim(brandId, lane, limit, range));
    this.worker = new LaneWorker<PackedJob>({
      places,
      ahead,
      claim: (limit, onlyFresh) => claims.next(limit, onlyFresh),
      onClaimFailure: (error) => reportClaimFailure(this.logger, error),
      deliver: (packed) => deliver(readJob(packed)),
      release: async (jobs) => {
        await outbox.release(jobs.map((packed) => readJob(packed).id));
        claims.restart();
      },
    });
  }

  /** Looks for events. */
  wake(): void {
    this.worker.wake();
  }

  /** Something is new. While the lane rests, the next poll looks: a CRM that is away is not asked for every change. */
  hear(): void {
    if (!this.worker.isResting) this.worker.wake();
  }

  /** The CRM did not answer, or that it cannot just now. */
  noteFailure(): void {
    // What was under way when the rest began says nothing new.
    if (this.worker.isResting) return;
    this.failuresInARow++;
    if (this.failuresInARow < failuresBeforeRest) return;
    if (this.failuresInARow === failuresBeforeRest)
      this.logger.warn({
        msg: 'the CRM does not take events: trying again until it does',
        brand: this.brandId,
      });
    this.worker.rest(crmPause(this.failuresInARow - failuresBeforeRest + 1, systemClock));
  }

  /** The CRM is there. Answers whether the lane had thought otherwise. */
  noteAnswer(): boolean {
    const wasAway = this.failuresInARow >= failuresBeforeRest;
    this.failuresInARow = 0;
    if (wasAway) this.worker.resume();
    return wasAway;
  }

  /** Takes nothing more; resolves when what is under way has ended, or after 5 s. */
  stop(): Promise<void> {
    return this.worker.stop();
  }
}
