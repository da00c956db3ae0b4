// Fills the service's tables set-based, by SQL that knows each row by its number, without their indexes and triggers meanwhile.
import pg from 'pg';
import { say } from './progress.mjs';

const BATCH = 500_000;

/** u(n, salt): evenly in [0, 1), the same for the same numbers. */
const RANDOM = `create function pg_temp.u(n bigint, salt bigint) returns double precision language sql immutable
  as $$ select ((hashint8extended(n, salt) >> 11) & 9007199254740991)::double precision / 9007199254740992 $$`;

/** How much of all lies below each rank, where the r-th is 1/r as common as the first; as `width_bucket` takes it. */
export function zipf(ranks) {
  const weights = Array.from({ length: ranks }, (_, rank) => 1 / (rank + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let reached = 0;
  return weights.slice(0, -1).map((weight) => {
    reached += weight / total;
    return reached;
  });
}

/**
 * Lends a connection on which there is `pg_temp.u`, no trigger fires and the tables have no indexes but those of their
 * constraints; afterwards the others are made again.
 * @param {import('./run.mjs').Bench} bench
 * @param {readonly string[]} tables
 * @param {(client: pg.Client) => Promise<void>} work
 */
export async function fillTables({ cluster, service }, tables, work) {
  const client = new pg.Client({ connectionString: cluster.url('postgres', service.database) });
  await client.connect();
  try {
    await client.query(RANDOM);
    await client.query(`set session_replication_role = replica; set synchronous_commit = off;
      set maintenance_work_mem = '512MB'`);
    const indexes = [];
    for (const table of tables) indexes.push(...(await dropIndexes(client, table)));
    await work(client);
    say(`making ${indexes.length} indexes again`);
    for (const definition of indexes) await client.query(definition);
    for (const table of tables) await client.query(`vacuum (analyze) ${table}`);
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}

/**
 * `insert into … select …`, each value as the type that its column has.
 * @param {pg.Client} client
 * @param {string} table
 * @param {Record<string, string>} values SQL by column
 * @param {string} from SQL: what the values are made of
 */
export async function insertInto(client, table, values, from) {
  const { rows } = await client.query(
    'select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = $1::regclass',
    [table],
  );
  const types = new Map(rows.map(({ name, type }) => [name, type]));
  const missing = Object.keys(values).filter((name) => !types.has(name));
  if (missing.length > 0) throw new Error(`${table} has no column ${missing.join(', ')}`);
  const list = Object.entries(values).map(([name, value]) => `(${value})::${types.get(name)}`);
  return `insert into ${table} (${Object.keys(values).join(', ')}) select ${list.join(', ')} from (${from}) f`;
}

/** @param {number} rows @param {(from: number, to: number) => Promise<unknown>} insert the rows of these numbers */
export async function inBatches(rows, insert) {
  for (let from = 0; from < rows; from += BATCH) await insert(from, Math.min(rows, from + BATCH));
}

/** Drops the indexes that belong to no constraint; answers what makes them again. */
async function dropIndexes(client, table) {
  const { rows } = await client.query(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index i
     where indrelid = $1::regclass and not exists (select from pg_constraint where conindid = i.indexrelid)`,
    [table],
  );
  for (const { name } of rows) await client.query(`drop index ${name}`);
  return rows.map(({ definition }) => definition);
}
