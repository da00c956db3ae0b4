-- The least that can be done with a file: into a table without an index.
\set ON_ERROR_STOP 1
drop table if exists baseline.import_copy;
create table baseline.import_copy (
  player_id text, channel text, opted_in text, products text, occurred_at text, source text
);
\copy baseline.import_copy from pstdin with (format csv, header)
