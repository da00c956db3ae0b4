import type { CrmChannel } from '../../src/consents/channels.js';

/** A change that a client asks for. */
export interface Write {
  /** Unique in the run. It goes along as the user agent, which the ledger keeps as evidence of what it changed. */
  id: string;
  playerId: string;
  /** The Idempotency-Key, if it has one. */
  key: string | null;
  /** The mask each channel is to have. None has it before, so that the write is exactly so many events. */
  targets: Map<CrmChannel, number>;
  /** When it was first sent, in milliseconds since 1970. */
  sentAt: number;
  /** When HTTP 200 had come; null as long as it has not. */
  acknowledgedAt: number | null;
}

/** What the clients asked for and what they were promised. */
export class Journal {
  readonly writes: Write[] = [];
  /** Answers that no crash excuses. */
  readonly faults: string[] = [];
  acknowledged = 0;
  /** Of these, the ones whose first answer was lost although they had been committed. */
  replayed = 0;
  /** Requests that wait for their answer. */
  underWay = 0;
  private readonly unchecked: Write[] = [];

  /** Notes that a write is about to be sent for the first time. */
  begin(write: Write): void {
    this.writes.push(write);
  }

  acknowledge(write: Write): void {
    write.acknowledgedAt = Date.now();
    this.acknowledged += 1;
    this.unchecked.push(write);
  }

  /** What was acknowledged since this was last asked. */
  takeUnchecked(): Write[] {
    return this.unchecked.splice(0);
  }
}
