import { Injectable } from '@nestjs/common';
import { BrandCatalogue } from '../../brands/brand-catalogue.js';
import { BlockChannel, Channel, crmChannels } from '../../consents/channels.js';
import { readRecordedMask } from '../../consents/marketing-state.js';
import { Database } from '../../database/database.js';

/** The change that a webhook tells of. */
export interface ChangeKey {
  brandId: number;
  playerId: string;
  /** The player's last event of the change. */
  seq: string;
  changedAt: Date;
}

interface PublicConsent {
  type: string;
  opted_in: boolean;
  products?: string[];
}

/** A change as its receivers read it. */
export interface WebhookBody {
  type: 'marketing_consent.updated' | 'ping';
  /** RFC 3339, when it was recorded. */
  timestamp: string;
  data: { CustomUserId?: string; consents?: PublicConsent[]; Sequence?: number };
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

  /** The body of a marketing consent's change; rejects with not_found when the brand is gone. */
  async read({ brandId, playerId, seq, changedAt }: ChangeKey): Promise<WebhookBody> {
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
