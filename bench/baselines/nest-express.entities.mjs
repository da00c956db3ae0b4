import { EntitySchema } from 'typeorm';

const SCHEMA = 'baseline';
const key = {
  brand_id: { type: 'integer', primary: true },
  player_id: { type: 'text', primary: true },
};
/** pg answers bigint as text. */
const seq = { type: 'bigint', transformer: { to: (value) => value, from: Number } };
const mask = { type: 'integer', default: 0 };
const setAt = { type: 'timestamptz', nullable: true };

export const MarketingState = new EntitySchema({
  name: 'MarketingState',
  schema: SCHEMA,
  tableName: 'marketing_states',
  columns: {
    ...key,
    seq,
    ...{
      email: mask,
      sms: mask,
      telephone: mask,
      post_mail: mask,
      site_notification: mask,
      push_notification: mask,
    },
    ...{
      chat: mask,
      excluded: { type: 'boolean', default: false },
      blocked: { type: 'boolean', default: false },
    },
    ...{ excluded_until: setAt, email_set_at: setAt, sms_set_at: setAt, telephone_set_at: setAt },
    ...{
      post_mail_set_at: setAt,
      site_notification_set_at: setAt,
      push_notification_set_at: setAt,
      chat_set_at: setAt,
    },
  },
});

export const ConsentEvent = new EntitySchema({
  name: 'ConsentEvent',
  schema: SCHEMA,
  tableName: 'consent_events',
  columns: {
    ...key,
    seq: { ...seq, primary: true },
    recorded_at: { type: 'timestamptz', primary: true },
    occurred_at: { type: 'timestamptz' },
    act_id: { type: 'uuid' },
    before: { type: 'integer' },
    after: { type: 'integer' },
    kind: { type: 'smallint' },
    channel: { type: 'smallint' },
    schema_version: { type: 'smallint', default: 1 },
    actor: { type: 'text' },
    source: { type: 'text' },
    detail: { type: 'jsonb', nullable: true },
    evidence_hash: { type: 'bytea', nullable: true },
  },
});

export const OutboxEntry = new EntitySchema({
  name: 'OutboxEntry',
  schema: SCHEMA,
  tableName: 'outbox',
  columns: {
    id: { type: 'bigint', primary: true, generated: 'identity', generatedIdentity: 'ALWAYS' },
    brand_id: { type: 'integer' },
    player_id: { type: 'text' },
    kind: { type: 'smallint' },
    seq,
    created_at: { type: 'timestamptz', createDate: true },
  },
});
