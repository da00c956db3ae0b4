import { Injectable } from '@nestjs/common';
import { BrandCatalogue } from '../../brands/brand-catalogue.js';
import { BlockChannel, Channel, crmChannels, recordChannel } from '../../consents/channels.js';
import { readRecordedMask } from '../../consents/marketing-state.js';
import { AppError } from '../../common/errors.js';
import type { PolicyType } from '../../consents/policies/policy.js';
import { type PolicyRecordView, toPolicyRecordView } from '../../consents/policies/policy-record.js';
import {
  levelName,
  toRecordView,
  type UniversalRecordView,
} from '../../consents/universal/universal-record.js';
import { Database } from '../../database/database.js';

/** The change that a webhook tells of. */
export interface ChangeKey {
  brandId: number;
  playerId: string;
  /** The player's last event of the change. */
  seq: string;
  changedAt: Date;
  /** The universal consent, or the policy; null for the player's marketing consents. */
  targetId: string | null;
}

interface PublicConsent {
  type: string;
  opted_in: boolean;
  products?: string[];
}

/** A change as its receivers read it. */
export interface WebhookBody {
  type: 'marketing_consent.updated' | 'universal_consent.updated' | 'policy_consent.updated' | 'ping';
  /** RFC 3339, when it was recorded. */
  timestamp: string;
  data:
    | Record<string, never>
    | { CustomUserId: string; consents: PublicConsent[]; Sequence: number }
    | ((UniversalRecordView | PolicyRecordView) & { Sequence: number });
}

const findStateAfter = {
  name: 'find_state_after_event',
  text: `
    select c.channel, e.after, e.detail
    from unnest($4::smallint[]) as c (channel)
    cross join lateral (
      select after, detail from consent_events
      where brand_id = $1 and player_id = $2 and channel = c.channel and seq <= $3
      order by seq desc limit 1) e`,
};

const codes = [...crmChannels.map((name) => Channel[name]), ...Object.values(BlockChannel)];

const findRecordAfter = {
  name: 'find_universal_consent_after_event',
  text: `
    select u.id, u.client_id, s.custom_user_id, u.reference, u.consent_type, u.created_at, e.after, e.recorded_at, v.evidence
    from universal_consents u
    join subjects s on s.client_id = u.client_id and s.brand_id + 0 = u.brand_id
    cross join lateral (
      select c.after, c.recorded_at, c.act_id from consent_events c
      where c.brand_id = $1 and c.player_id = $2 and c.seq = $3 and c.channel = ${recordChannel.universal} limit 1) e
    left join lateral (
      select evidence from event_evidence
      where brand_id = $1 and player_id = $2 and act_id = e.act_id and recorded_at = e.recorded_at limit 1) v on true
    where u.id = $4 and u.brand_id + 0 = $1`,
};

interface RecordAfterRow {
  id: string;
  client_id: Buffer;
  custom_user_id: string | null;
  reference: string;
  consent_type: string;
  created_at: Date;
  after: number;
  recorded_at: Date;
  evidence: string | null;
}

const findPolicyConsent = {
  name: 'find_policy_consent_of_event',
  text: `
    select c.id, c.client_id, s.custom_user_id, c.created_at, c.uri, c.policy_id, p.type as policy_type, c.version, c.is_given
    from (
      select e.act_id from consent_events e
      where e.brand_id = $1 and e.player_id = $2 and e.seq = $3 and e.channel = ${recordChannel.policy} and e.target_id = $4 limit 1) e
    cross join lateral (select * from policy_consents c where c.id = e.act_id and c.brand_id + 0 = $1 limit 1) c
    cross join lateral (
      select s.custom_user_id from subjects s where s.client_id = c.client_id and s.brand_id + 0 = $1 limit 1) s
    join policies p on p.id = c.policy_id and p.brand_id + 0 = $1`,
};

