export interface LaneOptions<Job> {
  /** Deliveries under way at once at most. */
  places: number;
  /** Jobs taken ahead of a free place, to save round trips. They are leased all the while. */
  ahead: number;
  /** Takes at most `limit` due jobs under a lease; rejects while the database is away. */
  claim(limit: number): Promise<Job[]>;
  /** Delivers one job and writes down what came of it. What it rejects with is dropped: the lease runs out. */
  deliver(job: Job): Promise<void>;
  /** Gives back jobs that were taken and not begun; what it rejects with is dropped: their lease runs out. */
  release(jobs: Job[]): Promise<void>;
  /** Milliseconds a claimed job may wait for its place; then it is left to the lease. */
  staleAfterMs: number;
}

/** Milliseconds that what is under way has to end when the service stops; its lease covers the rest. */
const stopLimitMs = 5000;

/** Takes jobs from the outbox while there are any and places are free. Woken by signals and by the poll. */
export class LaneWorker<Job> {
  private readonly waiting: { job: Job; claimedAt: number }[] = [];
  private readonly running = new Set<Promise<void>>();
  private claiming: Promise<void> | null = null;
  private isWoken = false;
  private isStopped = false;
  private restingUntil = 0;

  constructor(private readonly options: LaneOptions<Job>) {}

  /** There may be something to do. */
  wake(): void {
    this.isWoken = true;
    this.pump();
  }

  /** Takes nothing for so many milliseconds, and then one job alone until it is woken again. */
  rest(milliseconds: number): void {
    this.restingUntil = Date.now() + milliseconds;
    void this.releaseWaiting();
  }

  get isResting(): boolean {
    return Date.now() < this.restingUntil;
  }

  /** Ends the rest. */
  resume(): void {
    this.restingUntil = 0;
  }

  /** Takes nothing more; resolves when what is under way has ended, or after 5 s. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.claiming;
    await this.releaseWaiting();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, stopLimitMs);
    });
    await Promise.race([Promise.all(this.running), limit]);
    clearTimeout(timer);
  }

  private async releaseWaiting(): Promise<void> {
    const jobs = this.waiting.splice(0).map(({ job }) => job);
    if (jobs.length > 0) await this.options.release(jobs).catch(() => undefined);
  }

  private pump(): void {
    this.startWaiting();
    const { places, ahead } = this.options;
    const room = places + ahead - this.running.size - this.waiting.length;
    // Not for every place that falls free: a claim is a round trip.
    const isWorthIt =
      this.running.size + this.waiting.length <= places / 2 || this.waiting.length <= ahead / 2;
    if (!this.isWoken || this.isStopped || this.claiming || room <= 0 || !isWorthIt || this.isResting) return;
    this.isWoken = false;
    this.claiming = this.claim(room).finally(() => {
      this.claiming = null;
      this.pump();
    });
  }

  private async claim(room: number): Promise<void> {
    try {
      const limit = this.restingUntil > 0 ? 1 : room;
      const jobs = await this.options.claim(limit);
      const claimedAt = Date.now();
      for (const job of jobs) this.waiting.push({ job, claimedAt });
      // There may be more than there was room for.
      if (jobs.length > 0) this.isWoken = true;
    } catch {
      // The database is away: the next poll asks again.
    }
  }

  private startWaiting(): void {
    while (this.running.size < this.options.places && !this.isStopped) {
      const next = this.waiting.shift();
      if (!next) return;
      if (Date.now() - next.claimedAt > this.options.staleAfterMs) continue;
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
