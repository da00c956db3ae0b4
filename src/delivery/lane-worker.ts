import { settleWithin } from '../common/deadline.js';

export interface LaneOptions<Job> {
  /** Deliveries under way at once at most. */
  places: number;
  /** Jobs taken ahead of a free place at most, to save round trips; fewer where a job takes long. They are leased all the while. */
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

/** Milliseconds a claimed job may wait for its place; then it is given back. */
const staleAfterMs = 10_000;
/** Milliseconds that a job may wait for its place, as far as can be told from those before it. */
const aheadForMs = 2000;
/** Milliseconds that what is under way has to end when the service stops; its lease covers the rest. */
const stopLimitMs = 5000;

/** Jobs of one claim, of which some have begun. */
interface Batch<Job> {
  jobs: Job[];
  begun: number;
  claimedAt: number;
}

/** Takes jobs from the outbox while there are any and places are free. Woken by signals and by the poll. */
export class LaneWorker<Job> {
  private readonly waiting: Batch<Job>[] = [];
  private waitingJobs = 0;
  private running = 0;
  private whenIdle: (() => void) | null = null;
  private claiming: Promise<void> | null = null;
  private isWoken = false;
  private isStopped = false;
  /** Until when only fresh jobs are tried, by the clock that nobody sets; 0 = the lane does not rest. */
  private restsUntil = 0;
  /** Milliseconds that a job takes, over the last ten or so. */
  private usualMs = 0;

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
    if (this.running > 0) await new Promise<void>((resolve) => (this.whenIdle = resolve));
  }

  private async releaseWaiting(): Promise<void> {
    const jobs = this.waiting.splice(0).flatMap((batch) => batch.jobs.slice(batch.begun));
    this.waitingJobs = 0;
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
    const taken = this.running + this.waitingJobs;
    if (this.restsUntil > 0) return 1 - taken;
    const { places } = this.options;
    const ahead = Math.min(this.options.ahead, Math.floor((places * aheadForMs) / Math.max(1, this.usualMs)));
    // Not for every place that falls free: a claim is a round trip.
    const isWorthIt = taken <= places / 2 || this.waitingJobs <= ahead / 2;
    return isWorthIt ? places + ahead - taken : 0;
  }

  private async claim(room: number): Promise<void> {
    try {
      const jobs = await this.options.claim(room, this.isResting);
      this.waiting.push({ jobs, begun: 0, claimedAt: performance.now() });
      this.waitingJobs += jobs.length;
      // There may be more than there was room for.
      if (jobs.length > 0 && !this.isResting) this.isWoken = true;
    } catch (error) {
      this.options.onClaimFailure(error);
    }
  }

  private startWaiting(): void {
    while (this.running < (this.restsUntil > 0 ? 1 : this.options.places) && !this.isStopped) {
      const [batch] = this.waiting;
      if (!batch) return;
      if (batch.begun === batch.jobs.length) this.waiting.shift();
      else if (performance.now() - batch.claimedAt > staleAfterMs) this.releaseStale(batch);
      else {
        this.waitingJobs--;
        void this.run(batch.jobs[batch.begun++] as Job);
      }
    }
  }

  /** Its lease could end before its turn comes. */
  private releaseStale({ jobs, begun }: Batch<Job>): void {
    this.waiting.shift();
    this.waitingJobs -= jobs.length - begun;
    void this.options.release(jobs.slice(begun)).catch(() => undefined);
  }

  private async run(job: Job): Promise<void> {
    this.running++;
    const begunAt = performance.now();
    try {
      await this.options.deliver(job);
    } catch {
      // Its lease runs out.
    }
    this.running--;
    this.usualMs += (performance.now() - begunAt - this.usualMs) / 10;
    if (this.running === 0) this.whenIdle?.();
    this.pump();
  }
}
