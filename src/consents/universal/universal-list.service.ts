import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { type FilterPath, FilteredPages, type ListedTable, textPath } from '../../database/filtered-pages.js';
import { SubjectsService } from '../subjects.service.js';
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

const table: ListedTable = {
  name: 'universal_consents',
  orderedBy: 'updated_at',
  columns: `u.id, u.client_id, u.reference, u.consent_type, u.level, u.uri, u.metadata, u.created_at, u.updated_at, u.ip,
    u.proxified_ip, u.user_agent, u.city, u.state, u.country`,
  remaining: `
    ($7::bytea[] is null or u.client_id = any ($7)) and ($8::text is null or u.reference = $8)
    and ($9::text is null or u.consent_type = $9) and ($10::smallint[] is null or u.level = any ($10))
    and ($11::text is null or u.ip = $11) and ($12::text is null or u.user_agent = $12) and ($13::text is null or u.city = $13)
    and ($14::text is null or u.state = $14) and ($15::text is null or u.country = $15)`,
  parameters: 9,
  also: `(
    select s.custom_user_id from subjects s where s.client_id = u.client_id and s.brand_id + 0 = $1) as custom_user_id`,
};

interface ListedRow {
  id: string;
  client_id: Buffer;
  custom_user_id: string | null;
  reference: string;
  consent_type: string;
  level: number;
  uri: string | null;
  metadata: string | null;
  created_at: Date;
  updated_at: Date;
  ip: string | null;
  proxified_ip: string | null;
  user_agent: string | null;
  city: string | null;
  state: string | null;
  country: string | null;
}

/** Lists a brand's universal consents, newest first. */
@Injectable()
export class UniversalListService {
  private readonly pages: FilteredPages<ListedRow>;

  constructor(
    database: Database,
    private readonly subjects: SubjectsService,
  ) {
    this.pages = new FilteredPages(database, table);
  }

  /** A page; `next` is the cursor of the page after, null on the last. invalid_input for a cursor that is none. */
  async list(
    brandId: number,
    { filters, ...page }: UniversalQuery,
  ): Promise<{ records: ListedRecord[]; next: string | null }> {
    const { customUserId } = filters;
    const clients = customUserId === undefined ? null : await this.subjects.findAll(brandId, customUserId);
    const paths = pathsOf(filters, clients);
    const { rows, next } = await this.pages.read(brandId, {
      ...page,
      paths,
      values: valuesOf(filters, clients),
    });
    return { records: rows.map(toListedRecord), next };
  }
}

/** The indexes that the filters could follow. */
function pathsOf(filters: UniversalFilters, clients: Buffer[] | null): FilterPath[] {
  const { levels, userAgent } = filters;
  const keyed = (name: string, condition: string, type: string, keys: unknown[] | null | undefined) =>
    keys ? [{ name, condition, type, keys }] : [];
  return [
    ...keyed('client', 'u.client_id = k.key and u.seq > 0', 'bytea', clients),
    ...keyed(
      'reference',
      'u.reference = k.key collate "C" and u.level > 0',
      'text',
      filters.reference === undefined ? null : [filters.reference],
    ),
    ...textPath('type', 'consent_type', filters.consentType),
    ...keyed(
      'level',
      'u.level = k.key',
      'smallint',
      levels?.map((level) => ConsentLevel[level]),
    ),
    ...textPath('ip', 'ip', filters.ip),
    ...keyed(
      'user_agent',
      'u.user_agent_hash = hashtextextended(k.key, 0)',
      'text',
      userAgent === undefined ? null : [userAgent],
    ),
    ...textPath('city', 'city', filters.city),
    ...textPath('state', 'state', filters.state),
    ...textPath('country', 'country', filters.country),
  ];
}

/** In the order of `remaining`. */
function valuesOf(filters: UniversalFilters, clients: Buffer[] | null): unknown[] {
  return [
    clients,
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

function toListedRecord(row: ListedRow): ListedRecord {
  return {
    id: row.id,
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
  };
}
