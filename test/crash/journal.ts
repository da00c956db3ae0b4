/** A change that a client asks for. */
export interface Write {
  /** Unique in the run. It goes along as the user agent, which the ledger keeps as evidence of what it changed. */
  id: string;
  /** Whose consents: a player's id, or somebody else's CustomUserId. */
  subject: string;
  /** Of a universal consent; null for marketing consents. */
  reference: string | null;
  /** What the record is to be of; null where the write leaves it alone. */
  consentType: string | null;
  /** The Idempotency-Key, if it has one. */
  key: string | null;
  /**
   * What each is to be at, by the channel's code in the ledger: a mask that it is not at before, or the level of a record. So
   * the write is exactly so many events.
   */
  targets: Map<number, number>;
  request: { method: 'POST' | 'PATCH'; path: string; body: string };
  /** When it was first sent, in milliseconds since 1970. */
  sentAt: number;
  /** When HTTP 200 or 201 had come; null as long as it has not. */
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
