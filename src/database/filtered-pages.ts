import { invalidField } from '../common/errors.js';
import type { Database, Statement } from './database.js';

/** Records that a page looks at before it ends early; together with a probe of each filter the price of the slowest page. */
const scannedAtMost = 10_000;
const scannedFirst = 500;
/** Entries of an index by which a probe tells how dense a filter is. */
const probed = 500;
const firstId = '00000000-0000-0000-0000-000000000000';

/** A filter that has an index of its own, in the order of the pages. */
export interface FilterPath {
  name: string;
  /** SQL over the row `u` and `k.key`: what the index's column is, of a key. */
  condition: string;
  /** Of the keys in SQL. */
  type: string;
  keys: unknown[];
  /** SQL over `key`: what `k` has instead of it, where a key is of several columns. */
  columns?: string;
}

/** The table behind a list, and how it is read. */
export interface ListedTable {
  name: string;
  /** The column, beside `brand_id` and `id`, by which pages are ordered. */
  orderedBy: string;
  /** SQL: columns of the row `u` that the filters and the answer need. */
  columns: string;
  /** SQL over `u`, with parameters from $7 on: what remains to be looked at in each record that a path leads to. */
  remaining: string;
  /** How many parameters that has. */
  parameters: number;
  /** SQL: what else is selected for the records of the page. */
  also: string;
}

export interface PageQuery {
  /** Of each filter that is given. */
  paths: FilterPath[];
  /** Parameters of `remaining`. */
  values: unknown[];
  /** Bounds of the order's column: the first is inside, the second outside. */
  from: Date;
  to: Date;
  limit: number;
  cursor?: string;
}

/** Where a page goes on: seconds since 1970 with their microseconds, and an id. */
interface Position {
  at: string;
  id: string;
}

type ScanRow<Row> = Row & {
  id: string | null;
  scanned: number;
  last_at: string | null;
  last_id: string | null;
  position: string;
};

/** The order of the pages itself. */
const byTime: FilterPath = { name: 'time', condition: 'k.key', type: 'boolean', keys: [true] };

/**
 * A brand's records by any filters, newest first. Each filter has an index in the order of the pages; a page follows the
 * sparsest of those asked for and looks at the rest in each record. What it looks at is bounded, so that no combination of
 * filters takes longer on a larger table: a page may therefore hold fewer records than asked for while there is a next one.
 */
export class FilteredPages<Row extends { id: string }> {
  private readonly statements = new Map<string, Statement>();

  constructor(
    private readonly database: Database,
    private readonly table: ListedTable,
  ) {}

  /** A page; `next` is the cursor of the page after, null on the last. invalid_input for a cursor that is none. */
  async read(brandId: number, query: PageQuery): Promise<{ rows: Row[]; next: string | null }> {
    const { paths, values, from, to, limit, cursor } = query;
    let at = cursor === undefined ? { at: String(to.getTime() / 1000), id: firstId } : decodeCursor(cursor);
    const path = paths.length > 1 ? await this.sparsest(brandId, paths, at, from) : (paths[0] ?? byTime);
    const statement = this.statement(`list_${this.table.name}_by_${path.name}`, () => this.scan(path));
    const found: ScanRow<Row>[] = [];
    let budget = scannedAtMost;
    let size = paths.length > 1 ? Math.max(scannedFirst, limit + 1) : limit + 1;
    for (;;) {
      const wanted = limit + 1 - found.length;
      const parameters = [brandId, at.at, at.id, from, path.keys, size, ...values, wanted];
      const rows = await this.database.prepared<ScanRow<Row>>(statement, parameters);
      found.push(...rows.filter(({ id }) => id !== null));
      const last = found[limit - 1];
      if (found.length > limit && last)
        return toPage(found.slice(0, limit), { at: last.position, id: last.id ?? '' });
      const [{ scanned, last_at: lastAt, last_id: lastId } = { scanned: 0, last_at: null, last_id: null }] =
        rows;
      if (scanned < size || lastAt === null || lastId === null) return toPage(found, null);
      at = { at: lastAt, id: lastId };
      budget -= scanned;
      if (budget <= 0) return toPage(found, at);
      size = Math.min(budget, size * 4);
    }
  }

