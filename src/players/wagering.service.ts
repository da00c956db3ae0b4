import { Injectable } from '@nestjs/common';
import { AppError } from '../common/errors.js';
import { Database } from '../database/database.js';
import { EventType, eventIdForm } from './player-events.service.js';

/** A bonus whose wagering is complete. */
export interface CompletedWagering {
  id: string;
  /** The most that the bonus could win, in minor units. */
  amount: string;
  /** YYYY-MM-DD HH:MM:SS, in UTC. */
  at: string;
  currency: string | null;
  data: object | null;
}

interface WageringRow extends Omit<CompletedWagering, 'id'> {
  id: string | null;
  is_running: boolean;
}

/** Parameters: brand, player, id of the event. */
const find = {
  name: 'find_completed_wagering',
  text: `
    select e.id, e.amount, to_char(e.at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as at, e.data, p.currency,
      coalesce(a.wagering_balance, 0) > 0 as is_running
    from (select $1::integer as brand_id, $2::text collate "C" as player_id) k
    left join player_events e
      on e.brand_id = k.brand_id and e.player_id = k.player_id and e.id = $3 collate "C" and e.type = ${EventType.wagering_complete}
    left join players p on p.brand_id = k.brand_id and p.player_id = k.player_id
    left join player_activity a on a.brand_id = k.brand_id and a.player_id = k.player_id`,
};

/** Bonuses whose wagering players have completed. */
@Injectable()
export class WageringService {
  constructor(private readonly database: Database) {}

  /**
   * The completion under a reference; null while there is none, and the player still has something to wager. not_found where there is
   * none to come either.
   */
  async find(brandId: number, playerId: string, reference: string): Promise<CompletedWagering | null> {
    // What can be no event's id need not be one that the database can read, either.
    const id = eventIdForm.test(reference) ? reference : null;
    const [row] = await this.database.prepared<WageringRow>(find, [brandId, playerId, id]);
    if (row?.id) return { ...row, id: row.id };
    if (row?.is_running) return null;
    throw new AppError('not_found');
  }
}
