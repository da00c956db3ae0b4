import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { Coalescer } from '../common/coalescer.js';
import { AppError, isDatabaseAway } from '../common/errors.js';
import { Database } from '../database/database.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import type { MarketingStateRow } from './marketing-state.js';
import { findMarketingStates, Outcome, recordMarketingChanges } from './marketing-statements.js';

/**
 * What one caller asks for at once: all of it happens, or none. A target is the mask the channel is to have; below 0, the products of
 * its opposite are taken away, and with the last of them, or where there are none, the channel.
 */
export interface MarketingAct {
  brandId: number;
  playerId: string;
  changes: { channel: number; target: number }[];
  actor: string;
  source: string;
  /** JSON text of what came with the request. */
  evidence: string;
}

/** The catalogue has changed since the act was translated: translate it again with what the brand has now. */
export class CatalogueChanged extends Error {}

interface ResultRow extends MarketingStateRow {
  item: number | null;
  outcome: number | null;
}

/**
 * The one act "change a marketing consent" and the read that goes with it. What arrives together travels together: one
 * round trip and one commit for all, each act still whole or not at all.
 */
@Injectable()
export class MarketingConsentsService {
  private readonly reads = new Coalescer<{ brandId: number; playerId: string }, MarketingStateRow | null>(
    (keys) => this.perBrand(keys, (brandId, group) => this.readAll(brandId, group)),
    { maxItems: 200, maxRuns: 4 },
  );
  private readonly writes = new Coalescer<MarketingAct, MarketingStateRow>(
    (acts) => this.perBrand(acts, (brandId, group) => this.recordAll(brandId, group)),
    { maxItems: 64, maxRuns: 3 },
  );

  constructor(
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
    private readonly signal: OutboxSignal,
  ) {}

  /** The player's consents; null when the brand does not know the player. */
  find(brandId: number, playerId: string): Promise<MarketingStateRow | null> {
    return this.reads.add({ brandId, playerId });
  }

  /** As find; user_not_found when the brand does not know the player. */
  async get(brandId: number, playerId: string): Promise<MarketingStateRow> {
    const state = await this.find(brandId, playerId);
    if (!state) throw new AppError('user_not_found');
    return state;
  }

  /**
   * Records an act and answers the state after it. Durable when it resolves: state, events, evidence and outbox rows are one
   * transaction, the caller's if a manager is given. Rejects with invalid_input for an opt-in of a player who is excluded or
   * blocked, and with CatalogueChanged.
   */
  async record(act: MarketingAct, manager?: EntityManager): Promise<MarketingStateRow> {
    if (!manager) return this.writes.add(act);
    const rows = await translateErrors(() =>
      manager.query<ResultRow[]>(recordMarketingChanges.text, toParameters(act.brandId, [act])),
    );
    const [result] = toResults([act], rows);
    if (!result || result instanceof Error) throw result ?? new Error('no result');
    return result;
  }

  private async readAll(
    brandId: number,
    keys: { playerId: string }[],
  ): Promise<(MarketingStateRow | null)[]> {
    const ids = keys.map(({ playerId }) => playerId);
    const rows = await this.database.prepared<MarketingStateRow>(findMarketingStates, [brandId, ids]);
    const byId = new Map(rows.map((row) => [row.player_id, row]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  private async recordAll(brandId: number, acts: MarketingAct[]): Promise<(MarketingStateRow | Error)[]> {
    try {
      const rows = await translateErrors(() =>
        this.database.prepared<ResultRow>(recordMarketingChanges, toParameters(brandId, acts)),
      );
      this.signal.raise(brandId, 'consents');
      return toResults(acts, rows);
    } catch (error) {
      if (error instanceof CatalogueChanged) this.catalogue.forget(brandId);
      if (acts.length === 1 || isDatabaseAway(error)) throw error;
      // One act must not fail because of its neighbours.
      return Promise.all(
        acts.map((act) =>
          this.recordAll(brandId, [act]).then(([result]) => result as MarketingStateRow, asError),
        ),
      );
    }
  }

  private async perBrand<Item extends { brandId: number }, Result>(
    items: Item[],
    run: (brandId: number, group: Item[]) => Promise<Result[]>,
  ): Promise<(Result | Error)[]> {
    const [first] = items;
    if (first && items.every((item) => item.brandId === first.brandId)) return run(first.brandId, items);
    const results = new Array<Result | Error>(items.length);
    await Promise.all(
      [...new Set(items.map((item) => item.brandId))].map(async (brandId) => {
        const indexes = items.flatMap((item, index) => (item.brandId === brandId ? [index] : []));
        const group = indexes.map((index) => items[index] as Item);
        const settled = await run(brandId, group).catch((error: unknown) => group.map(() => asError(error)));
        indexes.forEach((index, position) => {
          results[index] = settled[position] as Result | Error;
        });
      }),
    );
    return results;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('a non-error was thrown');
}

async function translateErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if ((error as { code?: unknown }).code === 'PC001') throw new CatalogueChanged();
    throw error;
  }
}

function toParameters(brandId: number, acts: MarketingAct[]): unknown[] {
  const salts = randomBytes(16 * acts.length);
  const items = acts.flatMap((act, index) =>
    act.changes.map((change) => ({ act, change, index: index + 1 })),
  );
  return [
    brandId,
    true,
    false,
    acts.map(() => uuidv7()),
    acts.map((act) => act.actor),
    acts.map((_, index) => salts.subarray(16 * index, 16 * index + 16)),
    acts.map((act) => act.evidence),
    items.map(({ index }) => index),
    items.map(({ act }) => act.playerId),
    items.map(({ change }) => change.channel),
    items.map(({ change }) => change.target),
    items.map(() => null),
    items.map(({ act }) => act.source),
  ];
}

function toResults(acts: MarketingAct[], rows: ResultRow[]): (MarketingStateRow | Error)[] {
  const states = new Map<string, MarketingStateRow>();
  const outcomes = new Map<number, number>();
  for (const row of rows) {
    if (row.item === null) states.set(row.player_id, row);
    else outcomes.set(row.item, row.outcome ?? Outcome.applied);
  }
  let item = 0;
  return acts.map((act) => {
    const own = act.changes.map(() => outcomes.get(++item));
    if (own.includes(Outcome.excluded)) return refusal(act, 'self-excluded');
    if (own.includes(Outcome.blocked)) return refusal(act, 'blocked');
    return states.get(act.playerId) ?? new Error('the database answered no state');
  });
}

function refusal(act: MarketingAct, reason: string): AppError {
  return new AppError(
    'invalid_input',
    `opted_in: player ${act.playerId} is ${reason} and cannot be opted in; a withdrawal is always taken`,
  );
}
