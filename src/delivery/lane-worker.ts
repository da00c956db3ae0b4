import { settleWithin } from '../common/deadline.js';

export interface LaneOptions<Job> {
  /** Deliveries under way at once at most. */
  places: number;
  /** Jobs taken ahead of a free place, to save round trips. They are leased all the while. */
  ahead: number;
  /** Takes at most `limit` due jobs under a lease, only such as were never tried if that is asked for. */
  claim(limit: number, onlyFresh: boolean): Promise<Job[]>;
  /** Told of what a claim rejected with; the next poll claims again. */
  onClaimFailure(error: unknown): void;
  /** Delivers one job and writes down what came of it. What it rejects with is dropped: the lease runs out. */
  deliver(job: Job): Promise<void>;
  /** Gives back jobs that were taken and not begun; what it rejects with is dropped: their lease runs out. */
  release(jobs: Job[]): Promise<void>;
}

/** Milliseconds a claimed job may wait for its place; then it is left to its lease. */
const staleAfterMs = 10_000;
/** Milliseconds that what is under way has to end when the service stops; its lease covers the rest. */
const stopLimitMs = 5000;

/** Takes jobs from the outbox while there are any and places are free. Woken by signals and by the poll. */
export class LaneWorker<Job> {
  private readonly waiting: { job: Job; claimedAt: number }[] = [];
  private readonly running = new Set<Promise<void>>();
  private claiming: Promise<void> | null = null;
  private isWoken = false;
  private isStopped = false;
  /** Until when only fresh jobs are tried, by the clock that nobody sets; 0 = the lane does not rest. */
  private restsUntil = 0;

  constructor(private readonly options: LaneOptions<Job>) {}

  /** There may be something to do. */
  wake(): void {
    this.isWoken = true;
    this.pump();
  }

  /**
   * The other side is away: from now on one job at a time, and for so many milliseconds none that has failed before. Lasts
   * until `resume`.
   */
  rest(milliseconds: number): void {
    this.restsUntil = performance.now() + milliseconds;
    void this.releaseWaiting();
  }

  get isResting(): boolean {
    return performance.now() < this.restsUntil;
  }

  /** The other side answers again. */
  resume(): void {
    this.restsUntil = 0;
    this.wake();
  }

  /** Takes nothing more; resolves when what is under way has ended, or after 5 s. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await settleWithin(this.end(), stopLimitMs);
  }

  private async end(): Promise<void> {
    await this.claiming;
    await this.releaseWaiting();
    await Promise.all(this.running);
  }

  private async releaseWaiting(): Promise<void> {
    const jobs = this.waiting.splice(0).map(({ job }) => job);
    if (jobs.length > 0) await this.options.release(jobs).catch(() => undefined);
  }

  private pump(): void {
    this.startWaiting();
    if (!this.isWoken || this.isStopped || this.claiming) return;
    const room = this.roomForMore();
    if (room <= 0) return;
    this.isWoken = false;
    this.claiming = this.claim(room).finally(() => {
      this.claiming = null;
      this.pump();
    });
  }

  private roomForMore(): number {
    const taken = this.running.size + this.waiting.length;
    if (this.restsUntil > 0) return 1 - taken;
    const { places, ahead } = this.options;
    // Not for every place that falls free: a claim is a round trip.
    const isWorthIt = taken <= places / 2 || this.waiting.length <= ahead / 2;
    return isWorthIt ? places + ahead - taken : 0;
  }

  private async claim(room: number): Promise<void> {
    try {
      const jobs = await this.options.claim(room, this.isResting);
      const claimedAt = performance.now();
      for (const job of jobs) this.waiting.push({ job, claimedAt });
      // There may be more than there was room for.
      if (jobs.length > 0 && !this.isResting) this.isWoken = true;
    } catch (error) {
      this.options.onClaimFailure(error);
    }
  }

  private startWaiting(): void {
    while (this.running.size < this.options.places && !this.isStopped) {
      const next = this.waiting.shift();
      if (!next) return;
      if (performance.now() - next.claimedAt > staleAfterMs) {
        void this.options.release([next.job]).catch(() => undefined);
        continue;
      }
      const run: Promise<void> = this.options
        .deliver(next.job)
        .catch(() => undefined)
        .finally(() => {
          this.running.delete(run);
          this.pump();
        });
      this.running.add(run);
    }
  }
}
