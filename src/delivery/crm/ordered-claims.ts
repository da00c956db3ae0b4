import type { ClaimRange, CrmClaim, PackedJob } from './crm-outbox.js';

/** Milliseconds between claims from the start. */
const fromStartEveryMs = 5000;
/** How many milliseconds later than others a change may be committed and still be seen at once. */
const lateCommitMs = 1000;

/**
 * Claims from where the last claim ended, so that rows which have been delivered, and which no vacuum has removed yet, are not
 * read again and again; and every few seconds from the start, where events lie whose change was committed late or whose
 * worker died.
 */
export class OrderedClaims {
  private reached = 0;
  private fromStartAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly claim: (limit: number, range: ClaimRange) => Promise<CrmClaim>) {}

  /** The next due events, at most `limit`. */
  async next(limit: number, onlyFresh: boolean): Promise<PackedJob[]> {
    const now = performance.now();
    const isFromStart = now - this.fromStartAt >= fromStartEveryMs;
    if (isFromStart) this.fromStartAt = now;
    const from = isFromStart ? null : new Date(this.reached - lateCommitMs);
    const { jobs, reached } = await this.claim(limit, { from, onlyFresh });
    this.reached = Math.max(this.reached, reached ?? 0);
    return jobs;
  }

  /** The next claim begins at the start: something was given back, or passed over. */
  restart(): void {
    this.fromStartAt = Number.NEGATIVE_INFINITY;
  }
}