interface PolicyConsentRow {
  id: string;
  client_id: Buffer;
  custom_user_id: string | null;
  created_at: Date;
  uri: string | null;
  policy_id: string;
  policy_type: PolicyType;
  version: string;
  is_given: boolean;
}

interface AfterRow {
  channel: number;
  after: number;
  detail: { until?: string } | null;
}

/**
 * Writes what a webhook carries: the record as it was after the change, from the ledger, so that every attempt of a webhook
 * has the same body and no copy of it is kept anywhere.
 */
@Injectable()
export class WebhookRecordsService {
  constructor(
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /** The body of a change; rejects with not_found when what changed is gone. */
  async read(change: ChangeKey): Promise<WebhookBody> {
    if (change.targetId === null) return this.readMarketing(change);
    // The event knows which of the two it is.
    const body = (await this.readUniversal(change)) ?? (await this.readPolicy(change));
    if (!body) throw new AppError('not_found', 'the record is gone');
    return body;
  }

  private async readPolicy(change: ChangeKey): Promise<WebhookBody | null> {
    const { brandId, playerId, seq, changedAt, targetId } = change;
    const values = [brandId, playerId, seq, targetId];
    const [row] = await this.database.prepared<PolicyConsentRow>(findPolicyConsent, values);
    if (!row) return null;
    const record = {
      id: row.id,
      clientId: row.client_id,
      customUserId: row.custom_user_id,
      createdAt: row.created_at,
      uri: row.uri,
      policyId: row.policy_id,
      policyType: row.policy_type,
      version: row.version,
      isGiven: row.is_given,
    };
    return {
      type: 'policy_consent.updated',
      timestamp: changedAt.toISOString(),
      data: { ...toPolicyRecordView(record, true), Sequence: Number(seq) },
    };
  }

  private async readUniversal({
    brandId,
    playerId,
    seq,
    changedAt,
    targetId,
  }: ChangeKey): Promise<WebhookBody | null> {
    const values = [brandId, playerId, seq, targetId];
    const [row] = await this.database.prepared<RecordAfterRow>(findRecordAfter, values);
    if (!row) return null;
    const stated = JSON.parse(row.evidence ?? '{}') as Partial<Record<string, string | null>>;
    const record = {
      id: row.id,
      brandId,
      clientId: row.client_id,
      customUserId: row.custom_user_id,
      reference: row.reference,
      consentType: stated.consent_type ?? row.consent_type,
      level: levelName(row.after),
      uri: stated.uri ?? null,
      metadata: stated.metadata ?? null,
      createdAt: row.created_at,
      updatedAt: row.recorded_at,
    };
    return {
      type: 'universal_consent.updated',
      timestamp: changedAt.toISOString(),
      data: { ...toRecordView(record, true), Sequence: Number(seq) },
    };
  }

  private async readMarketing({ brandId, playerId, seq, changedAt }: ChangeKey): Promise<WebhookBody> {
    const brand = await this.catalogue.get(brandId);
    const rows = await this.database.prepared<AfterRow>(findStateAfter, [brandId, playerId, seq, codes]);
    const after = new Map(rows.map((row) => [row.channel, row]));
    const isSilenced =
      after.get(BlockChannel.blocked)?.after === 1 || isExcluded(after.get(BlockChannel.excluded), changedAt);
    return {
      type: 'marketing_consent.updated',
      timestamp: changedAt.toISOString(),
      data: {
        CustomUserId: playerId,
        consents: crmChannels.map((type) => {
          const mask = isSilenced ? 0 : (after.get(Channel[type])?.after ?? 0);
          const { optedIn, products } = readRecordedMask(brand, type, mask);
          return { type, opted_in: optedIn, ...(products && { products }) };
        }),
        Sequence: Number(seq),
      },
    };
  }
}

function isExcluded(row: AfterRow | undefined, at: Date): boolean {
  if (row?.after !== 1) return false;
  const until = row.detail?.until;
  return until === undefined || new Date(until) > at;
}
