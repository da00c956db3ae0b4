-- What an expert writes by hand to bring a file of consents into a brand that has none yet: load, resolve, and end with the
-- same states, events and outbox rows as the service. Run with the file on psql's standard input and bench.brand set.
-- Rows of another shape than six columns must be gone from the file; COPY refuses them.
\set ON_ERROR_STOP 1
set search_path = baseline;
set work_mem = '512MB';
set maintenance_work_mem = '512MB';
set max_parallel_workers_per_gather = 2;

-- Rows whose boolean or time cannot be read fall out here.
drop table if exists import_staging;
create unlogged table import_staging (
  player_id text collate "C", channel text, opted_in boolean, products text, occurred_at timestamptz, source text
);
\copy import_staging from pstdin with (format csv, header, on_error ignore, log_verbosity silent)
analyze import_staging;

create temp table channel_codes as
select * from (values ('email', 1::smallint), ('sms', 2), ('telephone', 3), ('postMail', 4), ('siteNotification', 5),
  ('pushNotification', 6)) as c (name, code);
-- There are few lists of products, so each is worked out once; a list with an unknown product is not here.
create temp table product_masks as
select s.products, 1 | coalesce(bit_or(1 << p.bit), 0) as mask
from (select distinct coalesce(products, '') as products from import_staging) s
left join lateral string_to_table(s.products, '|') as n (name) on true
left join brand_products p on p.brand_id = current_setting('bench.brand')::integer and p.name = n.name
group by s.products
having bool_and(n.name is null or p.bit is not null);
analyze channel_codes;
analyze product_masks;

begin;
-- A row counts unless an earlier row of the same player and channel has a later time; "before" is the last that counted.
drop table if exists import_resolved;
create unlogged table import_resolved as
with good as (
  select s.ctid as line, s.player_id, c.code as channel, case when s.opted_in then m.mask else 0 end as target,
    s.occurred_at, s.source
  from import_staging s
  join channel_codes c on c.name = s.channel
  join product_masks m on m.products = coalesce(s.products, '')
  where s.player_id is not null and s.opted_in is not null and s.occurred_at is not null
), aged as (
  select *, max(occurred_at) over (partition by player_id, channel order by line
    rows between unbounded preceding and 1 preceding) as newest
  from good
), chained as (
  select *, coalesce(lag(target) over chain, 0) as before, lead(target) over chain is null as is_last
  from aged
  where newest is null or occurred_at >= newest
  window chain as (partition by player_id, channel order by line)
)
-- The same order serves all windows, so the rows are sorted once.
select *, count(*) filter (where before <> target) over (partition by player_id order by channel, line
  rows unbounded preceding) as seq
from chained;

insert into marketing_states (brand_id, player_id, seq,
  email, sms, telephone, post_mail, site_notification, push_notification,
  email_set_at, sms_set_at, telephone_set_at, post_mail_set_at, site_notification_set_at, push_notification_set_at)
select current_setting('bench.brand')::integer, player_id, max(seq),
  coalesce(max(target) filter (where channel = 1 and is_last), 0),
  coalesce(max(target) filter (where channel = 2 and is_last), 0),
  coalesce(max(target) filter (where channel = 3 and is_last), 0),
  coalesce(max(target) filter (where channel = 4 and is_last), 0),
  coalesce(max(target) filter (where channel = 5 and is_last), 0),
  coalesce(max(target) filter (where channel = 6 and is_last), 0),
  max(occurred_at) filter (where channel = 1 and is_last), max(occurred_at) filter (where channel = 2 and is_last),
  max(occurred_at) filter (where channel = 3 and is_last), max(occurred_at) filter (where channel = 4 and is_last),
  max(occurred_at) filter (where channel = 5 and is_last), max(occurred_at) filter (where channel = 6 and is_last)
from import_resolved
group by player_id;

insert into consent_events (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel,
  actor, source)
select current_setting('bench.brand')::integer, player_id, seq, now(), occurred_at,
  '01980000-0000-7000-8000-000000000001', before, target,
  case when before = 0 then 1 when target = 0 then 3 else 2 end, channel, 'operator:sql', source
from import_resolved
where before <> target;

insert into outbox (brand_id, player_id, kind, seq)
select brand_id, player_id, 1, seq from marketing_states
where brand_id = current_setting('bench.brand')::integer and seq > 0;
commit;

drop table import_resolved, import_staging;
