import { Injectable } from '@nestjs/common';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { AppError, invalidField } from '../common/errors.js';
import { Database } from '../database/database.js';
import { BlockChannel, type BlockName, type ChannelName, channelName, recordChannel } from './channels.js';
import { type EventKindName, eventKindName } from './event-kinds.js';
import { type Consent, readRecordedMask } from './marketing-state.js';
import { SubjectsService } from './subjects.service.js';
import { type ConsentLevelName, levelName } from './universal/universal-record.js';

export const timelineTypes = ['marketing', 'block', 'universal'] as const;
export type TimelineType = (typeof timelineTypes)[number];

/** Anything that happened to a subject's consents. */
export interface TimelineEvent {
  id: string;
  type: TimelineType;
  kind: EventKindName;
  /** Of a marketing consent or a block. */
  channel: ChannelName | BlockName | null;
  /** What was consented to, of a universal consent. */
  reference: string | null;
  consentType: string | null;
  before: Consent | { active: boolean } | { level: ConsentLevelName } | null;
  after: Consent | { active: boolean } | { level: ConsentLevelName };
  actor: string;
  source: string;
  occurredAt: Date;
  recordedAt: Date;
  /** What came with the act; `erased` alone once it has been erased; null where nothing came. */
  evidence: Record<string, unknown> | null;
}

interface EventRow {
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
  reference: string | null;
  consent_type: string | null;
}

const listTimeline = {
  name: 'list_timeline',
  text: `
    select e.seq, e.channel, e.kind, e.before, e.after, e.actor, e.source, e.occurred_at, e.recorded_at, v.evidence,
      e.evidence_hash is not null as has_evidence, u.reference, u.consent_type
    from (
      select * from consent_events where brand_id = $1 and player_id = $2 and seq < $3 order by seq desc limit $4) e
    left join event_evidence v on v.brand_id = e.brand_id and v.player_id = e.player_id and v.act_id = e.act_id
      and v.recorded_at = e.recorded_at
    left join universal_consents u on u.id = e.target_id and u.brand_id + 0 = e.brand_id
    order by e.seq desc`,
};

/** Everything that happened to a subject, whichever door it came through. */
@Injectable()
export class TimelineService {
  constructor(
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
    private readonly subjects: SubjectsService,
  ) {}

  /** A page, newest first; `next` is the cursor of the page after. not_found for a ClientId that the brand does not know. */
  async list(
    brandId: number,
    clientId: Buffer,
    limit: number,
    cursor?: string,
  ): Promise<{ events: TimelineEvent[]; next: string | null }> {
    const subject = await this.subjects.find(clientId);
    if (subject?.brandId !== brandId) throw new AppError('not_found', 'there is no such subject');
    const brand = await this.catalogue.get(brandId);
    const below = cursor === undefined ? '9223372036854775807' : decodeCursor(cursor);
    const rows = await this.database.prepared<EventRow>(listTimeline, [
      brandId,
      subject.playerId,
      below,
      limit + 1,
    ]);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      events: page.map((row) => ({
        id: `${subject.playerId}:${row.seq}`,
        ...(row.channel === recordChannel.universal ? universalEvent(row) : marketingEvent(row)),
        kind: eventKindName(row.kind),
        actor: row.actor,
        source: row.source,
        occurredAt: row.occurred_at,
        recordedAt: row.recorded_at,
        evidence: readEvidence(row),
      })),
      next: rows.length > limit && last ? Buffer.from(last.seq).toString('base64url') : null,
    };

    function marketingEvent(row: EventRow) {
      const channel = channelName(row.channel);
      const isBlock = channel in BlockChannel;
      const read = (mask: number) =>
        isBlock ? { active: mask === 1 } : readRecordedMask(brand, channel as ChannelName, mask);
      return {
        type: isBlock ? ('block' as const) : ('marketing' as const),
        channel,
        reference: null,
        consentType: null,
        before: read(row.before),
        after: read(row.after),
      };
    }
  }
}

function universalEvent(row: EventRow) {
  const evidence = readEvidence(row);
  const { consent_type: consentType } = evidence ?? {};
  return {
    type: 'universal' as const,
    channel: null,
    reference: row.reference,
    // As it was then; the record's own where the evidence has been erased.
    consentType: typeof consentType === 'string' ? consentType : row.consent_type,
    before: row.before === 0 ? null : { level: levelName(row.before) },
    after: { level: levelName(row.after) },
  };
}

function readEvidence(row: EventRow): Record<string, unknown> | null {
  if (row.evidence !== null) return JSON.parse(row.evidence) as Record<string, unknown>;
  return row.has_evidence ? { erased: true } : null;
}

function decodeCursor(cursor: string): string {
  const seq = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!/^[1-9]\d{0,17}$/.test(seq)) throw invalidField('cursor', 'cursor must be the one of an earlier page');
  return seq;
}
