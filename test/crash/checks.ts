import type { Pool } from 'pg';
import { Channel, type CrmChannel } from '../../src/consents/channels.js';
import type { Arrival } from './flaky-receiver.js';
import type { Write } from './journal.js';

/** What the CRM is sent. */
export interface CrmBody {
  user_id: string;
  timestamp: string;
}

/** What a webhook says. */
export interface WebhookBody {
  data: { CustomUserId: string; Sequence: number };
}

/** One change as it stands in the ledger. */
export interface Act {
  id: string;
  playerId: string;
  writeId: string | null;
  /** The number of its last event. */
  seq: number;
  /** Milliseconds since 1970. */
  recordedAt: number;
  /** Masks by channel code. */
  after: Record<string, number>;
}

/** A receiver of webhooks and whom it asked for; null is everybody. */
export interface Subscriber {
  name: string;
  onlyPlayer: string | null;
  arrivals: Arrival<WebhookBody>[];
}

/** The acts of the players of the writers since an instant, oldest first. */
export async function readActs(pool: Pool, since = 0): Promise<Act[]> {
  const { rows } = await pool.query<Act>(
    `select e.act_id as id, e.player_id as "playerId", v.evidence::jsonb ->> 'user_agent' as "writeId",
       max(e.seq)::integer as seq, floor(extract(epoch from max(e.recorded_at)) * 1000)::float8 as "recordedAt",
       jsonb_object_agg(e.channel, e.after) as after
     from consent_events e left join event_evidence v using (brand_id, player_id, act_id, recorded_at)
     where e.brand_id = 1 and e.source = 'userconsents' and e.recorded_at >= to_timestamp($1::float8 / 1000)
     group by e.act_id, e.player_id, v.evidence order by max(e.recorded_at), e.act_id`,
    [since],
  );
  return rows;
}

/** Acknowledged writes that are not there exactly once, and others that are there more than once or not as asked. */
export function findJournalFaults(writes: Write[], acts: Act[]): string[] {
  const byWrite = groupBy(acts, ({ writeId }) => writeId);
  return writes.flatMap((write) => {
    const made = byWrite.get(write.id) ?? [];
    if (made.length > 1) return [`write ${write.id} took effect ${made.length} times`];
    const [act] = made;
    if (!act) return write.acknowledgedAt === null ? [] : [`write ${write.id} was acknowledged and is lost`];
    const isAsAsked = act.playerId === write.playerId && sameMasks(write.targets, act.after);
    return isAsAsked ? [] : [`write ${write.id} is in the ledger as ${JSON.stringify(act.after)}`];
  });
}

/** Acts that nobody asked for. */
export function findStrayActs(writes: Write[], acts: Act[]): string[] {
  const known = new Set(writes.map(({ id }) => id));
  return acts
    .filter(({ writeId }) => writeId === null || !known.has(writeId))
    .map(({ playerId, seq }) => `${playerId}:${seq} was never asked for`);
}

/**
 * Players whose last change the CRM was not told of, and requests about players that there are not. A request tells of a
 * change when it names that instant or a later one: the outbox row that it was made from came with that commit, or after.
 */
export function findCrmFaults(acts: Act[], writes: Write[], arrivals: Arrival<CrmBody>[]): string[] {
  const sentAt = new Map(writes.map((write) => [write.id, write.sentAt]));
  const last = new Map(acts.map((act) => [act.playerId, act]));
  const told = groupBy(arrivals, ({ body }) => body.user_id);
  const strays = [...told.keys()].filter((playerId) => !last.has(playerId));
  const untold = [...last.values()].filter(({ playerId, recordedAt, writeId }) => {
    const begun = sentAt.get(writeId ?? '') ?? 0;
    const isAboutIt = ({ at, body }: Arrival<CrmBody>) =>
      at >= begun && Date.parse(body.timestamp) >= recordedAt;
    return !told.get(playerId)?.some((arrival) => arrival.status === 200 && isAboutIt(arrival));
  });
  return [
    ...strays.map((playerId) => `the CRM was told of ${playerId}, who never changed`),
    ...untold.map(({ playerId, seq }) => `the CRM was not told of ${playerId}:${seq}`),
  ];
}

/** Changes that a subscriber did not take, and webhooks about changes that there are not or that it did not ask for. */
export function findWebhookFaults(acts: Act[], { name, onlyPlayer, arrivals }: Subscriber): string[] {
  const wanted = acts.filter(({ playerId }) => onlyPlayer === null || playerId === onlyPlayer);
  const changes = new Set(wanted.map(({ playerId, seq }) => `${playerId}:${seq}`));
  const changeOf = ({ body: { data } }: Arrival<WebhookBody>) => `${data.CustomUserId}:${data.Sequence}`;
  const taken = new Set(arrivals.filter(({ status }) => status === 200).map(changeOf));
  const missing = [...changes].filter((change) => !taken.has(change));
  const strays = new Set(arrivals.map(changeOf).filter((change) => !changes.has(change)));
  return [
    ...missing.map((change) => `${name} never took the webhook of ${change}`),
    ...[...strays].map((change) => `${name} got a webhook of ${change}, which is none of its changes`),
    ...findChangingWebhooks(name, arrivals),
  ];
}

/** What a receiver knows as one message must say the same each time. */
function findChangingWebhooks(name: string, arrivals: Arrival<WebhookBody>[]): string[] {
  const byId = groupBy(arrivals, ({ headers }) => String(headers['webhook-id']));
  return [...byId]
    .filter(([, attempts]) => new Set(attempts.map(({ body }) => JSON.stringify(body))).size > 1)
    .map(([id]) => `${name} got different bodies under ${id}`);
}

/** What of the brand still waits to leave, or was given up. */
export async function findWaiting(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ kind: number; parked: boolean; count: number }>(
    `select kind, parked_at is not null as parked, count(*)::integer as count from outbox
     where delivered_at is null group by 1, 2`,
  );
  return rows.map(
    ({ kind, parked, count }) => `${count} of kind ${kind} ${parked ? 'were given up' : 'still wait'}`,
  );
}

function groupBy<Item, Key>(items: Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function sameMasks(targets: Map<CrmChannel, number>, after: Record<string, number>): boolean {
  return (
    Object.keys(after).length === targets.size &&
    [...targets].every(([channel, mask]) => after[Channel[channel]] === mask)
  );
}
