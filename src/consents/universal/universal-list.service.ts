import { Injectable } from '@nestjs/common';
import { invalidField } from '../../common/errors.js';
import { Database, type Statement } from '../../database/database.js';
import { ConsentLevel, type ConsentLevelName, type Fingerprint, levelName } from './universal-record.js';

/** What a record must be to be listed; what is absent matches everything. */
export interface UniversalFilters {
  customUserId?: string;
  reference?: string;
  consentType?: string;
  levels?: ConsentLevelName[];
  ip?: string;
  userAgent?: string;
  city?: string;
  state?: string;
  country?: string;
}

/** A record in the list: with where its last request came from. */
export interface ListedRecord {
  id: string;
  clientId: Buffer;
  customUserId: string | null;
  reference: string;
  consentType: string;
  level: ConsentLevelName;
  uri: string | null;
  metadata: string | null;
  createdAt: Date;
  updatedAt: Date;
  fingerprint: Fingerprint;
}

export interface UniversalQuery {
  filters: UniversalFilters;
  /** Bounds of the last update: the first is inside, the second outside. */
  from: Date;
  to: Date;
  limit: number;
  cursor?: string;
}

/** Records that a page looks at before it ends early; together with the keys of one probe the price of the slowest page. */
const scannedAtMost = 10_000;
const scannedFirst = 500;
/** Entries of an index by which a probe tells how dense a filter is. */
const probed = 500;

/** A filter that has an index of its own. The last one, without a condition, is the order of the pages. */
interface Path {
  name: string;
  /** SQL: what the index's column is, of a key. */
  condition: string;
  /** Of the keys in SQL. */
  type: string;
  keys: unknown[];
}

const position =
  '(u.updated_at, u.id) < (to_timestamp($2::float8), $3::uuid) and u.updated_at >= $4::timestamptz';
const columns = `u.id, u.client_id, u.reference, u.consent_type, u.level, u.uri, u.metadata, u.created_at, u.updated_at, u.ip,
  u.proxified_ip, u.user_agent, u.city, u.state, u.country`;
/** What remains to be looked at in each record that the path leads to. */
const remaining = `
  ($7::bytea[] is null or u.client_id = any ($7)) and ($8::text is null or u.reference = $8)
  and ($9::text is null or u.consent_type = $9) and ($10::smallint[] is null or u.level = any ($10))
  and ($11::text is null or u.ip = $11) and ($12::text is null or u.user_agent = $12) and ($13::text is null or u.city = $13)
  and ($14::text is null or u.state = $14) and ($15::text is null or u.country = $15)`;

/** Parameters: brand, place to go on from (instant, id), earliest instant, keys of the path, records to scan, the filters, matches. */
function scan({ name, condition, type }: Path): Statement {
  return {
    name: `list_universal_consents_by_${name}`,
    text: `
      with scanned as materialized (
        select u.* from unnest($5::${type}[]) as k (key)
        cross join lateral (
          select ${columns} from universal_consents u
          where u.brand_id = $1 and ${condition} and ${position}
          order by u.updated_at desc, u.id desc limit $6) u
        order by u.updated_at desc, u.id desc limit $6
      )
      select e.scanned, e.last_at, e.last_id, u.*, extract(epoch from u.updated_at)::text as position,
        (select s.custom_user_id from subjects s where s.client_id = u.client_id and s.brand_id + 0 = $1) as custom_user_id
      from (
        select count(*)::integer as scanned, extract(epoch from min(updated_at))::text as last_at,
          (select l.id from scanned l order by l.updated_at, l.id limit 1) as last_id
        from scanned) e
      left join lateral (
        select u.* from scanned u where ${remaining} order by u.updated_at desc, u.id desc limit $16) u on true`,
  };
}

/** How far back the path's next entries reach: the fewer there are in a time, the better it leads. */
function probe({ name, condition, type }: Path): Statement {
  return {
    name: `probe_universal_consents_by_${name}`,
    text: `
      select count(*)::integer as entries, min(p.updated_at) as reach
      from (
        select u.updated_at from unnest($5::${type}[]) as k (key)
        cross join lateral (
          select u.updated_at, u.id from universal_consents u
          where u.brand_id = $1 and ${condition} and ${position}
          order by u.updated_at desc, u.id desc limit ${probed}) u
        order by u.updated_at desc, u.id desc limit ${probed}) p`,
  };
}

/** The order of the pages itself. */
const byTime: Path = { name: 'time', condition: 'k.key', type: 'boolean', keys: [true] };

interface ScanRow {
  scanned: number;
  last_at: string | null;
  last_id: string | null;
  id: string | null;
  client_id: Buffer;
  custom_user_id: string | null;
  reference: string;
  consent_type: string;
  level: number;
  uri: string | null;
  metadata: string | null;
  created_at: Date;
  updated_at: Date;
  position: string;
  ip: string | null;
  proxified_ip: string | null;
  user_agent: string | null;
  city: string | null;
  state: string | null;
  country: string | null;
}

/** Where a page goes on: seconds since 1970 with their microseconds, and an id. */
interface Position {
  at: string;
  id: string;
}

const firstId = '00000000-0000-0000-0000-000000000000';

/**
 * Lists a brand's universal consents, newest first. Each filter has an index in the order of the pages; a page follows the
 * sparsest of those asked for and looks at the rest in each record. What it looks at is bounded, so that no combination of
 * filters takes longer on a larger table: a page may therefore hold fewer records than asked for while there is a next one.
 */
@Injectable()
export class UniversalListService {
  constructor(private readonly database: Database) {}

