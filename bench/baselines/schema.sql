-- The tables of the baselines: laid out like the service's, in a schema of their own.
create schema baseline;
set search_path = baseline;

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
  constraint pk_marketing_states primary key (brand_id, player_id)
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
create index ix_marketing_states_excluded_until on marketing_states (excluded_until) where excluded_until is not null;

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
  schema_version smallint not null default 1,
  actor text not null,
  source text not null,
  detail jsonb,
  evidence_hash bytea,
  constraint pk_consent_events primary key (brand_id, player_id, seq, recorded_at)
) partition by range (recorded_at);
create table consent_events_default partition of consent_events default;
do $$
declare
  v_month timestamp := date_trunc('month', now() at time zone 'UTC');
begin
  for n in 0..3 loop
    execute format('create table %I partition of consent_events for values from (%L) to (%L)',
      'consent_events_' || to_char(v_month, 'YYYY_MM'), v_month at time zone 'UTC',
      (v_month + interval '1 month') at time zone 'UTC');
    v_month := v_month + interval '1 month';
  end loop;
end $$;

create table outbox (
  id bigint generated always as identity,
  brand_id integer not null,
  player_id text collate "C" not null,
  kind smallint not null,
  seq bigint not null,
  created_at timestamptz not null default now(),
  constraint pk_outbox primary key (id)
);

-- What the import script looks names up in.
create table brand_products (
  brand_id integer not null,
  bit smallint not null,
  name text not null,
  constraint pk_brand_products primary key (brand_id, bit)
);

-- One round trip for the three writes; answers the state after the change.
create function baseline.change_consent(
  p_brand_id integer, p_player_id text, p_channel smallint, p_mask integer, p_actor text, p_source text
) returns baseline.marketing_states
language plpgsql as $$
declare
  s baseline.marketing_states%rowtype;
  v_before integer;
begin
  select * into s from baseline.marketing_states where brand_id = p_brand_id and player_id = p_player_id for update;
  if not found then
    insert into baseline.marketing_states (brand_id, player_id) values (p_brand_id, p_player_id) on conflict do nothing;
    select * into s from baseline.marketing_states where brand_id = p_brand_id and player_id = p_player_id for update;
  end if;
  v_before := case p_channel when 1 then s.email when 2 then s.sms when 3 then s.telephone when 4 then s.post_mail
    when 5 then s.site_notification else s.push_notification end;
  if v_before = p_mask then
    return s;
  end if;
  case p_channel
    when 1 then s.email := p_mask; s.email_set_at := now();
    when 2 then s.sms := p_mask; s.sms_set_at := now();
    when 3 then s.telephone := p_mask; s.telephone_set_at := now();
    when 4 then s.post_mail := p_mask; s.post_mail_set_at := now();
    when 5 then s.site_notification := p_mask; s.site_notification_set_at := now();
    else s.push_notification := p_mask; s.push_notification_set_at := now();
  end case;
  s.seq := s.seq + 1;
  update baseline.marketing_states set seq = s.seq,
    email = s.email, sms = s.sms, telephone = s.telephone, post_mail = s.post_mail,
    site_notification = s.site_notification, push_notification = s.push_notification,
    email_set_at = s.email_set_at, sms_set_at = s.sms_set_at, telephone_set_at = s.telephone_set_at,
    post_mail_set_at = s.post_mail_set_at, site_notification_set_at = s.site_notification_set_at,
    push_notification_set_at = s.push_notification_set_at
  where brand_id = p_brand_id and player_id = p_player_id;
  insert into baseline.consent_events
    (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel, actor, source)
  values (p_brand_id, p_player_id, s.seq, now(), now(), gen_random_uuid(), v_before, p_mask,
    case when v_before = 0 then 1 when p_mask = 0 then 3 else 2 end, p_channel, p_actor, p_source);
  insert into baseline.outbox (brand_id, player_id, kind, seq) values (p_brand_id, p_player_id, 1, s.seq);
  return s;
end $$;
