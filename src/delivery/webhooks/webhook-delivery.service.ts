import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { settleWithin } from '../../common/deadline.js';
import { isDatabaseAway } from '../../common/errors.js';
import { Config } from '../../config/config.js';
import { OutboxSignal } from '../../database/outbox-signal.js';
import { DeliveryMetrics } from '../delivery-metrics.js';
import { reportClaimFailure } from '../claim-failure.js';
import { LaneWorker } from '../lane-worker.js';
import { afterWebhookFailure, isTaken, isToBeDisabled, parseRetryAfter, systemClock } from '../schedule.js';
import { WebhookOutbox, type WebhookJob, type WebhookResult } from './webhook-outbox.js';
import { WebhookRecordsService } from './webhook-records.service.js';
import { type WebhookAttempt, WebhookSender } from './webhook-sender.js';

const pollEveryMs = 500;
const places = 256;
/** Of one subscription and of one brand under way at once, so that receivers that hang cannot take the places of others. */
const limits = { perSubscription: 4, perBrand: 128 };
const stopLimitMs = 5000;

/** Brings every change of consents to every subscription that matches, at least once. */
@Injectable()
export class WebhookDeliveryService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Webhooks');
  private readonly bySubscription = new Map<string, number>();
  private readonly byBrand = new Map<number, number>();
  private readonly worker = new LaneWorker<WebhookJob>({
    places,
    ahead: 0,
    claim: (limit) => this.claim(limit),
    deliver: (job) => this.deliver(job),
    onClaimFailure: (error) => reportClaimFailure(this.logger, error),
    release: async (jobs) => {
      for (const job of jobs) this.count(job, -1);
      await this.outbox.release(jobs.map(({ id }) => id));
    },
  });
  private readonly toQueue = new Set<number>();
  private queueing: Promise<void> | null = null;
  private timer?: NodeJS.Timeout;
  private stopListening: () => void = () => undefined;
  private brands = new Set<number>();

  constructor(
    private readonly outbox: WebhookOutbox,
    private readonly records: WebhookRecordsService,
    private readonly sender: WebhookSender,
    private readonly signal: OutboxSignal,
    private readonly metrics: DeliveryMetrics,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.runsDeliveries) return;
    this.stopListening = this.signal.listen((brandId) => {
      if (this.brands.has(brandId)) this.queue([brandId]);
    });
    this.timer = setInterval(() => this.poll(), pollEveryMs);
    this.poll();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopListening();
    await settleWithin(Promise.all([this.queueing, this.worker.stop()]), stopLimitMs);
  }

  private poll(): void {
    this.outbox.listBrands().then(
      (brands) => {
        this.brands = new Set(brands);
        this.queue(brands);
      },
      () => undefined,
    );
    this.worker.wake();
  }

  private queue(brands: number[]): void {
    for (const brandId of brands) this.toQueue.add(brandId);
    this.queueing ??= this.queueAll().finally(() => {
      this.queueing = null;
    });
  }

  /** A batch of each brand in turn, so that an import of one delays no other. */
  private async queueAll(): Promise<void> {
    for (const brandId of this.toQueue) {
      this.toQueue.delete(brandId);
      const isMore = await this.outbox.queue(brandId).catch(() => false);
      this.worker.wake();
      if (isMore) this.toQueue.add(brandId);
    }
  }

  private async claim(limit: number): Promise<WebhookJob[]> {
    const jobs = await this.outbox.claim(this.bySubscription, this.byBrand, { ...limits, all: limit });
    for (const job of jobs) this.count(job, 1);
    return jobs;
  }

  private count({ subscriptionId, brandId }: WebhookJob, change: number): void {
    addTo(this.bySubscription, subscriptionId, change);
    addTo(this.byBrand, brandId, change);
  }

  private async deliver(job: WebhookJob): Promise<void> {
    try {
      const attempt = await this.attempt(job);
      const result = this.judge(job, attempt);
      await this.outbox.finish(job, result);
      const outcome = result.delivered ? 'delivered' : result.parked ? 'parked' : 'failed';
      this.metrics.count('webhook', outcome, job.changedAt);
      this.report(job, result);
    } finally {
      this.count(job, -1);
      // The next of its subject may have waited for this one.
      this.worker.wake();
    }
  }

  private async attempt(job: WebhookJob): Promise<WebhookAttempt> {
    if (job.secrets.length === 0)
      return failedHere('the secret was sealed under a key that SECRET_KEYS no longer has');
    try {
      return await this.sender.send(job, await this.records.read(job));
    } catch (error) {
      if (isDatabaseAway(error)) throw error;
      return failedHere('the record cannot be read');
    }
  }

  private judge(
    job: WebhookJob,
    attempt: Pick<WebhookResult, 'status' | 'error' | 'answer' | 'durationMs'> & {
      retryAfter: string | null;
    },
  ): WebhookResult {
    const { status } = attempt;
    const delivered = isTaken(status);
    const retryAfter = parseRetryAfter(attempt.retryAfter, systemClock);
    const next = afterWebhookFailure(job.attempts + 1, retryAfter, systemClock);
    const isOff = !delivered && isToBeDisabled(status, job.failingSince, systemClock);
    const reason = status === 410 ? 'the receiver answered 410 Gone' : 'five days of nothing but failures';
    return {
      ...attempt,
      delivered,
      parked: !delivered && next.step === 'park',
      delayMs: delivered || next.step === 'park' ? 0 : next.delay,
      disable: isOff ? reason : null,
    };
  }

  private report(job: WebhookJob, result: WebhookResult): void {
    const ids = { delivery: job.id, subscription: job.subscriptionId, brand: job.brandId };
    if (result.disable !== null)
      this.logger.warn({ msg: `subscription switched off: ${result.disable}`, ...ids });
    else if (result.parked) this.logger.warn({ msg: 'webhook parked after its last attempt', ...ids });
  }
}

/** An attempt that failed before anything was sent. */
function failedHere(error: string): WebhookAttempt {
  return { status: null, error, answer: null, retryAfter: null, durationMs: 0 };
}

function addTo<Key>(counts: Map<Key, number>, key: Key, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
