import { Injectable } from '@nestjs/common';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { Clock } from '../common/clock.js';
import { AppError, invalidField } from '../common/errors.js';
import { parseInstantText } from '../common/instant.js';
import { Database } from '../database/database.js';
import { findCurrency, type PlayerCurrency, readAmount } from './player-currency.js';

/** What players do with money, and its code in the database. */
export const EventType = { bet: 1, win: 2, deposit: 3, withdrawal: 4, wagering_complete: 5 } as const;
export type EventTypeName = keyof typeof EventType;
export const eventTypes = Object.keys(EventType) as EventTypeName[];

const eventKeys = new Set(['id', 'type', 'amount', 'at', 'data']);
/** Ids stand in paths, too. */
export const eventIdForm = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/;
const longestData = 4000;
/** Clocks of two machines are not one. */
const mostAheadMs = 5 * 60_000;

/** What of a batch is passed to the database, as texts of its arrays. */
interface EventArrays {
  ids: string[];
  types: number[];
  amounts: number[];
  times: string[];
  data: (string | null)[];
}

const record = {
  name: 'record_player_events',
  text: 'select record_player_events($1, $2, $3, $4, $5, $6, $7) as applied',
};

/** What players do with money, told by the operator's platform. */
@Injectable()
export class PlayerEventsService {
  constructor(
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
    private readonly clock: Clock,
  ) {}

  /**
   * Records a batch, all of it or nothing: events whose id the player has already are counted and change nothing. Checks the events,
   * which are as they came. Rejects with user_not_found, and with invalid_input naming the first field that is wrong.
   */
  async record(
    brandId: number,
    playerId: string,
    events: readonly unknown[],
  ): Promise<{ applied: number; repeated: number }> {
    const { facts } = await this.catalogue.get(brandId);
    const currency = await findCurrency(this.database, facts, playerId);
    if (!currency) throw new AppError('user_not_found');
    if (events.length === 0) return { applied: 0, repeated: 0 };
    const latest = this.clock.now().getTime() + mostAheadMs;
    const { ids, types, amounts, times, data } = readEvents(events, currency, latest);
    const [row] = await this.database.prepared<{ applied: number | null }>(record, [
      brandId,
      playerId,
      // Written here: the driver looks at each element for what might have to be escaped, and nothing of these has.
      `{"${ids.join('","')}"}`,
      `{${types.join()}}`,
      `{${amounts.join()}}`,
      `{"${times.join('","')}"}`,
      data.length === 0 ? null : data,
    ]);
    const applied = row?.applied ?? null;
    if (applied === null) throw new AppError('user_not_found');
    return { applied, repeated: events.length - applied };
  }
}

function readEvents(events: readonly unknown[], currency: PlayerCurrency, latest: number): EventArrays {
  const arrays: EventArrays = { ids: [], types: [], amounts: [], times: [], data: [] };
  events.forEach((event, index) => {
    const at = `events[${index}]`;
    if (typeof event !== 'object' || event === null || Array.isArray(event))
      throw invalidField(at, `${at} must be an object`);
    readEvent(event as Record<string, unknown>, at, arrays, currency, latest);
  });
  return arrays;
}

function readEvent(
  event: Record<string, unknown>,
  at: string,
  arrays: EventArrays,
  currency: PlayerCurrency,
  latest: number,
): void {
  const { id, type, amount, data } = event;
  for (const key in event) {
    if (eventKeys.has(key)) continue;
    const field = `${at}.${key.slice(0, 64)}`;
    throw invalidField(field, `${field}: property ${key.slice(0, 64)} should not exist`);
  }
  if (typeof id !== 'string' || !eventIdForm.test(id))
    throw invalidField(`${at}.id`, `${at}.id must be 1 to 100 letters, digits, ., _, : or -`);
  const code =
    typeof type === 'string' && Object.hasOwn(EventType, type) ? EventType[type as EventTypeName] : 0;
  if (code === 0)
    throw invalidField(
      `${at}.type`,
      `${at}.type must be one of the following values: ${eventTypes.join(', ')}`,
    );
  arrays.ids.push(id);
  arrays.types.push(code);
  arrays.amounts.push(readEventAmount(`${at}.amount`, amount, code, currency));
  arrays.times.push(readTime(`${at}.at`, event.at, latest));
  if (data === undefined) return;
  // Only then is there a list of them: most events have none.
  arrays.data[arrays.ids.length - 1] = readData(`${at}.data`, data);
}

function readEventAmount(field: string, amount: unknown, code: number, currency: PlayerCurrency): number {
  // A bonus need not have been worth anything.
  if (amount === undefined && code === EventType.wagering_complete) return 0;
  if (typeof amount !== 'number' || !(amount >= 0))
    throw invalidField(field, `${field} must not be less than 0`);
  return readAmount(field, amount, currency);
}

function readTime(field: string, at: unknown, latest: number): string {
  const time = parseInstantText(at);
  if (!time) throw invalidField(field, `${field} must be an RFC 3339 instant, such as 2026-01-31T12:00:00Z`);
  if (time.getTime() > latest) throw invalidField(field, `${field} must not lie in the future`);
  return time.toISOString();
}

function readData(field: string, data: unknown): string {
  const text = JSON.stringify(data);
  if (typeof data === 'object' && data !== null && !Array.isArray(data) && text.length <= longestData)
    return text;
  throw invalidField(field, `${field} must be an object of up to ${longestData} characters`);
}
