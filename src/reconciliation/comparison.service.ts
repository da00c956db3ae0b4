import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { Client } from 'pg';
import type { ClientPrincipal } from '../auth/principal.js';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { AppError } from '../common/errors.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { limitSession } from '../database/snapshots.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { type ComparisonCounts, ComparisonTable, type Difference, differences } from './comparison-table.js';
import type { Field, FieldRules } from './fields.js';
import { takePlace } from './run-places.js';
import { type Running, RunningRuns } from './running.js';
import { outcomeOf, type RunOutcome } from './runs.service.js';
import type { TheirUser } from './their-users.js';
import { errorAlone, readRules, wholeRows } from './users-document.js';

export interface ComparisonRequest {
  field: Field;
  /** Whether to queue the CRM event of each player who differs. */
  repair: boolean;
  users: AsyncGenerator<TheirUser[]>;
  /** Says that nobody reads the answer any more. */
  gone: AbortSignal;
}

/** What was found, before any of it is listed. */
interface Found {
  running: Running;
  table: ComparisonTable;
  rules: FieldRules;
  counts: ComparisonCounts;
}

/** Tells a CRM where its own list differs from the truth, and has it told of those players again. */
@Injectable()
export class ComparisonService {
  constructor(
    private readonly database: Database,
    private readonly runs: RunningRuns,
    private readonly catalogue: BrandCatalogue,
    private readonly signal: OutboxSignal,
    private readonly config: Config,
  ) {}

  /**
   * The answer as a stream; the differences have been found, and the events queued, when it begins. Rejects with
   * too_many_requests, with conflict when a repair could tell nobody, and with what is wrong with the list; every other failure
   * is part of the document.
   */
  async stream(principal: ClientPrincipal, request: ComparisonRequest): Promise<Readable> {
    const client = this.database.newClient('player-consent comparison');
    client.on('error', () => undefined);
    const table = new ComparisonTable(client, request.field);
    let running: Running | undefined;
    try {
      await client.connect();
      running = await this.open(client, principal, request);
      const found = await this.find(running, table, request);
      const body = Readable.from(this.write(found, request.field), { objectMode: false });
      this.runs.follow(running, body);
      return body;
    } catch (error) {
      const outcome = running?.outcomeAfter(error) ?? outcomeOf(error);
      if (running) await this.end(running, table, error instanceof AppError ? 'refused' : outcome, error);
      else void client.end().catch(() => undefined);
      if (error instanceof AppError) throw error;
      return Readable.from([errorAlone(outcome)]);
    }
  }

  private async open(
    client: Client,
    { brandId, clientId }: ClientPrincipal,
    { field, repair, gone }: ComparisonRequest,
  ): Promise<Running> {
    await limitSession(client, this.config.RECONCILIATION_TIME_LIMIT_MS);
    await takePlace(client, brandId, this.config.RECONCILIATION_RUNS, 'session');
    const { rows } = await client.query<{ at: Date; is_told: boolean }>(
      'select clock_timestamp() as at, crm_enabled as is_told from brands where id = $1',
      [brandId],
    );
    if (repair && !rows[0]?.is_told)
      throw new AppError(
        'conflict',
        'repair: the CRM of this brand is switched off, so that nobody would be told',
      );
    const snapshotAt = rows[0]?.at ?? new Date();
    const start = { brandId, client: clientId, kind: 'compare', field: field.name } as const;
    return this.runs.start(client, { ...start, snapshotAt, onReplica: false }, gone);
  }

  /** Takes in the caller's list, and then finds what differs and queues the events in one transaction. */
  private async find(
    running: Running,
    table: ComparisonTable,
    { repair, users }: ComparisonRequest,
  ): Promise<Found> {
    const { client, brandId } = running;
    const brand = await this.catalogue.get(brandId);
    const received = await table.fill(users, (name) => brand.productBit(name));
    await client.query('begin isolation level repeatable read');
    const { rows } = await client.query<{ at: Date }>('select statement_timestamp() as at');
    const rules = await readRules(client, brandId, (rows[0] as { at: Date }).at);
    const differing = await table.compare(rules);
    const queued = repair ? await table.queueEvents(brandId) : 0;
    await client.query('commit');
    if (queued > 0) this.signal.raise(brandId);
    running.users = received;
    return { running, table, rules, counts: { received, ...differing, queued } };
  }

  private async *write({ running, table, rules, counts }: Found, field: Field): AsyncGenerator<Buffer> {
    let outcome: RunOutcome = 'hung up';
    let cause: unknown;
    let closing = '';
    try {
      yield Buffer.from(`{"timestamp":"${rules.at.toISOString()}","counts":${JSON.stringify(counts)}`);
      for (const difference of Object.keys(differences) as Difference[]) {
        if (difference === 'different_products' && !field.hasProducts) continue;
        const [opening, closed] = difference === 'different_products' ? '{}' : '[]';
        yield Buffer.from(`,"${difference}":${opening}`);
        closing = closed ?? '';
        for await (const piece of wholeRows(table.list(difference, rules), running.signal)) {
          running.bytes += piece.length;
          yield piece;
        }
        yield Buffer.from(closing);
        closing = '';
      }
      yield Buffer.from('}');
      outcome = 'complete';
    } catch (error) {
      cause = error;
      outcome = running.outcomeAfter(error);
      yield Buffer.from(`${closing},"error":"${outcome}"}`);
    } finally {
      await this.end(running, table, outcome, cause);
    }
  }

  /** Over the pool: the run's own connection may be gone, or is now. What cannot be dropped goes with the next import or comparison. */
  private async end(
    running: Running,
    table: ComparisonTable,
    outcome: RunOutcome,
    cause: unknown,
  ): Promise<void> {
    await this.runs.finish(running, outcome, cause);
    for (const name of table.names)
      await this.database.pool.query(`drop table if exists ${name}`).catch(() => undefined);
  }
}
