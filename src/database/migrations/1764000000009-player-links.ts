import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Links that are mailed to players. */
export class PlayerLinks1764000000009 implements MigrationInterface {
  name = 'PlayerLinks1764000000009';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(LINKS);
    await runner.query(PASSWORD_RESET);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop function send_password_reset(integer, text, uuid, bytea, timestamptz, timestamptz, uuid, jsonb);
      drop table player_links`);
  }
}

const LINKS = `
create table player_links (
  brand_id integer not null,
  player_id text collate "C" not null,
  id uuid not null,
  purpose text not null,
  link_hash bytea not null,
  address text not null,
  comment text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  constraint pk_player_links primary key (brand_id, player_id, id),
  constraint uq_player_links_link_hash unique (brand_id, link_hash),
  constraint fk_player_links_player foreign key (brand_id, player_id)
    references player_credentials (brand_id, player_id),
  constraint ck_player_links_purpose check (purpose in ('activation', 'email_change', 'email_cancel', 'password_reset'))
);
create index ix_player_links_expires_at on player_links ((expires_at at time zone 'UTC'));`;

/**
 * One call whoever is asked for: how long it takes, and how many statements it is, must not tell whether anybody has the address.
 * Locks are those of every change of a player, in their order. Kind 5 and lane 4 of the outbox are mails.
 */
const PASSWORD_RESET = `
create function send_password_reset(
  p_brand_id integer, p_email_key text, p_id uuid, p_link_hash bytea, p_now timestamptz, p_expires_at timestamptz,
  p_message_id uuid, p_detail jsonb
) returns void language plpgsql as $$
declare
  v_player_id text;
  v_address text;
  v_language text;
begin
  perform pg_advisory_xact_lock_shared(2001, p_brand_id);
  select c.player_id into v_player_id from player_credentials c
  where c.brand_id = p_brand_id and c.email_key = p_email_key collate "C";
  perform from marketing_states s
  where s.brand_id = p_brand_id and s.player_id = v_player_id collate "C" and not s.blocked for update;
  if not found then return; end if;
  -- As it is now that nobody else changes it.
  select c.email, coalesce(p.language, b.default_language) into v_address, v_language
  from player_credentials c
  join players p on p.brand_id = c.brand_id and p.player_id = c.player_id
  join brands b on b.id = c.brand_id
  where c.brand_id = p_brand_id and c.player_id = v_player_id collate "C" and c.email_key = p_email_key collate "C";
  if not found then return; end if;
  update player_links l set ended_at = p_now
  where l.brand_id = p_brand_id and l.player_id = v_player_id collate "C" and l.purpose = 'password_reset' and l.ended_at is null;
  insert into player_links (brand_id, player_id, id, purpose, link_hash, address, created_at, expires_at)
  values (p_brand_id, v_player_id, p_id, 'password_reset', p_link_hash, v_address, p_now, p_expires_at);
  insert into outbox (brand_id, player_id, kind, lane, message_id, detail)
  values (p_brand_id, v_player_id, 5, 4, p_message_id, p_detail || jsonb_build_object('to', v_address, 'language', v_language));
end $$;`;
