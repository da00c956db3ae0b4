import { Injectable } from '@nestjs/common';
import { Coalescer } from '../common/coalescer.js';
import { Database } from '../database/database.js';

/** Who a player is to the site that shows it; null what is not known. */
export interface PlayerInfoRow {
  brand_id: number;
  player_id: string;
  username: string | null;
  email: string | null;
  first_name: string | null;
  last_name: string | null;
  gender: string | null;
  country: string | null;
  currency: string | null;
  b_tag: string | null;
  test_account: boolean | null;
  vip_level: number | null;
}

interface PlayerKey {
  brandId: number;
  playerId: string;
}

/** Parameters: brands and players, a pair each. */
const findInfo = {
  name: 'find_player_info',
  text: `
    select d.* from unnest($1::integer[], $2::text[]) as u (brand_id, player_id)
    cross join lateral (
      select s.brand_id, s.player_id, c.username, c.email, p.first_name, p.last_name, p.gender, p.country, p.currency, p.b_tag,
        p.test_account, p.vip_level
      from marketing_states s
      left join players p on p.brand_id = s.brand_id and p.player_id = s.player_id
      left join player_credentials c on c.brand_id = s.brand_id and c.player_id = s.player_id
      where s.brand_id = u.brand_id and s.player_id = u.player_id collate "C" and s.is_player limit 1) d`,
};

/** Players as sites greet them. */
@Injectable()
export class PlayerInfoService {
  private readonly reads = new Coalescer<PlayerKey, PlayerInfoRow | null>((keys) => this.readAll(keys), {
    maxItems: 200,
    maxRuns: 4,
  });

  constructor(private readonly database: Database) {}

  /** Null for a player that the brand does not know. */
  find(brandId: number, playerId: string): Promise<PlayerInfoRow | null> {
    return this.reads.add({ brandId, playerId });
  }

  private async readAll(keys: PlayerKey[]): Promise<(PlayerInfoRow | null)[]> {
    const rows = await this.database.prepared<PlayerInfoRow>(findInfo, [
      keys.map(({ brandId }) => brandId),
      keys.map(({ playerId }) => playerId),
    ]);
    const byKey = new Map(rows.map((row) => [`${row.brand_id} ${row.player_id}`, row]));
    return keys.map(({ brandId, playerId }) => byKey.get(`${brandId} ${playerId}`) ?? null);
  }
}
