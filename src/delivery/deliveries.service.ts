import { Injectable } from '@nestjs/common';
import { AppError, invalidField } from '../common/errors.js';
import { Database } from '../database/database.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { Lane, OutboxKind, type OutboxKindName, outboxKindName } from './outbox-kinds.js';

export const deliveryStatuses = ['pending', 'parked', 'delivered'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

/** Something that leaves, or has left, the service. */
export interface Delivery {
  id: string;
  kind: OutboxKindName;
  status: DeliveryStatus;
  playerId: string;
  subscriptionId: string | null;
  createdAt: Date;
  /** When it is tried next; null unless it is pending. */
  nextAttemptAt: Date | null;
  /** Failed attempts. */
  attempts: number;
  lastStatus: number | null;
  lastError: string | null;
}

export interface DeliveryQuery {
  status: DeliveryStatus;
  kind?: OutboxKindName;
  limit: number;
  cursor?: string;
}

interface DeliveryRow {
  id: string;
  kind: number;
  player_id: string;
  subscription_id: string | null;
  created_at: Date;
  next_attempt_at: Date;
  position: string;
  attempts: number;
  last_status: number | null;
  last_error: string | null;
  parked_at: Date | null;
  delivered_at: Date | null;
}

const columns = `o.id, o.kind, o.player_id, o.subscription_id, o.created_at, o.next_attempt_at,
  extract(epoch from o.next_attempt_at)::text as position, o.attempts, o.last_status, o.last_error, o.parked_at, o.delivered_at`;
const after = '(o.next_attempt_at, o.id) > (to_timestamp($4::numeric), $5::bigint)';
/** Parameters: brand, kinds, limit, position of the cursor. What is due first comes first. */
const listPending = {
  name: 'list_pending_deliveries',
  text: `
    select d.* from unnest(array[${Object.values(Lane).join(', ')}]) as l (lane)
    cross join lateral (
      select ${columns} from outbox o
      where o.brand_id = $1 and o.lane = l.lane and o.kind = any ($2) and o.parked_at is null and o.delivered_at is null and ${after}
      order by o.next_attempt_at, o.id limit $3) d
    order by d.next_attempt_at, d.id limit $3`,
};
const listEnded = (name: string, column: string) => ({
  name,
  text: `
    select ${columns} from outbox o
    where o.brand_id = $1 and o.kind = any ($2) and o.${column} is not null and ${after}
    order by o.next_attempt_at, o.id limit $3`,
});
const lists = {
  pending: listPending,
  parked: listEnded('list_parked_deliveries', 'parked_at'),
  delivered: listEnded('list_delivered_deliveries', 'delivered_at'),
};
const find = {
  name: 'find_delivery',
  text: `select ${columns} from outbox o where o.brand_id = $1 and o.id = $2`,
};
const redeliver = {
  name: 'redeliver',
  text: `
    update outbox o set next_attempt_at = clock_timestamp(), parked_at = null, delivered_at = null,
      attempts = case when parked_at is null and delivered_at is null then attempts else 0 end
    where o.brand_id = $1 and o.id = $2 and not exists (
      select from webhook_subscriptions s where s.id = o.subscription_id and s.disabled_at is not null)
    returning ${columns}`,
};

/** Shows operators what leaves the service and what does not, and tries again when they ask for it. */
@Injectable()
export class DeliveriesService {
  constructor(
    private readonly database: Database,
    private readonly signal: OutboxSignal,
  ) {}

  /** A page of the brand's deliveries, the soonest due first; `next` is the cursor of the page after. */
  async list(
    brandId: number,
    { status, kind, limit, cursor }: DeliveryQuery,
  ): Promise<{ deliveries: Delivery[]; next: string | null }> {
    const kinds = kind === undefined ? Object.values(OutboxKind) : [OutboxKind[kind]];
    const [position, id] = cursor === undefined ? ['0', '0'] : decodeCursor(cursor);
    const values = [brandId, kinds, limit + 1, position, id];
    const rows = await this.database.prepared<DeliveryRow>(lists[status], values);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      deliveries: page.map(toDelivery),
      next: rows.length > limit && last ? encodeCursor(last.position, last.id) : null,
    };
  }

  /**
   * Makes a delivery due at once: one that waits, one that was parked, or a webhook that was delivered before. Rejects with
   * not_found when it has left and is not kept, and with conflict when its subscription is switched off.
   */
  async redeliver(brandId: number, id: string): Promise<Delivery> {
    const [row] = await this.database.prepared<DeliveryRow>(redeliver, [brandId, id]);
    if (!row) {
      const [isThere] = await this.database.prepared<DeliveryRow>(find, [brandId, id]);
      if (isThere)
        throw new AppError(
          'conflict',
          'the subscription is switched off: a ping that arrives switches it on',
        );
      throw new AppError('not_found', 'there is no such delivery: it has left, or never was');
    }
    this.signal.raise(brandId);
    return toDelivery(row);
  }
}

function toDelivery(row: DeliveryRow): Delivery {
  const status = row.delivered_at ? 'delivered' : row.parked_at ? 'parked' : 'pending';
  return {
    id: row.id,
    kind: outboxKindName(row.kind),
    status,
    playerId: row.player_id,
    subscriptionId: row.subscription_id,
    createdAt: row.created_at,
    nextAttemptAt: status === 'pending' ? row.next_attempt_at : null,
    attempts: row.attempts,
    lastStatus: row.last_status,
    lastError: row.last_error,
  };
}

function encodeCursor(position: string, id: string): string {
  return Buffer.from(`${position}:${id}`).toString('base64url');
}

function decodeCursor(cursor: string): [position: string, id: string] {
  const [, position, id] =
    /^(\d{1,12}(?:\.\d{1,6})?):(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (position === undefined || id === undefined)
    throw invalidField('cursor', 'cursor must be the `next` of an earlier page');
  return [position, id];
}
