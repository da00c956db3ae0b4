import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import { Config } from '../../config/config.js';
import { OutboxSignal } from '../../database/outbox-signal.js';
import { DeliveryMetrics } from '../delivery-metrics.js';
import { LaneWorker } from '../lane-worker.js';
import { Lane, OutboxKind, outboxKindName } from '../outbox-kinds.js';
import { crmDelay, crmPause, systemClock } from '../schedule.js';
import { CrmClient } from './crm-client.js';
import { type CrmBrand, type CrmJob, CrmOutbox } from './crm-outbox.js';
import { OrderedClaims } from './ordered-claims.js';

const pollEveryMs = 500;
const staleAfterMs = 10_000;
/** Failures in a row that a brand's lane stands before it rests. */
const failuresBeforeRest = 5;
/** Interactive changes have places of their own, which no import can take. */
const lanes = [
  { lane: Lane.crm, places: 16, ahead: 16 },
  { lane: Lane.crmBulk, places: 32, ahead: 256 },
];

interface BrandLanes {
  brand: CrmBrand;
  workers: LaneWorker<CrmJob>[];
  failuresInARow: number;
}

/** Tells the CRMs of all brands of every change, again and again until they have answered 200. */
@Injectable()
export class CrmDeliveryService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('CRM');
  private readonly brands = new Map<number, BrandLanes>();
  private timer?: NodeJS.Timeout;
  private polling: Promise<void> = Promise.resolve();
  private stopListening: () => void = () => undefined;

  constructor(
    private readonly outbox: CrmOutbox,
    private readonly client: CrmClient,
    private readonly signal: OutboxSignal,
    private readonly metrics: DeliveryMetrics,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.runsDeliveries) return;
    const wake = (brandId: number) => this.brands.get(brandId)?.workers[0]?.wake();
    this.stopListening = this.signal.listen(wake);
    this.outbox.onNextWaits = wake;
    this.timer = setInterval(() => this.poll(), pollEveryMs);
    this.poll();
  }

  /** While the database is still open: what is under way ends, what was taken ahead is left to its lease. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopListening();
    await this.polling;
    await Promise.all(
      [...this.brands.values()].flatMap(({ workers }) => workers.map((worker) => worker.stop())),
    );
    await this.outbox.settle();
  }

  private poll(): void {
    this.polling = this.polling.then(() => this.refresh()).catch(() => undefined);
  }

  private async refresh(): Promise<void> {
    const { brands, unreadable } = await this.outbox.listBrands();
    for (const id of unreadable)
      this.logger.error({
        msg: 'the CRM key was sealed under a key that SECRET_KEYS no longer has',
        brand: id,
      });
    for (const [id, { workers }] of this.brands) {
      if (brands.some((brand) => brand.id === id)) continue;
      this.brands.delete(id);
      for (const worker of workers) void worker.stop();
    }
    for (const brand of brands) {
      const known = this.brands.get(brand.id);
      if (known) known.brand = brand;
      else this.brands.set(brand.id, this.open(brand));
    }
    for (const { workers } of this.brands.values()) for (const worker of workers) worker.wake();
  }

  private open(brand: CrmBrand): BrandLanes {
    const opened: BrandLanes = { brand, workers: [], failuresInARow: 0 };
    opened.workers = lanes.map(({ lane, places, ahead }) => {
      const claims = new OrderedClaims((limit, from) => this.outbox.claim(brand.id, lane, limit, from));
      return new LaneWorker<CrmJob>({
        places,
        ahead,
        staleAfterMs,
        claim: (limit) => claims.next(limit),
        deliver: (job) => this.deliver(opened, job),
        release: async (jobs) => {
          await this.outbox.release(jobs.map(({ id }) => id));
          claims.restart();
        },
      });
    });
    return opened;
  }

  private async deliver(lanesOfBrand: BrandLanes, job: CrmJob): Promise<void> {
    const path = job.kind === OutboxKind.crm_blocks ? 'blocks' : 'consents';
    const { playerId: userId, origin, changedAt } = job;
    const answer = await this.client.tell(lanesOfBrand.brand, { path, userId, origin, changedAt });
    const delivered = answer.status === 200;
    this.metrics.count(outboxKindName(job.kind), delivered ? 'delivered' : 'failed', changedAt);
    if (delivered) {
      this.follow(lanesOfBrand);
      await this.outbox.remove(job.id);
      return;
    }
    this.restIfAway(lanesOfBrand);
    await this.outbox.putOff(job.id, answer, crmDelay(job.attempts + 1, systemClock));
  }

  /** A CRM that is away is not asked for every row: the brand's lanes rest, and then one request tells. */
  private restIfAway(lanesOfBrand: BrandLanes): void {
    const { brand, workers } = lanesOfBrand;
    // What was under way when the rest began says nothing new.
    if (workers.some((worker) => worker.isResting)) return;
    const failuresInARow = ++lanesOfBrand.failuresInARow;
    if (failuresInARow < failuresBeforeRest) return;
    if (failuresInARow === failuresBeforeRest)
      this.logger.warn({ msg: 'the CRM does not take events: trying again until it does', brand: brand.id });
    const pause = crmPause(failuresInARow - failuresBeforeRest + 1, systemClock);
    for (const worker of workers) worker.rest(pause);
  }

  private follow(lanesOfBrand: BrandLanes): void {
    const { brand, workers, failuresInARow } = lanesOfBrand;
    lanesOfBrand.failuresInARow = 0;
    if (failuresInARow < failuresBeforeRest) return;
    this.logger.log({ msg: 'the CRM takes events again', brand: brand.id });
    for (const worker of workers) worker.resume();
    void this.outbox.bringForward(brand.id).then(
      () => workers.forEach((worker) => worker.wake()),
      () => undefined,
    );
  }
}
