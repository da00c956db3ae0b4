import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { AppError } from '../common/errors.js';
import { Database } from '../database/database.js';
import { OutboxSignal } from '../database/outbox-signal.js';

/** Whether a player may be contacted and play at all; notes are the operator's words. */
export interface PlayerBlocksView {
  excluded: { active: boolean; note: string; until: Date | null };
  blocked: { active: boolean; note: string };
}

export interface BlocksChange {
  excluded?: { active: boolean; note: string; until?: Date };
  blocked?: { active: boolean; note: string };
}

const findBlocks = {
  name: 'find_player_blocks',
  text: `
    select s.excluded and coalesce(s.excluded_until > now(), true) as excluded, s.blocked, s.excluded_until,
      coalesce(b.excluded_note, '') as excluded_note, coalesce(b.blocked_note, '') as blocked_note
    from marketing_states s left join player_blocks b on b.brand_id = s.brand_id and b.player_id = s.player_id
    where s.brand_id = $1 and s.player_id = $2 and s.is_player`,
};

const recordBlocks = {
  name: 'record_block_change',
  text: 'select record_block_change($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
};

interface BlocksRow {
  excluded: boolean;
  blocked: boolean;
  excluded_until: Date | null;
  excluded_note: string;
  blocked_note: string;
}

/** Self-exclusions and blocks: each change is an event, and the CRM hears of it. */
@Injectable()
export class PlayerBlocksService {
  constructor(
    private readonly database: Database,
    private readonly signal: OutboxSignal,
  ) {}

  /** The player's blocks; user_not_found when the brand does not know the player. */
  async get(brandId: number, playerId: string): Promise<PlayerBlocksView> {
    const [row] = await this.database.prepared<BlocksRow>(findBlocks, [brandId, playerId]);
    if (!row) throw new AppError('user_not_found');
    return {
      excluded: {
        active: row.excluded,
        note: row.excluded ? row.excluded_note : '',
        until: row.excluded ? row.excluded_until : null,
      },
      blocked: { active: row.blocked, note: row.blocked_note },
    };
  }

  /** Sets what is given, as one act, and answers the blocks after it. An unknown player is created: a block is never lost. */
  async record(
    brandId: number,
    playerId: string,
    change: BlocksChange,
    by: { actor: string; source: string; evidence: string },
  ): Promise<PlayerBlocksView> {
    await this.database.prepared(recordBlocks, [
      brandId,
      playerId,
      uuidv7(),
      by.actor,
      by.source,
      change.excluded?.active ?? null,
      change.excluded?.until ?? null,
      change.excluded?.note ?? null,
      change.blocked?.active ?? null,
      change.blocked?.note ?? null,
      randomBytes(16),
      by.evidence,
    ]);
    this.signal.raise(brandId, 'consents');
    return this.get(brandId, playerId);
  }
}
