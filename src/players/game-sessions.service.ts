import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { AppError } from '../common/errors.js';
import { sha256 } from '../common/secrets.js';
import { Database } from '../database/database.js';

/**
 * Opens a game in the newest live session of the player, from whose log-in on its figures count; without one, from now on.
 * Parameters: brand, player, digest of the id, game, seconds that it lasts at most.
 */
const insert = {
  name: 'insert_game_session',
  text: `
    with t as materialized (
      select a.rounds, a.bets, a.wins from player_activity a where a.brand_id = $1 and a.player_id = $2 for share of a)
    insert into game_sessions (brand_id, player_id, id_hash, game_id, expires_at, login_at, start_rounds, start_bets, start_wins)
    select s.brand_id, s.player_id, $3, $4, now() + make_interval(secs => $5), coalesce(l.created_at, now()),
      coalesce(l.start_rounds, (select rounds from t), 0), coalesce(l.start_bets, (select bets from t), 0),
      coalesce(l.start_wins, (select wins from t), 0)
    from (
      select x.brand_id, x.player_id from marketing_states x
      where x.brand_id = $1 and x.player_id = $2 and x.is_player for key share) s
    left join lateral (
      select x.created_at, x.start_rounds, x.start_bets, x.start_wins from sessions x
      where x.brand_id = s.brand_id and x.player_id = s.player_id and x.ended_at is null and x.expires_at > now()
        and x.seen_at + make_interval(secs => x.idle_ttl) > now()
      order by x.created_at desc limit 1) l on true
    returning brand_id`,
};

const end = {
  name: 'end_game_session',
  text: `
    update game_sessions set ended_at = now()
    where brand_id = $1 and id_hash = $2 and ended_at is null and expires_at > now()
    returning brand_id`,
};

/** Games that players have open, as the operator's platform tells. Whoever has the id of one may ask for its player's figures. */
@Injectable()
export class GameSessionsService {
  constructor(
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /** Answers the id, which is shown here only. It lasts as long as a session may. user_not_found for an unknown player. */
  async open(brandId: number, playerId: string, gameId: string): Promise<string> {
    const { facts } = await this.catalogue.get(brandId);
    const id = randomUUID();
    const values = [brandId, playerId, sha256(id), gameId, facts.sessionTtl];
    const opened = await this.database.prepared(insert, values);
    if (opened.length === 0) throw new AppError('user_not_found');
    return id;
  }

  /** Ends it by its id; not_found when the brand has no such game session that is open. */
  async end(brandId: number, id: string): Promise<void> {
    const ended = await this.database.prepared(end, [brandId, sha256(id.toLowerCase())]);
    if (ended.length === 0) throw new AppError('not_found', 'there is no such game session');
  }
}
