import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Every table of the service; why it is laid out so: docs/decisions/0003-data-layout.md. */
export class InitialSchema1764000000001 implements MigrationInterface {
  name = 'InitialSchema1764000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(BRANDS);
    await runner.query(CLIENTS);
    await runner.query(PLAYERS);
    await runner.query(EVENTS);
    await runner.query(OUTBOX);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table idempotency_keys, reconciliation_runs, delivery_attempts, webhook_subscriptions, outbox, event_evidence, consent_events, player_blocks, players,
        marketing_states, sessions, access_tokens, service_clients, integrations, brand_hosts, brand_products, brands`);
  }
}

const BRANDS = `
create table brands (
  id integer not null,
  name text not null,
  origin text not null default '',
  currency text not null default 'EUR',
  default_language text not null default 'en',
  products_mask integer not null default 0,
  products_required_on integer not null default 0,
  product_aliases jsonb not null default '{}',
  store_full_ip boolean not null default true,
  session_idle_ttl integer not null default 1800,
  session_ttl integer not null default 43200,
  web_custom_user_id boolean not null default true,
  terms_policy_id uuid,
  privacy_policy_id uuid,
  crm_enabled boolean not null default false,
  crm_base_url text,
  crm_api_key bytea,
  crm_origin text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint pk_brands primary key (id),
  constraint ck_brands_id check (id > 0)
);
create table brand_products (
  brand_id integer not null,
  bit smallint not null,
  name text not null,
  position smallint not null,
  retired_at timestamptz,
  constraint pk_brand_products primary key (brand_id, bit),
  constraint uq_brand_products_name unique (brand_id, name),
  constraint fk_brand_products_brand foreign key (brand_id) references brands (id),
  constraint ck_brand_products_bit check (bit between 1 and 30)
);
create table brand_hosts (
  host text not null,
  brand_id integer not null,
  constraint pk_brand_hosts primary key (host),
  constraint fk_brand_hosts_brand foreign key (brand_id) references brands (id)
);
create index ix_brand_hosts_brand on brand_hosts (brand_id);`;

const CLIENTS = `
create table service_clients (
  id text not null,
  brand_id integer not null,
  name text not null,
  key_hash bytea not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  constraint pk_service_clients primary key (id),
  constraint uq_service_clients_key_hash unique (key_hash),
  constraint fk_service_clients_brand foreign key (brand_id) references brands (id)
);
create index ix_service_clients_brand on service_clients (brand_id, id);
create table access_tokens (
  token_hash bytea not null,
  brand_id integer not null,
  client_id text not null,
  expires_at timestamptz not null,
  constraint pk_access_tokens primary key (token_hash),
  constraint fk_access_tokens_client foreign key (client_id) references service_clients (id)
);
create index ix_access_tokens_expires_at on access_tokens ((expires_at at time zone 'UTC'));
create index ix_access_tokens_client on access_tokens (client_id);
create table integrations (
  id text not null,
  brand_id integer not null,
  name text not null,
  origins text[] not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  constraint pk_integrations primary key (id),
  constraint fk_integrations_brand foreign key (brand_id) references brands (id)
);
create index ix_integrations_brand on integrations (brand_id, id);`;

const PLAYERS = `
create table marketing_states (
  brand_id integer not null,
  player_id text collate "C" not null,
  seq bigint not null default 0,
  email integer not null default 0,
  sms integer not null default 0,
  telephone integer not null default 0,
  post_mail integer not null default 0,
  site_notification integer not null default 0,
  push_notification integer not null default 0,
  chat integer not null default 0,
  excluded boolean not null default false,
  blocked boolean not null default false,
  excluded_until timestamptz,
  email_set_at timestamptz,
  sms_set_at timestamptz,
  telephone_set_at timestamptz,
  post_mail_set_at timestamptz,
  site_notification_set_at timestamptz,
  push_notification_set_at timestamptz,
  chat_set_at timestamptz,
  is_player boolean not null default true,
  constraint pk_marketing_states primary key (brand_id, player_id)
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
-- Few are in these, and a change of a consent changes neither of their columns: they cost its update nothing.
create index ix_marketing_states_blocked on marketing_states (brand_id, player_id) where blocked;
create index ix_marketing_states_excluded on marketing_states (brand_id, player_id) where excluded;
create index ix_marketing_states_excluded_until on marketing_states (excluded_until) where excluded_until is not null;
create table players (
  brand_id integer not null,
  player_id text collate "C" not null,
  origin text,
  currency text,
  language text,
  b_tag text,
  test_account boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint pk_players primary key (brand_id, player_id),
  constraint fk_players_state foreign key (brand_id, player_id) references marketing_states (brand_id, player_id)
);
create table player_blocks (
  brand_id integer not null,
  player_id text collate "C" not null,
  excluded_note text not null default '',
  blocked_note text not null default '',
  constraint pk_player_blocks primary key (brand_id, player_id),
  constraint fk_player_blocks_state foreign key (brand_id, player_id) references marketing_states (brand_id, player_id)
);
create table sessions (
  id uuid not null,
  brand_id integer not null,
  player_id text collate "C" not null,
  token_hash bytea not null,
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  idle_ttl integer not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  constraint pk_sessions primary key (id),
  constraint uq_sessions_token_hash unique (token_hash),
  constraint fk_sessions_state foreign key (brand_id, player_id) references marketing_states (brand_id, player_id)
);
create index ix_sessions_player on sessions (brand_id, player_id);
create index ix_sessions_expires_at on sessions ((expires_at at time zone 'UTC'));`;

const EVENTS = `
create table consent_events (
  brand_id integer not null,
  player_id text collate "C" not null,
  seq bigint not null,
  recorded_at timestamptz not null,
  occurred_at timestamptz not null,
  act_id uuid not null,
  before integer not null,
  after integer not null,
  kind smallint not null,
  channel smallint not null,
  target_id uuid,
  schema_version smallint not null default 1,
  actor text not null,
  source text not null,
  detail jsonb,
  evidence_hash bytea,
  constraint pk_consent_events primary key (brand_id, player_id, seq, recorded_at),
  constraint ck_consent_events_kind check (kind between 1 and 10),
  constraint ck_consent_events_channel check (channel between 1 and 7 or channel between 20 and 21 or channel between 30 and 31)
) partition by range (recorded_at);
create table event_evidence (
  brand_id integer not null,
  player_id text collate "C" not null,
  act_id uuid not null,
  recorded_at timestamptz not null,
  salt bytea not null,
  evidence text not null,
  constraint pk_event_evidence primary key (brand_id, player_id, act_id, recorded_at)
) partition by range (recorded_at);
create table consent_events_default partition of consent_events default;
create table event_evidence_default partition of event_evidence default;`;

const OUTBOX = `
create table outbox (
  id bigint generated always as identity,
  brand_id integer not null,
  player_id text collate "C" not null,
  kind smallint not null,
  lane smallint not null default 0,
  seq bigint not null default 0,
  created_at timestamptz not null default now(),
  next_attempt_at timestamptz not null default now(),
  leased_until timestamptz,
  attempts smallint not null default 0,
  last_status smallint,
  last_error text,
  parked_at timestamptz,
  delivered_at timestamptz,
  subscription_id uuid,
  message_id uuid,
  target_id uuid,
  detail jsonb,
  constraint pk_outbox primary key (id),
  constraint ck_outbox_kind check (kind between 1 and 6),
  constraint ck_outbox_lane check (lane between 0 and 5)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index ix_outbox_due on outbox (brand_id, lane, next_attempt_at, id) where parked_at is null and delivered_at is null;
-- An empty table makes all its indexes look alike, and a plan made then is kept while it fills. PostgreSQL takes any partial
-- index whose condition a query repeats: so the look-ups by player have a wording of their own, which fits no other index.
create index ix_outbox_player on outbox (brand_id, player_id) where lane = 0 and coalesce(parked_at, delivered_at) is null;
create index ix_outbox_subject on outbox (player_id, id) where lane = 3 and coalesce(parked_at, delivered_at) is null;
create index ix_outbox_subscription_due on outbox (subscription_id, next_attempt_at, id)
  where subscription_id is not null and parked_at is null and delivered_at is null;
create index ix_outbox_subscription on outbox (subscription_id, id) where subscription_id is not null;
create index ix_outbox_parked on outbox (brand_id, next_attempt_at, id) where parked_at is not null;
create index ix_outbox_delivered on outbox (brand_id, next_attempt_at, id) where delivered_at is not null;
create table webhook_subscriptions (
  id uuid not null,
  brand_id integer not null,
  custom_user_id text,
  reference text,
  consent_type text,
  url text not null,
  secret bytea not null,
  old_secret bytea,
  old_secret_until timestamptz,
  created_at timestamptz not null default now(),
  failing_since timestamptz,
  disabled_at timestamptz,
  disabled_reason text,
  constraint pk_webhook_subscriptions primary key (id),
  constraint fk_webhook_subscriptions_brand foreign key (brand_id) references brands (id)
);
create index ix_webhook_subscriptions_brand on webhook_subscriptions (brand_id, id);
create table delivery_attempts (
  outbox_id bigint not null,
  brand_id integer not null,
  attempt smallint not null,
  attempted_at timestamptz not null default now(),
  duration_ms integer not null,
  status smallint,
  error text,
  answer text,
  constraint pk_delivery_attempts primary key (outbox_id, attempted_at)
);
create table reconciliation_runs (
  id uuid not null,
  brand_id integer not null,
  client_id text not null,
  kind text not null,
  field text not null,
  snapshot_at timestamptz not null,
  on_replica boolean not null,
  started_at timestamptz not null default now(),
  ends_by timestamptz not null,
  finished_at timestamptz,
  users bigint,
  bytes bigint,
  outcome text,
  constraint pk_reconciliation_runs primary key (brand_id, id),
  constraint ck_reconciliation_runs_kind check (kind in ('list', 'products', 'compare')),
  constraint ck_reconciliation_runs_outcome
    check (outcome in ('complete', 'refused', 'timeout', 'unavailable', 'stopping', 'internal', 'hung up'))
);
create table idempotency_keys (
  brand_id integer not null,
  client_id text not null,
  route text not null,
  key text not null,
  request_hash bytea not null,
  status smallint not null,
  body text not null,
  created_at timestamptz not null default now(),
  constraint pk_idempotency_keys primary key (brand_id, client_id, route, key)
);
create index ix_idempotency_keys_created_at on idempotency_keys (created_at);`;
