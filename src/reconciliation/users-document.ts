import type { Readable } from 'node:stream';
import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { Snapshot } from '../database/snapshots.js';
import { type Field, type FieldRules, selectUsers } from './fields.js';
import { giveWay } from './pacer.js';

const lineFeed = 10;
const nothing = Buffer.alloc(0);

/** The document's last bytes, with what went wrong if anything did. */
export function closing(field: Field, error?: string): string {
  return `${field.hasProducts ? '}' : ']'}${error === undefined ? '' : `,"error":${JSON.stringify(error)}`}}`;
}

/** What stands there when nothing could be read at all. */
export function errorAlone(error: string): string {
  return JSON.stringify({ error });
}

/**
 * Everything of the answer but its closing: `{"timestamp":…,"users":[…`, as PostgreSQL hands it over, one COPY. Rejects with
 * whatever ended the reading; what it has yielded by then ends between two users. Answers how many there were.
 */
export async function* readUsers(
  { client, at }: Snapshot,
  brandId: number,
  field: Field,
  signal: AbortSignal,
): AsyncGenerator<Buffer, number> {
  yield Buffer.from(`{"timestamp":"${at.toISOString()}","users":${field.hasProducts ? '{' : '['}`);
  const rules = await readRules(client, brandId, at);
  const copy = client.query(copyTo(`copy (${selectUsers(field, rules)}) to stdout`));
  yield* wholeRows(copy, signal);
  // Also says that PostgreSQL has sent everything: the number of rows comes with its answer.
  await client.query('commit');
  return copy.rowCount ?? 0;
}

/**
 * Rows of COPY, each of which begins with a comma, as what stands between two brackets. A piece always ends with a row, however
 * the reading ends.
 */
export async function* wholeRows(rows: Readable, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  let rest: Buffer = nothing;
  let isFirst = true;
  for await (const chunk of rows as AsyncIterable<Buffer>) {
    const end = chunk.lastIndexOf(lineFeed) + 1;
    const whole = rest.length === 0 ? chunk.subarray(0, end) : Buffer.concat([rest, chunk.subarray(0, end)]);
    if (end === 0) {
      rest = Buffer.concat([rest, chunk]);
      continue;
    }
    rest = chunk.subarray(end);
    // Before the first there is nothing to separate it from.
    yield isFirst ? whole.subarray(1) : whole;
    isFirst = false;
    await giveWay(signal);
  }
}

/** The rules in force at the snapshot. */
export async function readRules(client: Client, brandId: number, at: Date): Promise<FieldRules> {
  const { rows } = await client.query<{ required: number; bits: number[]; names: string[] }>(
    `select b.products_required_on as required,
       array(select p.bit::integer from brand_products p where p.brand_id = b.id and p.retired_at is null order by p.position, p.bit) as bits,
       array(select p.name from brand_products p where p.brand_id = b.id and p.retired_at is null order by p.position, p.bit) as names
     from brands b where b.id = $1`,
    [brandId],
  );
  const { required = 0, bits = [], names = [] } = rows[0] ?? {};
  const products = bits.map((bit, index) => ({ bit, name: names[index] ?? '' }));
  return { brandId, at, products, productsRequiredOn: required };
}
