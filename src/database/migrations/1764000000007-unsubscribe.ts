import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the pages of preferences need: the look of a brand, the words that people agree to, and who was asked. */
export class Unsubscribe1764000000007 implements MigrationInterface {
  name = 'Unsubscribe1764000000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table brands
        add column colour text,
        add column product_labels jsonb not null default '{}',
        add column unsubscribe_link_days integer,
        add constraint ck_brands_colour check (colour ~ '^#[0-9a-f]{6}$'),
        add constraint ck_brands_unsubscribe_link_days check (unsubscribe_link_days > 0)`);
    await runner.query(`
      create table statement_texts (
        brand_id integer not null,
        version integer not null,
        texts jsonb not null,
        created_at timestamptz not null default now(),
        constraint pk_statement_texts primary key (brand_id, version),
        constraint fk_statement_texts_brand foreign key (brand_id) references brands (id)
      );
      -- Evidence names versions: what was shown under one stays what it was.
      create trigger statement_texts_append_only before update or delete on statement_texts
        for each row execute function refuse_change();
      create trigger statement_texts_no_truncate before truncate on statement_texts
        for each statement execute function refuse_change()`);
    await runner.query(`
      create table marketing_asks (
        brand_id integer not null,
        player_id text collate "C" not null,
        asked_at timestamptz not null,
        statement_version text not null,
        language text not null,
        source text not null,
        constraint pk_marketing_asks primary key (brand_id, player_id),
        constraint fk_marketing_asks_state foreign key (brand_id, player_id)
          references marketing_states (brand_id, player_id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table marketing_asks, statement_texts;
      alter table brands drop column unsubscribe_link_days, drop column product_labels, drop column colour`);
  }
}
