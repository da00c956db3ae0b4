import { Injectable } from '@nestjs/common';
import { Coalescer } from '../common/coalescer.js';
import type { MarketingMasks } from '../consents/marketing-state.js';
import { Database } from '../database/database.js';

/** What is known of a player as a person, and what it may be sent (`email` is that consent); null what is not known. */
export interface PlayerDetailsRow extends MarketingMasks {
  brand_id: number;
  player_id: string;
  has_details: boolean | null;
  first_name: string | null;
  last_name: string | null;
  /** YYYY-MM-DD. */
  birth_on: string | null;
  gender: string | null;
  language: string | null;
  country: string | null;
  city: string | null;
  address: string | null;
  zip_postal_code: string | null;
  phone: string | null;
  is_mobile_verified: boolean | null;
  mobile_verification_changed_at: Date | null;
  mobile_verification_changed_by: string | null;
  pending_mobile_number: string | null;
  email_address: string | null;
  email_verified_at: Date | null;
  is_2fa_required: boolean | null;
}

interface PlayerKey {
  brandId: number;
  playerId: string;
}

/** Parameters: brands and players, a pair each. */
const findDetails = {
  name: 'find_player_details',
  text: `
    select d.* from unnest($1::integer[], $2::text[]) as u (brand_id, player_id)
    cross join lateral (
      select s.brand_id, s.player_id, s.email, s.sms, s.telephone, s.post_mail, s.site_notification, s.push_notification, s.chat,
        s.blocked, s.excluded and coalesce(s.excluded_until > now(), true) as excluded,
        p.has_details, p.first_name, p.last_name, to_char(p.birth_on, 'YYYY-MM-DD') as birth_on, p.gender, p.language, p.country, p.city,
        p.address, p.zip_postal_code, p.phone, p.is_mobile_verified, p.mobile_verification_changed_at,
        p.mobile_verification_changed_by, p.pending_mobile_number,
        c.email as email_address, c.email_verified_at, c.is_2fa_required
      from marketing_states s
      left join players p on p.brand_id = s.brand_id and p.player_id = s.player_id
      left join player_credentials c on c.brand_id = s.brand_id and c.player_id = s.player_id
      where s.brand_id = u.brand_id and s.player_id = u.player_id collate "C" and s.is_player limit 1) d`,
};

/** The details of players, as they and their support see and change them. */
@Injectable()
export class PlayerDetailsService {
  private readonly reads = new Coalescer<PlayerKey, PlayerDetailsRow | null>((keys) => this.readAll(keys), {
    maxItems: 200,
    maxRuns: 4,
  });

  constructor(private readonly database: Database) {}

  /** Null for a player that the brand does not know. */
  find(brandId: number, playerId: string): Promise<PlayerDetailsRow | null> {
    return this.reads.add({ brandId, playerId });
  }

  private async readAll(keys: PlayerKey[]): Promise<(PlayerDetailsRow | null)[]> {
    const rows = await this.database.prepared<PlayerDetailsRow>(findDetails, [
      keys.map(({ brandId }) => brandId),
      keys.map(({ playerId }) => playerId),
    ]);
    const byKey = new Map(rows.map((row) => [`${row.brand_id} ${row.player_id}`, row]));
    return keys.map(({ brandId, playerId }) => byKey.get(`${brandId} ${playerId}`) ?? null);
  }
}
