import type { Pool } from 'pg';
import { recordChannel } from '../../src/consents/channels.js';
import { levelName } from '../../src/consents/universal/universal-record.js';
import type { SubscriptionCriteria } from '../../src/delivery/webhooks/subscriptions.service.js';
import type { Arrival } from './flaky-receiver.js';
import type { Write } from './journal.js';

/** What the CRM is sent. */
export interface CrmBody {
  user_id: string;
  timestamp: string;
}

/** What a webhook says. */
export interface WebhookBody {
  type: string;
  data: {
    CustomUserId: string;
    Sequence: number;
    /** Of a universal consent; what a writer says in Metadata is its write. */
    Reference?: string;
    ConsentType?: string;
    ConsentGiven?: string;
    Metadata?: string;
  };
}

/** One change as it stands in the ledger. */
export interface Act {
  id: string;
  /** The player's id, or somebody else's CustomUserId. */
  subject: string;
  writeId: string | null;
  /** Of a universal consent; null for marketing consents. */
  reference: string | null;
  /** What the record was of after it; `marketing` for marketing consents. */
  consentType: string;
  /** The number of its last event. */
  seq: number;
  /** Milliseconds since 1970. */
  recordedAt: number;
  /** Masks, or the level, by channel code. */
  after: Record<string, number>;
}

/** A receiver of webhooks and what it asked for. */
export interface Subscriber {
  name: string;
  criteria: SubscriptionCriteria;
  arrivals: Arrival<WebhookBody>[];
}

/** The acts of the writers since an instant, oldest first. */
export async function readActs(pool: Pool, since = 0): Promise<Act[]> {
  const { rows } = await pool.query<Act>(
    `select e.act_id as id, coalesce(s.custom_user_id, e.player_id) as subject, v.evidence::jsonb ->> 'user_agent' as "writeId",
       u.reference, coalesce(v.evidence::jsonb ->> 'consent_type', 'marketing') as "consentType", max(e.seq)::integer as seq, floor(extract(epoch from max(e.recorded_at)) * 1000)::float8 as "recordedAt",
       jsonb_object_agg(e.channel, e.after) as after
     from consent_events e left join event_evidence v using (brand_id, player_id, act_id, recorded_at)
       left join universal_consents u on u.id = e.target_id left join subjects s using (client_id)
     where e.brand_id = 1 and e.source in ('userconsents', 'universalconsent') and e.recorded_at >= to_timestamp($1::float8 / 1000)
     group by e.act_id, e.player_id, s.custom_user_id, u.reference, v.evidence order by max(e.recorded_at), e.act_id`,
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
    const isAsAsked =
      act.subject === write.subject &&
      act.reference === write.reference &&
      (write.consentType ?? act.consentType) === act.consentType &&
      isSame(write.targets, act.after);
    return isAsAsked ? [] : [`write ${write.id} is in the ledger as ${JSON.stringify(act)}`];
  });
}

/** Acts that nobody asked for. */
export function findStrayActs(writes: Write[], acts: Act[]): string[] {
  const known = new Set(writes.map(({ id }) => id));
  return acts
    .filter(({ writeId }) => writeId === null || !known.has(writeId))
    .map(({ subject, seq }) => `${subject}:${seq} was never asked for`);
}

/**
 * Players whose last marketing change the CRM was not told of, and requests about players who had none. A request tells of a
 * change when it names that instant or a later one: the outbox row that it was made from came with that commit, or after.
 */
export function findCrmFaults(acts: Act[], writes: Write[], arrivals: Arrival<CrmBody>[]): string[] {
  const sentAt = new Map(writes.map((write) => [write.id, write.sentAt]));
  const last = new Map(acts.filter(isMarketing).map((act) => [act.subject, act]));
  const told = groupBy(arrivals, ({ body }) => body.user_id);
  const strays = [...told.keys()].filter((playerId) => !last.has(playerId));
  const untold = [...last.values()].filter(({ subject, recordedAt, writeId }) => {
    const begun = sentAt.get(writeId ?? '') ?? 0;
    const isAboutIt = ({ at, body }: Arrival<CrmBody>) =>
      at >= begun && Date.parse(body.timestamp) >= recordedAt;
    return !told.get(subject)?.some((arrival) => arrival.status === 200 && isAboutIt(arrival));
  });
  return [
    ...strays.map((playerId) => `the CRM was told of ${playerId}, who never changed`),
    ...untold.map(({ subject, seq }) => `the CRM was not told of ${subject}:${seq}`),
  ];
}

/** Changes that a subscriber did not take, and webhooks about changes that there are not or that it did not ask for. */
export function findWebhookFaults(acts: Act[], { name, criteria, arrivals }: Subscriber): string[] {
  const wanted = acts.filter((act) => matches(act, criteria));
  const changes = new Map(wanted.map((act) => [`${act.subject}:${act.seq}`, act]));
  const changeOf = ({ body: { data } }: Arrival<WebhookBody>) => `${data.CustomUserId}:${data.Sequence}`;
  const taken = new Set(arrivals.filter(({ status }) => status === 200).map(changeOf));
  const missing = [...changes.keys()].filter((change) => !taken.has(change));
  const strays = new Set(arrivals.map(changeOf).filter((change) => !changes.has(change)));
  const untrue = arrivals.filter((arrival) => {
    const act = changes.get(changeOf(arrival));
    return act !== undefined && !tellsOf(arrival.body, act);
  });
  return [
    ...missing.map((change) => `${name} never took the webhook of ${change}`),
    ...[...strays].map((change) => `${name} got a webhook of ${change}, which is none of its changes`),
    ...untrue.map((arrival) => `${name} got a webhook of ${changeOf(arrival)} that says something else`),
    ...findChangingWebhooks(name, arrivals),
  ];
}

const isMarketing = ({ reference }: Act) => reference === null;

function matches(act: Act, { customUserId, reference, consentType }: SubscriptionCriteria): boolean {
  return (
    (customUserId === undefined || customUserId === act.subject) &&
    (reference === undefined || reference === act.reference) &&
    (consentType === undefined || consentType === act.consentType)
  );
}

/** Whether a webhook is of the kind of the change, and holds the record of a universal consent as that left it. */
function tellsOf({ type, data }: WebhookBody, act: Act): boolean {
  if (isMarketing(act)) return type === 'marketing_consent.updated';
  return (
    type === 'universal_consent.updated' &&
    data.Reference === act.reference &&
    data.ConsentType === act.consentType &&
    data.ConsentGiven === levelName(act.after[recordChannel.universal] ?? 0) &&
    data.Metadata === JSON.stringify(act.writeId)
  );
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

function isSame(targets: Map<number, number>, after: Record<string, number>): boolean {
  return (
    Object.keys(after).length === targets.size &&
    [...targets].every(([channel, target]) => after[channel] === target)
  );
}
