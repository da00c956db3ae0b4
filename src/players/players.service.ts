import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Player } from '../database/entities/player.entity.js';

export type PlayerView = Pick<
  Player,
  'playerId' | 'origin' | 'currency' | 'language' | 'bTag' | 'testAccount'
>;
export type PlayerChanges = Partial<Omit<PlayerView, 'playerId'>>;

/** Players as operators tell us of them. */
@Injectable()
export class PlayersService {
  constructor(private readonly dataSource: DataSource) {}

  /** Creates the player, or changes what is given and nothing else; answers the player after it. */
  async put(brandId: number, playerId: string, changes: PlayerChanges): Promise<PlayerView> {
    const id = { brandId, playerId };
    return this.dataSource.transaction(async (manager) => {
      await manager.query(
        `insert into marketing_states as m (brand_id, player_id) values ($1, $2)
         on conflict (brand_id, player_id) do update set is_player = true where not m.is_player`,
        [brandId, playerId],
      );
      await manager
        .createQueryBuilder()
        .insert()
        .into(Player)
        .values({ ...id })
        .orIgnore()
        .execute();
      await manager.update(Player, id, { ...changes, updatedAt: new Date() });
      return manager.findOneByOrFail(Player, id);
    });
  }
}
