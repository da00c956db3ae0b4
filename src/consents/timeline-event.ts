import type { BrandSettings } from '../brands/brand-settings.js';
import { BlockChannel, type BlockName, type ChannelName, channelName, recordChannel } from './channels.js';
import { type EventKindName, eventKindName } from './event-kinds.js';
import { type Consent, readRecordedMask } from './marketing-state.js';
import { PolicyAnswer } from './policies/policy.js';
import { type ConsentLevelName, levelName } from './universal/universal-record.js';

export const timelineTypes = ['marketing', 'block', 'universal', 'policy'] as const;
export type TimelineType = (typeof timelineTypes)[number];

/** Which text somebody read who accepted a policy, or did not. */
export interface PolicyTextRead {
  version: string;
  language: string | null;
  /** SHA-256 of the compiled text, in hexadecimal digits. */
  textHash: string | null;
  /** Nobody said which version: it was the current one. */
  isAssumed: boolean;
}

type EventState = Consent | { active: boolean } | { level: ConsentLevelName } | { given: boolean };

/** Anything that happened to a subject's consents. */
export interface TimelineEvent {
  id: string;
  type: TimelineType;
  kind: EventKindName;
  /** Of a marketing consent or a block. */
  channel: ChannelName | BlockName | null;
  /** What was consented to: a universal consent's own word, or the policy's id. */
  reference: string | null;
  consentType: string | null;
  /** Of a policy. */
  policy: PolicyTextRead | null;
  before: EventState | null;
  after: EventState;
  actor: string;
  source: string;
  occurredAt: Date;
  recordedAt: Date;
  /** What came with the act; `erased` alone once it has been erased; null where nothing came. */
  evidence: Record<string, unknown> | null;
}

/** An event as it is read, with what names its record. */
export interface TimelineRow {
  player_id: string;
  seq: string;
  channel: number;
  kind: number;
  before: number;
  after: number;
  actor: string;
  source: string;
  occurred_at: Date;
  recorded_at: Date;
  evidence: string | null;
  has_evidence: boolean;
  detail: { version?: string; language?: string; text_hash?: string; assumed?: boolean } | null;
  reference: string | null;
  consent_type: string | null;
}

/** What an event says, in the brand's words of today. */
export function toTimelineEvent(brand: BrandSettings, row: TimelineRow): TimelineEvent {
  return {
    id: `${row.player_id}:${row.seq}`,
    ...eventOf(brand, row),
    kind: eventKindName(row.kind),
    actor: row.actor,
    source: row.source,
    occurredAt: row.occurred_at,
    recordedAt: row.recorded_at,
    evidence: readEvidence(row),
  };
}

function eventOf(brand: BrandSettings, row: TimelineRow) {
  if (row.channel === recordChannel.universal) return universalEvent(row);
  return row.channel === recordChannel.policy ? policyEvent(row) : marketingEvent(brand, row);
}

function marketingEvent(brand: BrandSettings, row: TimelineRow) {
  const channel = channelName(row.channel);
  const isBlock = channel in BlockChannel;
  const read = (mask: number) =>
    isBlock ? { active: mask === 1 } : readRecordedMask(brand, channel as ChannelName, mask);
  return {
    type: isBlock ? ('block' as const) : ('marketing' as const),
    channel,
    reference: null,
    consentType: null,
    policy: null,
    before: read(row.before),
    after: read(row.after),
  };
}

function universalEvent(row: TimelineRow) {
  const evidence = readEvidence(row);
  const { consent_type: consentType } = evidence ?? {};
  return {
    type: 'universal' as const,
    channel: null,
    reference: row.reference,
    // As it was then; the record's own where the evidence has been erased.
    consentType: typeof consentType === 'string' ? consentType : row.consent_type,
    policy: null,
    before: row.before === 0 ? null : { level: levelName(row.before) },
    after: { level: levelName(row.after) },
  };
}

function policyEvent(row: TimelineRow) {
  const { version = '', language = null, text_hash: textHash = null, assumed = false } = row.detail ?? {};
  return {
    type: 'policy' as const,
    channel: null,
    reference: row.reference,
    consentType: row.consent_type,
    policy: { version, language, textHash, isAssumed: assumed },
    before: row.before === 0 ? null : { given: row.before === PolicyAnswer.yes },
    after: { given: row.after === PolicyAnswer.yes },
  };
}

function readEvidence(row: TimelineRow): Record<string, unknown> | null {
  if (row.evidence !== null) return JSON.parse(row.evidence) as Record<string, unknown>;
  return row.has_evidence ? { erased: true } : null;
}
