import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Codes that go to players' numbers. */
export class PlayerCodes1764000000008 implements MigrationInterface {
  name = 'PlayerCodes1764000000008';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(CODES);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table player_codes');
  }
}

const CODES = `
create table player_codes (
  brand_id integer not null,
  player_id text collate "C" not null,
  id uuid not null,
  number text not null,
  is_login boolean not null,
  token_hash bytea not null,
  code_hash bytea not null,
  tries smallint not null default 0,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  constraint pk_player_codes primary key (brand_id, player_id, id),
  constraint fk_player_codes_player foreign key (brand_id, player_id) references players (brand_id, player_id)
);
create index ix_player_codes_token_hash on player_codes (brand_id, token_hash);
create index ix_player_codes_expires_at on player_codes ((expires_at at time zone 'UTC'));`;
