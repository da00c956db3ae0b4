import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { Database } from '../database/database.js';
import { HealthService } from '../health/health.service.js';
import { Lane, type OutboxKindName } from './outbox-kinds.js';

export type DeliveryOutcome = 'delivered' | 'failed' | 'parked';

/** Rows of a brand's lane that are looked at: a figure for a dashboard must not read a backlog of millions. */
const lookedAtMost = 20_000;
const lateAfterSeconds = 60;
const laneNames = Object.keys(Lane) as (keyof typeof Lane)[];

const readBacklog = {
  name: 'read_outbox_backlog',
  text: `
    select l.lane, coalesce(sum(o.depth), 0)::integer as depth, greatest(coalesce(max(o.age), 0), 0)::float as age
    from unnest($1::smallint[]) as l (lane)
    cross join brands b
    cross join lateral (
      select count(*) as depth, extract(epoch from clock_timestamp() - min(created_at)) as age
      -- Events of a CRM that is switched off wait until it is on again; they are not late.
      from (select created_at from outbox where brand_id = b.id and lane = l.lane and parked_at is null and delivered_at is null
              and (b.crm_enabled or l.lane not in (${Lane.crm}, ${Lane.crmBulk}))
            order by next_attempt_at limit ${lookedAtMost}) r) o
    group by l.lane`,
};

/** Figures of what leaves: attempts by outcome, time from change to success, depth and age of what waits. */
@Injectable()
export class DeliveryMetrics {
  private readonly attempts: Counter;
  private readonly latency: Histogram;
  private reading: ReturnType<DeliveryMetrics['readBacklog']> | null = null;

  constructor(
    private readonly database: Database,
    health: HealthService,
  ) {
    const registers = [health.registry];
    this.attempts = new Counter({
      name: 'delivery_attempts_total',
      help: 'Attempts to deliver, by kind and outcome',
      labelNames: ['kind', 'outcome'],
      registers,
    });
    this.latency = new Histogram({
      name: 'delivery_latency_seconds',
      help: 'From a change to its successful delivery, by kind',
      labelNames: ['kind'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600],
      registers,
    });
    this.addGauge(
      registers,
      'outbox_depth',
      `Rows that wait, by lane; counted up to ${lookedAtMost} a brand`,
      'depth',
    );
    this.addGauge(registers, 'outbox_oldest_seconds', 'Age of the oldest row that waits, by lane', 'age');
    health.addIndicator(() => this.readAges());
  }

  /** Counts an attempt. */
  count(kind: OutboxKindName, outcome: DeliveryOutcome, changedAt: Date): void {
    this.attempts.inc({ kind, outcome });
    if (outcome === 'delivered') this.latency.observe({ kind }, (Date.now() - changedAt.getTime()) / 1000);
  }

  private addGauge(registers: Registry[], name: string, help: string, figure: 'depth' | 'age'): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ['lane'],
      registers,
      collect: async () => {
        // Collected together: one reading serves both.
        this.reading ??= this.readBacklog().finally(() => {
          this.reading = null;
        });
        for (const row of await this.reading.catch(() => [])) gauge.set({ lane: row.lane }, row[figure]);
      },
    });
  }

  private async readBacklog(): Promise<{ lane: string; depth: number; age: number }[]> {
    const codes = laneNames.map((name) => Lane[name]);
    const rows = await this.database.prepared<{ lane: number; depth: number; age: number }>(readBacklog, [
      codes,
    ]);
    return rows.map((row) => ({ ...row, lane: laneNames.find((name) => Lane[name] === row.lane) ?? '' }));
  }

  /** A CRM that is away does not make the service unready: it would help nobody. */
  private async readAges(): Promise<Record<string, string>> {
    const backlog = await this.readBacklog();
    const oldest = (lanes: typeof backlog) => Math.floor(Math.max(0, ...lanes.map(({ age }) => age)));
    const crm = oldest(backlog.filter(({ lane }) => lane === 'crm' || lane === 'crmBulk'));
    return {
      outbox_oldest_seconds: String(oldest(backlog)),
      crm: crm > lateAfterSeconds ? `late: the oldest event has waited ${crm} s` : 'ok',
    };
  }
}
