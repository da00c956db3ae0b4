import type { EntityManager } from 'typeorm';
import type { MarketingMasks } from '../consents/marketing-state.js';
import { Player } from '../database/entities/player.entity.js';
import { PlayerCredentials } from '../database/entities/player-credentials.entity.js';

/** A player as it is, and stays until the transaction ends. */
export interface LockedPlayer {
  state: MarketingMasks;
  /** Null for a player known by consents alone. */
  player: Player | null;
  is2faRequired: boolean;
}

/** Parameters: brand, player. An exclusion whose time is over no longer counts, even before its end is written. */
const lockState = `
  select email, sms, telephone, post_mail, site_notification, push_notification, chat, blocked,
    excluded and coalesce(excluded_until > clock_timestamp(), true) as excluded
  from marketing_states where brand_id = $1 and player_id = $2 and is_player for update`;

/**
 * Holds what is kept of a player as it is: first the brand's rules, then the consents, then the details, as every change does.
 * Null when the brand does not know the player.
 */
export async function lockPlayer(
  manager: EntityManager,
  brandId: number,
  playerId: string,
): Promise<LockedPlayer | null> {
  await manager.query('select pg_advisory_xact_lock_shared(2001, $1)', [brandId]);
  const [state] = await manager.query<MarketingMasks[]>(lockState, [brandId, playerId]);
  if (!state) return null;
  const where = { brandId, playerId };
  const player = await manager.findOne(Player, { where, lock: { mode: 'pessimistic_write' } });
  const credentials = await manager.findOne(PlayerCredentials, { where, select: { is2faRequired: true } });
  return { state, player, is2faRequired: credentials?.is2faRequired === true };
}
