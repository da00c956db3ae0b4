import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Coalescer } from '../../common/coalescer.js';
import { AppError } from '../../common/errors.js';
import { Database } from '../../database/database.js';
import { OutboxSignal } from '../../database/outbox-signal.js';
import { SubjectsService } from '../subjects.service.js';
import type { Fingerprint } from '../universal/universal-record.js';
import { languageChain } from './policy.js';
import { type KnownPolicy, PolicyCatalogue } from './policy-catalogue.js';
import type { PolicyRecord } from './policy-record.js';

/** What only an app sends. */
export interface MobileFields {
  clientSessionId: string | null;
  deviceManufacturer: string | null;
  sdkVersion: string | null;
  osVersion: string | null;
  mobileApplicationId: string | null;
}

/** Somebody accepts a policy, or does not. */
export interface PolicyAct {
  policy: KnownPolicy;
  isGiven: boolean;
  /** The version that was read; without it the current one is assumed. */
  version: string | null;
  language: string;
  customUserId: string | null;
  /** Whether the CustomUserId is the operator's word, or anybody's claim. */
  isOperator: boolean;
  clientId: Buffer | null;
  uri: string | null;
  domainId: string | null;
  mobile: MobileFields;
  actor: string;
  source: string;
  fingerprint: Fingerprint & { origin: string | null };
}

interface ResultRow {
  outcome: number;
  current_version: string | null;
  client_id: Buffer;
  created_at: Date;
}

interface RecordRow {
  brand_id: number;
  id: string | null;
  created_at: Date;
  uri: string | null;
  version: string;
  is_given: boolean;
  custom_user_id: string | null;
}

/** What the database says of a subject and a policy; null brand: no such subject. */
export interface GivenRow {
  brand_id: number | null;
  is_given: boolean | null;
}

interface GivenKey {
  clientId: Buffer;
  policyId: string;
  /** Consents to versions that took effect before do not count. */
  since: Date | null;
  version: string | null;
}

const record = 'select * from record_policy_consent($1, $2, $3)';
/**
 * What a subject said last, of what counts: consents to versions that have not been outdated, and withdrawals of any version.
 * Parameters: subjects, policies, since when, versions.
 */
const findGiven = {
  name: 'find_policy_consents_given',
  text: `
    select u.brand_id, u.is_given
    from unnest($1::bytea[], $2::uuid[], $3::timestamptz[], $4::text[]) with ordinality as k (client_id, policy_id, since, version, place)
    left join lateral (
      select s.brand_id, c.is_given from subjects s
      left join lateral (
        select p.is_given from policy_consents p
        where p.subject_id = coalesce(s.linked_to, s.client_id) and p.policy_id = k.policy_id
          and (k.version is null and (p.version_at >= k.since or not p.is_given) and p.version_at <= now()
            or p.version = k.version collate "C")
        order by p.created_at desc, p.id desc limit 1) c on true
      where s.client_id = k.client_id limit 1) u on true
    order by k.place`,
};
const findRecord = {
  name: 'find_policy_consent',
  text: `
    select s.brand_id, c.id, c.created_at, c.uri, c.version, c.is_given, o.custom_user_id
    from subjects s
    left join lateral (
      select p.* from policy_consents p
      where p.subject_id = coalesce(s.linked_to, s.client_id) and p.policy_id = $2 and ($3::text is null or p.version = $3)
      order by p.created_at desc, p.id desc limit 1) c on true
    left join subjects o on o.client_id = coalesce(s.linked_to, s.client_id) and o.brand_id + 0 = s.brand_id
    where s.client_id = $1`,
};

/** Who accepted which policy: the act, and the questions that go with it. */
@Injectable()
export class PolicyConsentsService {
  private readonly given = new Coalescer<GivenKey, GivenRow>(
    (keys) =>
      this.database.prepared<GivenRow>(findGiven, [
        keys.map(({ clientId }) => clientId),
        keys.map(({ policyId }) => policyId),
        keys.map(({ since }) => since),
        keys.map(({ version }) => version),
      ]),
    { maxItems: 200, maxRuns: 4 },
  );

  constructor(
    private readonly database: Database,
    private readonly signal: OutboxSignal,
    private readonly subjects: SubjectsService,
    private readonly catalogue: PolicyCatalogue,
  ) {}

  /**
   * Records an act, durably when it resolves: record, event, evidence and outbox row in one transaction, the caller's if a manager is
   * given. Rejects with not_found for an unknown ClientId or version, and with conflict for a version that was superseded
   * and for a CustomUserId that is not the ClientId's.
   */
  async record(act: PolicyAct, manager?: EntityManager): Promise<{ clientId: Buffer; createdAt: Date }> {
    const { brandId, id } = act.policy;
    const values = [brandId, id, this.toJson(act)];
    const write = () =>
      this.database.prepared<ResultRow>({ name: 'record_policy_consent', text: record }, values);
    const [row] = manager
      ? await manager.query<ResultRow[]>(record, values)
      : await write().catch((error: unknown) => {
          // It and a writer of several subjects may have waited for each other; PostgreSQL has ended one of them.
          if ((error as { code?: unknown }).code === '40P01') return write();
          throw error;
        });
    if (!row) throw new Error('the database answered no outcome');
    refuse(row, act.version);
    if (!manager) this.signal.raise(brandId, 'records');
    return { clientId: row.client_id, createdAt: row.created_at };
  }

