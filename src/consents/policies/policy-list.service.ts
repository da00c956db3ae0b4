import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import {
  type FilterPath,
  FilteredPages,
  type ListedTable,
  type PageQuery,
  textPath,
} from '../../database/filtered-pages.js';
import { SubjectsService } from '../subjects.service.js';
import type { Fingerprint } from '../universal/universal-record.js';
import type { PolicyType } from './policy.js';

/** What a consent must be to be listed; what is absent matches everything. */
export interface PolicyFilters {
  policyId?: string;
  customUserId?: string;
  isGiven?: boolean;
  version?: string;
  mobileApplicationId?: string;
  deviceManufacturer?: string;
  sdkVersion?: string;
  osVersion?: string;
  domainId?: string;
}

export interface ListedPolicyConsent {
  id: string;
  createdAt: Date;
  isGiven: boolean;
  uri: string | null;
  policyId: string;
  policyType: PolicyType;
  version: string;
  customUserId: string | null;
  clientId: Buffer;
  fingerprint: Fingerprint;
  clientSessionId: string | null;
  deviceManufacturer: string | null;
  sdkVersion: string | null;
  osVersion: string | null;
}

const table: ListedTable = {
  name: 'policy_consents',
  orderedBy: 'created_at',
  columns: `u.id, u.client_id, u.subject_id, u.policy_id, u.version, u.is_given, u.created_at, u.uri, u.domain_id, u.ip, u.proxified_ip,
    u.user_agent, u.city, u.state, u.country, u.client_session_id, u.device_manufacturer, u.sdk_version, u.os_version,
    u.mobile_application_id`,
  remaining: `
    ($7::bytea[] is null or u.subject_id = any ($7)) and ($8::uuid is null or u.policy_id = $8)
    and ($9::boolean is null or u.is_given = $9) and ($10::text is null or u.version = $10)
    and ($11::text is null or u.mobile_application_id = $11) and ($12::text is null or u.device_manufacturer = $12)
    and ($13::text is null or u.sdk_version = $13) and ($14::text is null or u.os_version = $14)
    and ($15::text is null or u.domain_id = $15)`,
  parameters: 9,
  also: `(select s.custom_user_id from subjects s where s.client_id = u.subject_id and s.brand_id + 0 = $1) as custom_user_id,
    (select p.type from policies p where p.id = u.policy_id and p.brand_id + 0 = $1) as policy_type`,
};

interface ListedRow {
  id: string;
  client_id: Buffer;
  custom_user_id: string | null;
  policy_id: string;
  policy_type: PolicyType;
  version: string;
  is_given: boolean;
  created_at: Date;
  uri: string | null;
  ip: string | null;
  proxified_ip: string | null;
  user_agent: string | null;
  city: string | null;
  state: string | null;
  country: string | null;
  client_session_id: string | null;
  device_manufacturer: string | null;
  sdk_version: string | null;
  os_version: string | null;
}

/** Lists every consent to a brand's policies, newest first. */
@Injectable()
export class PolicyListService {
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
    filters: PolicyFilters,
    page: Omit<PageQuery, 'paths' | 'values'>,
  ): Promise<{ records: ListedPolicyConsent[]; next: string | null }> {
    const { customUserId } = filters;
    const clients = customUserId === undefined ? null : await this.subjects.findAll(brandId, customUserId);
    const query = { ...page, paths: pathsOf(filters, clients), values: valuesOf(filters, clients) };
    const { rows, next } = await this.pages.read(brandId, query);
    return { records: rows.map(toListed), next };
  }
}

/** The indexes that the filters could follow. */
function pathsOf(filters: PolicyFilters, clients: Buffer[] | null): FilterPath[] {
  const keyed = (name: string, condition: string, type: string, keys: unknown[] | null) =>
    keys ? [{ name, condition, type, keys }] : [];
  const { policyId, isGiven, version } = filters;
  return [
    ...keyed('user', 'u.subject_id = k.key', 'bytea', clients),
    ...policyPaths(policyId, version),
    ...keyed('given', 'u.is_given = k.key', 'boolean', isGiven === undefined ? null : [isGiven]),
    ...textPath('application', 'mobile_application_id', filters.mobileApplicationId),
    ...textPath('device', 'device_manufacturer', filters.deviceManufacturer),
    ...textPath('sdk', 'sdk_version', filters.sdkVersion),
    ...textPath('os', 'os_version', filters.osVersion),
    ...textPath('domain', 'domain_id', filters.domainId),
  ];
}

/**
 * A version of a policy has an index of its own: other policies have versions of the same name, and others of the policy are many,
 * so that neither would lead to it.
 */
function policyPaths(policyId: string | undefined, version: string | undefined): FilterPath[] {
  if (policyId === undefined) return textPath('version', 'version', version);
  if (version === undefined)
    return [{ name: 'policy', condition: 'u.policy_id = k.key', type: 'uuid', keys: [policyId] }];
  const columns = 'left(key, 36)::uuid as policy_id, substr(key, 37) as version';
  const condition = `u.policy_id = k.policy_id and u.version = k.version collate "C"`;
  return [{ name: 'policy_version', condition, columns, type: 'text', keys: [policyId + version] }];
}

/** In the order of `remaining`. */
function valuesOf(filters: PolicyFilters, clients: Buffer[] | null): unknown[] {
  return [
    clients,
    filters.policyId ?? null,
    filters.isGiven ?? null,
    filters.version ?? null,
    filters.mobileApplicationId ?? null,
    filters.deviceManufacturer ?? null,
    filters.sdkVersion ?? null,
    filters.osVersion ?? null,
    filters.domainId ?? null,
  ];
}

function toListed(row: ListedRow): ListedPolicyConsent {
  return {
    id: row.id,
    createdAt: row.created_at,
    isGiven: row.is_given,
    uri: row.uri,
    policyId: row.policy_id,
    policyType: row.policy_type,
    version: row.version,
    customUserId: row.custom_user_id,
    clientId: row.client_id,
    fingerprint: {
      ip: row.ip,
      proxifiedIp: row.proxified_ip,
      userAgent: row.user_agent,
      city: row.city,
      state: row.state,
      country: row.country,
    },
    clientSessionId: row.client_session_id,
    deviceManufacturer: row.device_manufacturer,
    sdkVersion: row.sdk_version,
    osVersion: row.os_version,
  };
}
