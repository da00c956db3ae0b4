import { Injectable } from '@nestjs/common';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { AppError, invalidField } from '../common/errors.js';
import { parseInstantText } from '../common/instant.js';
import { Database } from '../database/database.js';
import { type BlockName, BlockChannel, type ChannelName, channelName, crmChannels } from './channels.js';
import { type EventKindName, eventKindName } from './event-kinds.js';
import { MarketingConsentsService } from './marketing-consents.service.js';
import { type Consent, readRecordedMask } from './marketing-state.js';
import { findEventsAt, listConsentEvents } from './marketing-statements.js';

/** One change as it is told: of a channel, or of a block. */
export interface HistoryEvent {
  id: string;
  channel: ChannelName | BlockName;
  kind: EventKindName;
  before: Consent | { active: boolean };
  after: Consent | { active: boolean };
  actor: string;
  source: string;
  occurredAt: Date;
  recordedAt: Date;
  detail: Record<string, unknown> | null;
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
  detail: Record<string, unknown> | null;
  evidence: string | null;
  has_evidence: boolean;
}

/** Reads what happened to a player's consents. */
@Injectable()
export class ConsentHistoryService {
  constructor(
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
    private readonly consents: MarketingConsentsService,
  ) {}

  /** Events of a player, newest first, a page at a time; `next` is the cursor of the page after. */
  async list(
    brandId: number,
    playerId: string,
    limit: number,
    cursor?: string,
  ): Promise<{ events: HistoryEvent[]; next: string | null }> {
    const brand = await this.catalogue.get(brandId);
    await this.consents.get(brandId, playerId);
    const below = cursor === undefined ? '9223372036854775807' : decodeCursor(cursor);
    const rows = await this.database.prepared<EventRow>(listConsentEvents, [
      brandId,
      playerId,
      below,
      limit + 1,
    ]);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      events: page.map((row) => toEvent(brand, playerId, row)),
      next: rows.length > limit && last ? encodeCursor(last.seq) : null,
    };
  }

  /** The six consents as they were in force at an instant. */
  async readAt(brandId: number, playerId: string, at: Date): Promise<Consent[]> {
    const brand = await this.catalogue.get(brandId);
    await this.consents.get(brandId, playerId);
    const rows = await this.lastEvents(brandId, playerId, at);
    const silenced =
      rows.get(BlockChannel.blocked)?.after === 1 || isExcludedAt(rows.get(BlockChannel.excluded), at);
    const byName = new Map([...rows.values()].map((row) => [channelName(row.channel), row.after]));
    return crmChannels.map((channel) =>
      readRecordedMask(brand, channel, silenced ? 0 : (byName.get(channel) ?? 0)),
    );
  }

  /** The last event by then of each channel and block, by code. */
  async lastEvents(
    brandId: number,
    playerId: string,
    at: Date | 'infinity',
  ): Promise<Map<number, LastEventRow>> {
    const rows = await this.database.prepared<LastEventRow>(findEventsAt, [brandId, playerId, at]);
    return new Map(rows.map((row) => [row.channel, row]));
  }
}

export interface LastEventRow {
  channel: number;
  seq: string;
  after: number;
  detail: Record<string, unknown> | null;
}

/** The id an event is known by outside: unique within its brand. */
export function eventId(playerId: string, seq: string): string {
  return `${playerId}:${seq}`;
}

function isExcludedAt(event: LastEventRow | undefined, at: Date): boolean {
  if (event?.after !== 1) return false;
  const until = event.detail?.until;
  return typeof until !== 'string' || new Date(until) > at;
}

function toEvent(brand: BrandSettings, playerId: string, row: EventRow): HistoryEvent {
  const channel = channelName(row.channel);
  const isBlock = channel in BlockChannel;
  const read = (mask: number) =>
    isBlock ? { active: mask === 1 } : readRecordedMask(brand, channel as ChannelName, mask);
  return {
    id: eventId(playerId, row.seq),
    channel,
    kind: eventKindName(row.kind),
    before: read(row.before),
    after: read(row.after),
    actor: row.actor,
    source: row.source,
    occurredAt: row.occurred_at,
    recordedAt: row.recorded_at,
    detail: row.detail,
    evidence: readEvidence(row),
  };
}

function readEvidence(row: EventRow): Record<string, unknown> | null {
  if (row.evidence !== null) return JSON.parse(row.evidence) as Record<string, unknown>;
  return row.has_evidence ? { erased: true } : null;
}

function encodeCursor(seq: string): string {
  return Buffer.from(seq).toString('base64url');
}

function decodeCursor(cursor: string): string {
  const seq = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!/^[1-9]\d{0,17}$/.test(seq))
    throw invalidField('cursor', 'cursor must be the `next` of an earlier page');
  return seq;
}

/** Checks an instant to read at; it may not lie ahead. */
export function parsePastInstant(field: string, text: string): Date {
  const at = parseInstantText(text);
  if (!at) throw invalidField(field, `${field} must be an RFC 3339 instant, such as 2026-01-31T12:00:00Z`);
  if (at.getTime() > Date.now() + 60_000)
    throw new AppError('invalid_input', `${field} must not lie in the future`);
  return at;
}