  /** Whether what the subject said last counts as consent: to the version, or to those that are valid now. */
  async isGiven(policy: KnownPolicy, clientId: Buffer, version: string | null): Promise<GivenRow> {
    const since = version === null ? this.catalogue.countsSince(policy) : null;
    if (version === null && since === null) return { ...(await this.brandOf(clientId)), is_given: false };
    return this.given.add({ clientId, policyId: policy.id, since, version });
  }

  /** The same question for many subjects at once, in their order: who must be asked again is whoever is false. */
  async areGiven(policy: KnownPolicy, clientIds: readonly Buffer[]): Promise<boolean[]> {
    const since = this.catalogue.countsSince(policy);
    if (since === null || clientIds.length === 0) return clientIds.map(() => false);
    const rows = await this.database.prepared<GivenRow>(findGiven, [
      clientIds,
      clientIds.map(() => policy.id),
      clientIds.map(() => since),
      clientIds.map(() => null),
    ]);
    return rows.map((row) => row.brand_id === policy.brandId && row.is_given === true);
  }

  /** The newest record of a subject and a policy, of the version if one is named; null when there is none in the policy's brand. */
  async find(policy: KnownPolicy, clientId: Buffer, version: string | null): Promise<PolicyRecord | null> {
    const [row] = await this.database.prepared<RecordRow>(findRecord, [clientId, policy.id, version]);
    if (!row || row.id === null || row.brand_id !== policy.brandId) return null;
    return {
      id: row.id,
      clientId,
      customUserId: row.custom_user_id,
      createdAt: row.created_at,
      uri: row.uri,
      policyId: policy.id,
      policyType: policy.type,
      version: row.version,
      isGiven: row.is_given,
    };
  }

  private async brandOf(clientId: Buffer): Promise<{ brand_id: number | null }> {
    const subject = await this.subjects.find(clientId);
    return { brand_id: subject?.brandId ?? null };
  }

  /** The act as a value of the database's type `policy_act`. */
  private toJson(act: PolicyAct): string {
    const { fingerprint, mobile, policy } = act;
    const subject = this.subjects.derive(policy.brandId, act.customUserId, act.isOperator);
    return JSON.stringify({
      namespace: subject.namespace,
      new_client_id: bytes(subject.clientId),
      custom_user_id: subject.customUserId,
      player_id: subject.playerId,
      client_id: act.clientId && bytes(act.clientId),
      act_id: uuidv7(),
      version: act.version,
      languages: languageChain(act.language, policy.defaultLanguage),
      is_given: act.isGiven,
      actor: act.actor,
      source: act.source,
      salt: bytes(randomBytes(16)),
      evidence: JSON.stringify({
        ip: fingerprint.ip,
        user_agent: fingerprint.userAgent,
        origin: fingerprint.origin,
        city: fingerprint.city,
        state: fingerprint.state,
        country: fingerprint.country,
        uri: act.uri,
        domain_id: act.domainId,
        ...(mobile.clientSessionId !== null && { client_session_id: mobile.clientSessionId }),
      }),
      uri: act.uri,
      domain_id: act.domainId,
      ip: fingerprint.ip,
      proxified_ip: fingerprint.proxifiedIp,
      user_agent: fingerprint.userAgent,
      city: fingerprint.city,
      state: fingerprint.state,
      country: fingerprint.country,
      client_session_id: mobile.clientSessionId,
      device_manufacturer: mobile.deviceManufacturer,
      sdk_version: mobile.sdkVersion,
      os_version: mobile.osVersion,
      mobile_application_id: mobile.mobileApplicationId,
    });
  }
}

const bytes = (buffer: Buffer) => `\\x${buffer.toString('hex')}`;

/** What record_policy_consent may answer beside "recorded". */
function refuse({ outcome, current_version: current }: ResultRow, version: string | null): void {
  if (outcome === 1) throw new AppError('not_found', 'there is no such ClientId');
  if (outcome === 2) throw new AppError('conflict', 'ClientId and CustomUserId are not the same subject');
  if (outcome === 3)
    throw new AppError('not_found', `there is no version ${version ?? ''} that is published`);
  if (outcome === 4)
    throw new AppError(
      'conflict',
      `version ${version ?? ''} is not current any more: show version ${current ?? ''} and ask again`,
    );
  if (outcome === 5) throw new AppError('not_found', 'no version of this policy is in force');
}
