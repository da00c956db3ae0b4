import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryResultRow } from 'pg';
import { eventually } from '../support/crm-server.js';
import { findLedgerFaults } from '../support/ledger.js';
import {
  findCrmFaults,
  findJournalFaults,
  findStrayActs,
  findWaiting,
  findWebhookFaults,
  readActs,
} from './checks.js';
import { drain } from './drain.js';
import { Random } from './random.js';
import type { World } from './world.js';

const leastWritesUnderWay = 20;
const leastDeliveriesUnderWay = 5;
const patienceMs = 20_000;
/** The lease of what a killed process had under way, and some time to deliver it. */
const drainPatienceMs = 60_000;
/** The whole ledger is looked through so many times in a run. */
const ledgerChecks = 20;

/** What was under way at a kill. */
interface Kill {
  writes: number;
  deliveries: number;
}

/** What a run came to. */
export interface CrashReport {
  kills: Kill[];
  databaseStops: number;
  faults: string[];
  /** One line for people. */
  summary: string;
}

/** Lets the world work, kills the service and its database again and again, and looks at what is left. */
export class CrashRun {
  private readonly kills: Kill[] = [];
  private readonly faults: string[] = [];
  private databaseStops = 0;
  private readonly startedAt = Date.now();

  constructor(
    private readonly world: World,
    private readonly seed: number,
    private readonly killCount: number,
  ) {}

  async run(): Promise<CrashReport> {
    const { world } = this;
    await world.service.start();
    const writers = world.writers.map((writer) => writer.run());
    for (let round = 1; round <= this.killCount; round++) await this.crash(round);
    await this.untilWritesFlow();
    for (const writer of world.writers) writer.stop();
    await Promise.all(writers);
    for (const receiver of world.receivers) receiver.calm();
    await drain(await world.service.whenUp(), drainPatienceMs);
    await this.checkEverything();
    return this.report();
  }

  private async crash(round: number): Promise<void> {
    const { world } = this;
    const random = new Random(this.seed, 'kill', round);
    await this.untilWritesFlow();
    await sleep(random.between(20, 800));
    const stopsDatabase = round % 3 === 0;
    const isTogether = random.chance(0.5);
    if (stopsDatabase && !isTogether) {
      await this.stopDatabase();
      await world.cluster.startAgain();
      await this.untilWritesFlow();
      await sleep(random.between(20, 300));
    }
    await this.untilUnderWay();
    this.kills.push({ writes: world.journal.underWay, deliveries: world.deliveriesUnderWay });
    const killed = world.service.kill();
    if (stopsDatabase && isTogether) {
      await this.stopDatabase();
      await world.cluster.startAgain();
    }
    await killed;
    await Promise.all([world.service.start(), this.checkRestart(round)]);
  }

  private async stopDatabase(): Promise<void> {
    this.databaseStops += 1;
    await this.world.cluster.stopImmediately();
  }

  /** Waits until the service has acknowledged something that was begun from now on. */
  private async untilWritesFlow(): Promise<void> {
    const { journal } = this.world;
    const before = journal.acknowledged;
    await eventually(() => journal.acknowledged > before, patienceMs);
  }

  /** Waits, at best not at all, until enough is under way to be lost. */
  private async untilUnderWay(): Promise<void> {
    const { world } = this;
    const isEnough = () =>
      world.journal.underWay >= leastWritesUnderWay && world.deliveriesUnderWay >= leastDeliveriesUnderWay;
    if (!isEnough()) await eventually(isEnough, patienceMs);
  }

  private async checkRestart(round: number): Promise<void> {
    const { journal, pool } = this.world;
    const acknowledged = journal.takeUnchecked();
    const earliest = Math.min(...acknowledged.map(({ sentAt }) => sentAt));
    if (acknowledged.length > 0)
      this.faults.push(...findJournalFaults(acknowledged, await readActs(pool, earliest - 1000)));
    if (round % Math.ceil(this.killCount / ledgerChecks) === 0) await this.checkLedger();
  }

  private async checkLedger(): Promise<void> {
    const { pool } = this.world;
    const sql = async <Row extends QueryResultRow>(text: string) => (await pool.query<Row>(text)).rows;
    this.faults.push(...(await findLedgerFaults({ sql })));
  }

  private async checkEverything(): Promise<void> {
    const { journal, pool, crm, subscribers, service } = this.world;
    const acts = await readActs(pool);
    await this.checkLedger();
    this.faults.push(
      ...journal.faults,
      ...findJournalFaults(journal.writes, acts),
      ...findStrayActs(journal.writes, acts),
      ...findCrmFaults(acts, journal.writes, crm.arrivals),
      ...subscribers.flatMap((subscriber) => findWebhookFaults(acts, subscriber)),
      ...(await findWaiting(pool)),
      ...service.warnings.map((line) => `the service wrote: ${line}`),
    );
  }

  private report(): CrashReport {
    const { journal, crm, subscribers } = this.world;
    const { kills, databaseStops, faults } = this;
    const universal = journal.writes.filter(({ reference }) => reference !== null).length;
    const webhooks = subscribers.flatMap(({ arrivals }) => arrivals);
    const least = (name: keyof Kill) => Math.min(...kills.map((kill) => kill[name]));
    const ok = (list: { status: number | null }[]) => list.filter(({ status }) => status === 200).length;
    const summary = [
      `seed ${this.seed}: ${kills.length} kills with at least ${least('writes')} writes and ${least('deliveries')} deliveries under way`,
      `${databaseStops} immediate stops of PostgreSQL`,
      `${journal.acknowledged} writes acknowledged of ${journal.writes.length} (${journal.replayed} after their first answer was lost; ${universal} universal consents)`,
      `${crm.arrivals.length} CRM requests (${ok(crm.arrivals)} answered 200)`,
      `${webhooks.length} webhooks (${ok(webhooks)} answered 200)`,
      `${Math.round((Date.now() - this.startedAt) / 1000)} s`,
      `${faults.length} faults`,
    ].join(', ');
    return { kills, databaseStops, faults, summary };
  }
}
