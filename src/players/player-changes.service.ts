import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { AppError, invalidField } from '../common/errors.js';
import { Database } from '../database/database.js';
import { PlayerChange } from '../database/entities/player-change.entity.js';

/** One field before and after; null where nothing was known, or no longer is. */
export interface FieldChange {
  field: string;
  before: string | null;
  after: string | null;
}

/** Who changes something of a player, and in whose words. */
export interface ChangedBy {
  /** `player`, or `client:` and the id of a service client. */
  actor: string;
  /** Whom the caller names as the one who did it. */
  operator?: string;
  comment?: string;
}

export interface PlayerChangeView extends FieldChange {
  id: string;
  actor: string;
  operator: string | null;
  comment: string | null;
  changedAt: Date;
}

interface ChangeRow extends FieldChange {
  id: string;
  actor: string;
  operator: string | null;
  comment: string | null;
  changed_at: Date;
}

const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const cursorForm = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Parameters: brand, player, id to stay below, limit. Newest first; a row without an id where there is none, no row for nobody. */
const listChanges = {
  name: 'list_player_changes',
  text: `
    select c.id, c.field, c.before, c.after, c.actor, c.operator, c.comment, c.changed_at
    from marketing_states s
    left join lateral (
      select * from player_changes h where h.brand_id = s.brand_id and h.player_id = s.player_id and h.id < $3
      order by h.id desc limit $4) c on true
    where s.brand_id = $1 and s.player_id = $2 collate "C" and s.is_player
    order by c.id desc`,
};

/** What was changed of players, by whom: kept for their support. */
@Injectable()
export class PlayerChangesService {
  constructor(private readonly database: Database) {}

  /** Keeps changes in the transaction that makes them. The player must be there. */
  async record(
    manager: EntityManager,
    player: { brandId: number; playerId: string },
    changes: FieldChange[],
    { actor, operator, comment }: ChangedBy,
    changedAt: Date,
  ): Promise<void> {
    if (changes.length === 0) return;
    await manager.insert(
      PlayerChange,
      changes.map(({ field, before, after }) => ({
        brandId: player.brandId,
        playerId: player.playerId,
        id: uuidv7(),
        field,
        before,
        after,
        actor,
        operator: operator ?? null,
        comment: comment ?? null,
        changedAt,
      })),
    );
  }

  /** A page, newest first; `next` is the cursor of the page after. user_not_found when the brand does not know the player. */
  async list(
    brandId: number,
    playerId: string,
    limit: number,
    cursor?: string,
  ): Promise<{ changes: PlayerChangeView[]; next: string | null }> {
    if (cursor !== undefined && !cursorForm.test(cursor))
      throw invalidField('cursor', 'cursor must be the `next` of an earlier page');
    const values = [brandId, playerId, cursor ?? lastId, limit + 1];
    const found = await this.database.prepared<ChangeRow & { id: string | null }>(listChanges, values);
    if (found.length === 0) throw new AppError('user_not_found');
    const rows = found.filter(({ id }) => id !== null);
    const page = rows.slice(0, limit);
    return {
      changes: page.map((row) => ({
        id: row.id,
        field: row.field,
        before: row.before,
        after: row.after,
        actor: row.actor,
        operator: row.operator,
        comment: row.comment,
        changedAt: row.changed_at,
      })),
      next: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
    };
  }
}
