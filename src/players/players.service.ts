import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { MarketingState } from '../database/entities/marketing-state.entity.js';
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
      await manager
        .createQueryBuilder()
        .insert()
        .into(MarketingState)
        .values({ ...id })
        .orIgnore()
        .execute();
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