  /** A page; `next` is the cursor of the page after, null on the last. invalid_input for a cursor that is none. */
  async list(
    brandId: number,
    { filters, from, to, limit, cursor }: UniversalQuery,
  ): Promise<{ records: ListedRecord[]; next: string | null }> {
    const subjects = await this.findSubjects(brandId, filters.customUserId);
    let at: Position =
      cursor === undefined ? { at: String(to.getTime() / 1000), id: firstId } : decodeCursor(cursor);
    const paths = pathsOf(filters, subjects);
    const path = paths.length > 1 ? await this.sparsest(brandId, paths, at, from) : (paths[0] ?? byTime);
    const needsMore = paths.length > 1;
    const found: ScanRow[] = [];
    let budget = scannedAtMost;
    let size = needsMore ? Math.max(scannedFirst, limit + 1) : limit + 1;
    for (;;) {
      const rows = await this.database.prepared<ScanRow>(scan(path), [
        brandId,
        at.at,
        at.id,
        from,
        path.keys,
        size,
        ...remainingValues(filters, subjects),
        limit + 1 - found.length,
      ]);
      found.push(...rows.filter(({ id }) => id !== null));
      const [{ scanned, last_at: lastAt, last_id: lastId } = { scanned: 0, last_at: null, last_id: null }] =
        rows;
      const last = found[limit - 1];
      if (found.length > limit && last)
        return toPage(found.slice(0, limit), { at: last.position, id: last.id ?? '' });
      if (scanned < size || lastAt === null || lastId === null) return toPage(found, null);
      at = { at: lastAt, id: lastId };
      budget -= scanned;
      if (budget <= 0) return toPage(found, at);
      size = Math.min(budget, size * 4);
    }
  }

  /** The subjects of a CustomUserId: the operator's, and whoever claimed to be it. Null without the filter. */
  private async findSubjects(brandId: number, customUserId: string | undefined): Promise<Buffer[] | null> {
    if (customUserId === undefined) return null;
    const rows = await this.database.prepared<{ client_id: Buffer }>(
      {
        name: 'find_subjects_of_user',
        text: `
          select s.client_id from unnest(array[1, 2]::smallint[]) as n (namespace)
          join subjects s on s.brand_id = $1 and s.namespace = n.namespace and s.custom_user_id = $2`,
      },
      [brandId, customUserId],
    );
    return rows.map((row) => row.client_id);
  }

  private async sparsest(brandId: number, paths: Path[], at: Position, from: Date): Promise<Path> {
    const probes = await Promise.all(
      paths.map(async (path) => {
        const [row] = await this.database.prepared<{ entries: number; reach: Date | null }>(probe(path), [
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
}

/** The indexes that the filters could follow. */
function pathsOf(filters: UniversalFilters, subjects: Buffer[] | null): Path[] {
  const levels = filters.levels?.map((level) => ConsentLevel[level]);
  const candidates: [name: string, keys: unknown[] | null | undefined, condition: string, type: string][] = [
    // As the indexes of these two have it.
    ['client', subjects, 'u.client_id = k.key and u.seq > 0', 'bytea'],
    ['reference', wrap(filters.reference), 'u.reference = k.key collate "C" and u.level > 0', 'text'],
    ['type', wrap(filters.consentType), 'u.consent_type = k.key collate "C"', 'text'],
    ['level', levels, 'u.level = k.key', 'smallint'],
    ['ip', wrap(filters.ip), 'u.ip = k.key collate "C"', 'text'],
    ['user_agent', wrap(filters.userAgent), 'u.user_agent_hash = hashtextextended(k.key, 0)', 'text'],
    ['city', wrap(filters.city), 'u.city = k.key collate "C"', 'text'],
    ['state', wrap(filters.state), 'u.state = k.key collate "C"', 'text'],
    ['country', wrap(filters.country), 'u.country = k.key collate "C"', 'text'],
  ];
  return candidates.flatMap(([name, keys, condition, type]) =>
    keys ? [{ name, keys, condition, type }] : [],
  );
}

const wrap = (value: string | undefined) => (value === undefined ? undefined : [value]);

/** In the order of `remaining`. */
function remainingValues(filters: UniversalFilters, subjects: Buffer[] | null): unknown[] {
  return [
    subjects,
    filters.reference ?? null,
    filters.consentType ?? null,
    filters.levels?.map((level) => ConsentLevel[level]) ?? null,
    filters.ip ?? null,
    filters.userAgent ?? null,
    filters.city ?? null,
    filters.state ?? null,
    filters.country ?? null,
  ];
}

function toPage(rows: ScanRow[], next: Position | null): { records: ListedRecord[]; next: string | null } {
  return {
    records: rows.map((row) => ({
      id: row.id ?? '',
      clientId: row.client_id,
      customUserId: row.custom_user_id,
      reference: row.reference,
      consentType: row.consent_type,
      level: levelName(row.level),
      uri: row.uri,
      metadata: row.metadata,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      fingerprint: {
        ip: row.ip,
        proxifiedIp: row.proxified_ip,
        userAgent: row.user_agent,
        city: row.city,
        state: row.state,
        country: row.country,
      },
    })),
    next: next && Buffer.from(`${next.at}:${next.id}`).toString('base64url'),
  };
}

function decodeCursor(cursor: string): Position {
  const [, at, id] =
    /^(\d{1,12}(?:\.\d{1,6})?):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(
      Buffer.from(cursor, 'base64url').toString('utf8'),
    ) ?? [];
  if (at === undefined || id === undefined)
    throw invalidField('cursor', 'cursor must be the one of an earlier page');
  return { at, id };
}
