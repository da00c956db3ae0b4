import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { settleWithin } from '../../common/deadline.js';
import { Config } from '../../config/config.js';
import { OutboxSignal } from '../../database/outbox-signal.js';
import { DeliveryMetrics } from '../delivery-metrics.js';
import { Lane, OutboxKind, outboxKindName } from '../outbox-kinds.js';
import { crmDelay, systemClock } from '../schedule.js';
import { CrmClient } from './crm-client.js';
import { CrmLane, isThere } from './crm-lane.js';
import { type CrmBrand, type CrmJob, CrmOutbox } from './crm-outbox.js';

const pollEveryMs = 500;
const stopLimitMs = 5000;
/** Interactive changes have places of their own, which no import can take. */
const lanes = [
  { lane: Lane.crm, places: 16, ahead: 256 },
  { lane: Lane.crmBulk, places: 32, ahead: 1024 },
];

interface BrandLanes {
  brand: CrmBrand;
  lanes: CrmLane[];
}

/** Tells the CRMs of all brands of every change, again and again until they have answered 200. */
@Injectable()
export class CrmDeliveryService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('CRM');
  private readonly brands = new Map<number, BrandLanes>();
  private unreadable = '';
  private timer?: NodeJS.Timeout;
  private polling: Promise<void> | null = null;
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
    const wake = (brandId: number) => this.brands.get(brandId)?.lanes[0]?.hear();
    this.stopListening = this.signal.listen((brandId, news) => {
      if (news !== 'records') wake(brandId);
    });
    this.outbox.onNextWaits = wake;
    this.timer = setInterval(() => this.poll(), pollEveryMs);
    this.poll();
  }

  /** While the database is still open: what is under way ends, what was taken ahead is given back. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopListening();
    const open = [...this.brands.values()].flatMap((brand) => brand.lanes);
    await settleWithin(Promise.all([this.polling, ...open.map((lane) => lane.stop())]), stopLimitMs);
    await settleWithin(this.outbox.settle(), stopLimitMs);
  }

  private poll(): void {
    this.polling ??= this.refresh()
      .catch(() => undefined)
      .finally(() => {
        this.polling = null;
      });
  }

  private async refresh(): Promise<void> {
    const { brands, unreadable } = await this.outbox.listBrands();
    this.reportUnreadable(unreadable);
    for (const [id, known] of this.brands) {
      if (brands.some((brand) => brand.id === id)) continue;
      this.brands.delete(id);
      for (const lane of known.lanes) void lane.stop();
    }
    for (const brand of brands) {
      const known = this.brands.get(brand.id);
      if (known) known.brand = brand;
      else this.brands.set(brand.id, this.open(brand));
    }
    for (const known of this.brands.values()) for (const lane of known.lanes) lane.wake();
  }

  private reportUnreadable(brands: number[]): void {
    const before = this.unreadable;
    this.unreadable = brands.join(', ');
    if (this.unreadable === before || this.unreadable === '') return;
    const msg = 'the CRM is not told: its key was sealed under a key that SECRET_KEYS no longer has';
    this.logger.error({ msg, brands: this.unreadable });
  }

  private open(brand: CrmBrand): BrandLanes {
    const opened: BrandLanes = { brand, lanes: [] };
    opened.lanes = lanes.map(
      (options) =>
        new CrmLane({ brandId: brand.id, ...options }, this.outbox, (job) =>
          this.deliver(opened, options.lane, job),
        ),
    );
    return opened;
  }

  private async deliver(known: BrandLanes, lane: number, job: CrmJob): Promise<void> {
    const path = job.kind === OutboxKind.crm_blocks ? 'blocks' : 'consents';
    const { player, origin, changedAt } = job;
    const answer = await this.client.tell(known.brand, { path, player, origin, changedAt });
    const delivered = answer.status === 200;
    this.metrics.count(outboxKindName(job.kind), delivered ? 'delivered' : 'failed', changedAt);
    if (isThere(answer)) this.noteAnswer(known);
    else known.lanes[lanes.findIndex((options) => options.lane === lane)]?.noteFailure();
    if (delivered) await this.outbox.remove(job.id);
    else await this.outbox.putOff(job.id, answer, crmDelay(job.attempts + 1, systemClock));
  }

  private noteAnswer({ brand, lanes: own }: BrandLanes): void {
    let wasAway = false;
    for (const lane of own) wasAway = lane.noteAnswer() || wasAway;
    if (!wasAway) return;
    this.logger.log({ msg: 'the CRM takes events again', brand: brand.id });
    void this.outbox.bringForward(brand.id).then(
      () => own.forEach((lane) => lane.wake()),
      () => undefined,
    );
  }
}
