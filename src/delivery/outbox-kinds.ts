/** What an outbox row is; the numbers stand in the database. */
export const OutboxKind = {
  crm_consents: 1,
  crm_blocks: 2,
  /** A change whose webhooks have not been queued yet. */
  webhook_queue: 3,
  webhook: 4,
  mail: 5,
  sms: 6,
} as const;
export type OutboxKindName = keyof typeof OutboxKind;

export const outboxKindNames = Object.keys(OutboxKind) as OutboxKindName[];

/** Which worker takes a row; lanes do not wait for each other. */
export const Lane = { crm: 0, crmBulk: 1, webhookQueue: 2, webhooks: 3, mail: 4, sms: 5 } as const;

const namesByCode = new Map<number, OutboxKindName>(outboxKindNames.map((name) => [OutboxKind[name], name]));

/** The name of a kind's number; throws on one that no release ever wrote. */
export function outboxKindName(code: number): OutboxKindName {
  const name = namesByCode.get(code);
  if (!name) throw new Error(`unknown outbox kind ${code}`);
  return name;
}
