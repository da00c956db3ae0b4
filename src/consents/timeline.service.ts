import { Injectable } from '@nestjs/common';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { AppError, invalidField } from '../common/errors.js';
import { Database } from '../database/database.js';
import { recordChannel } from './channels.js';
import { SubjectsService } from './subjects.service.js';
import { type TimelineEvent, type TimelineRow, toTimelineEvent } from './timeline-event.js';

/** With microseconds since 1970 of `recorded_at`. */
type PlacedRow = TimelineRow & { at: string };

/** A place in the timeline: instants are told apart by stream and number. */
interface Position {
  at: string;
  playerId: string;
  seq: string;
}

/** Before every event there will be. */
const newest: Position = { at: '253402300799000000', playerId: '', seq: '0' };

/** A subject's own events, and those of whoever turned out to be the subject. Parameters: brand, subject, position, limit. */
const listTimeline = {
  name: 'list_timeline',
  text: `
    select e.player_id, e.seq, (extract(epoch from e.sort_at) * 1000000)::bigint as at, e.channel, e.kind, e.before, e.after,
      e.actor, e.source, e.occurred_at, e.recorded_at, e.detail, v.evidence, e.evidence_hash is not null as has_evidence,
      coalesce(u.reference, p.id::text) as reference, coalesce(u.consent_type, p.type) as consent_type
    from (
      select c.* from (
        select s.player_id from subjects s where s.client_id = $2 and s.brand_id + 0 = $1
        union all select s.player_id from subjects s where s.linked_to = $2 and s.brand_id + 0 = $1) s
      cross join lateral (
        -- Down each stream by its numbers; no event stands before a later one of its stream, should the clock have been set back.
        select w.*, min(w.recorded_at) over (order by w.seq desc) as sort_at from (
          select * from consent_events c
          where c.brand_id = $1 and c.player_id = s.player_id
            and c.seq < case when s.player_id = $4 then $5::bigint else 9223372036854775807 end
            and (s.player_id = $4
              or (c.recorded_at, c.player_id) < (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4))
          order by c.seq desc limit $6) w) c
      order by c.sort_at desc, c.player_id desc, c.seq desc limit $6) e
    left join event_evidence v on v.brand_id = e.brand_id and v.player_id = e.player_id and v.act_id = e.act_id
      and v.recorded_at = e.recorded_at
    left join universal_consents u on e.channel = ${recordChannel.universal} and u.id = e.target_id and u.brand_id + 0 = e.brand_id
    left join policies p on e.channel = ${recordChannel.policy} and p.id = e.target_id and p.brand_id + 0 = e.brand_id
    order by e.sort_at desc, e.player_id desc, e.seq desc`,
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
    const { at, playerId, seq } = cursor === undefined ? newest : decodeCursor(cursor);
    const owner = subject.linkedTo ?? clientId;
    const values = [brandId, owner, at, playerId, seq, limit + 1];
    const rows = await this.database.prepared<PlacedRow>(listTimeline, values);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      events: page.map((row) => toTimelineEvent(brand, row)),
      next: rows.length > limit && last ? encodeCursor(last) : null,
    };
  }
}

function encodeCursor({ at, seq, player_id: playerId }: PlacedRow): string {
  return Buffer.from(`${at}:${seq}:${playerId}`).toString('base64url');
}

function decodeCursor(cursor: string): Position {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const [, at, seq, playerId] = /^(\d{1,18}):([1-9]\d{0,17}):(~?[\w-]{1,64})$/.exec(text) ?? [];
  if (at === undefined || seq === undefined || playerId === undefined)
    throw invalidField('cursor', 'cursor must be the one of an earlier page');
  return { at, seq, playerId };
}