  /** The path whose next entries reach furthest back: the fewer there are in a time, the better it leads. */
  private async sparsest(
    brandId: number,
    paths: FilterPath[],
    at: Position,
    from: Date,
  ): Promise<FilterPath> {
    const probes = await Promise.all(
      paths.map(async (path) => {
        const statement = this.statement(`probe_${this.table.name}_by_${path.name}`, () => this.probe(path));
        const [row] = await this.database.prepared<{ entries: number; reach: Date | null }>(statement, [
          brandId,
          at.at,
          at.id,
          from,
          path.keys,
        ]);
        return { path, entries: row?.entries ?? 0, reach: row?.reach?.getTime() ?? 0 };
      }),
    );
    probes.sort((one, other) => one.entries - other.entries || one.reach - other.reach);
    return probes[0]?.path ?? byTime;
  }

  private statement(name: string, write: () => string): Statement {
    const known = this.statements.get(name) ?? { name, text: write() };
    this.statements.set(name, known);
    return known;
  }

  /** Parameters: brand, place to go on from (instant, id), earliest instant, keys, records to scan, the filters, matches. */
  private scan(path: FilterPath): string {
    const { name, orderedBy: time, columns, remaining, also } = this.table;
    return `
      with scanned as materialized (
        select u.* from ${keysOf(path)}
        cross join lateral (
          select ${columns} from ${name} u
          where u.brand_id = $1 and ${path.condition} and ${positionOf(time)}
          order by u.${time} desc, u.id desc limit $6) u
        order by u.${time} desc, u.id desc limit $6
      )
      select e.scanned, e.last_at, e.last_id, u.*, extract(epoch from u.${time})::text as position, ${also}
      from (
        select count(*)::integer as scanned, extract(epoch from min(${time}))::text as last_at,
          (select l.id from scanned l order by l.${time}, l.id limit 1) as last_id
        from scanned) e
      left join lateral (
        select u.* from scanned u where ${remaining} order by u.${time} desc, u.id desc limit $${7 + this.table.parameters}) u on true`;
  }

  /** Parameters: as of a scan, without the last ones. */
  private probe(path: FilterPath): string {
    const { name, orderedBy: time } = this.table;
    return `
      select count(*)::integer as entries, min(p.at) as reach
      from (
        select u.${time} as at from ${keysOf(path)}
        cross join lateral (
          select u.${time}, u.id from ${name} u
          where u.brand_id = $1 and ${path.condition} and ${positionOf(time)}
          order by u.${time} desc, u.id desc limit ${probed}) u
        order by u.${time} desc, u.id desc limit ${probed}) p`;
  }
}

/** A path of a text column, where the filter is given. */
export function textPath(name: string, column: string, value: string | undefined): FilterPath[] {
  if (value === undefined) return [];
  return [{ name, condition: `u.${column} = k.key collate "C"`, type: 'text', keys: [value] }];
}

/** Columns are made once a key: where an index is chosen they count as read, not as calls. */
function keysOf({ type, columns }: FilterPath): string {
  const keys = `unnest($5::${type}[])`;
  return columns === undefined
    ? `${keys} as k (key)`
    : `(select ${columns} from ${keys} as t (key) offset 0) k`;
}

function positionOf(time: string): string {
  return `(u.${time}, u.id) < (to_timestamp($2::float8), $3::uuid) and u.${time} >= $4::timestamptz`;
}

function toPage<Row>(rows: ScanRow<Row>[], next: Position | null): { rows: Row[]; next: string | null } {
  return { rows, next: next && Buffer.from(`${next.at}:${next.id}`).toString('base64url') };
}

function decodeCursor(cursor: string): Position {
  const [, at, id] =
    /^(-?\d{1,12}(?:\.\d{1,6})?):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(
      Buffer.from(cursor, 'base64url').toString('utf8'),
    ) ?? [];
  if (at === undefined || id === undefined)
    throw invalidField('cursor', 'cursor must be the one of an earlier page');
  return { at, id };
}
