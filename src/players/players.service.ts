import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { Player } from '../database/entities/player.entity.js';
import { PlayerCredentials } from '../database/entities/player-credentials.entity.js';
import { type CredentialChanges, CredentialsService } from './credentials.service.js';

/** What is known of a player; the credentials are null for one who cannot log in here. */
export interface PlayerView {
  player: Player;
  credentials: PlayerCredentials | null;
}

export type PlayerChanges = Partial<
  Pick<Player, 'origin' | 'currency' | 'language' | 'bTag' | 'testAccount'>
>;

/** Players as operators tell us of them. */
@Injectable()
export class PlayersService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalogue: BrandCatalogue,
    private readonly credentials: CredentialsService,
  ) {}

  /**
   * Creates the player, or changes what is given and nothing else, all of it or nothing; answers the player after it.
   * Rejects with invalid_input, and with conflict when a name is another player's.
   */
  async put(
    brandId: number,
    playerId: string,
    changes: PlayerChanges,
    credentials: CredentialChanges,
  ): Promise<PlayerView> {
    const id = { brandId, playerId };
    const brand = await this.catalogue.get(brandId);
    const prepared = await this.credentials.prepare(brand, playerId, credentials);
    return this.dataSource.transaction(async (manager) => {
      await createPlayer(manager, brandId, playerId);
      await manager.update(Player, id, { ...changes, updatedAt: new Date() });
      await this.credentials.put(manager, id, prepared);
      return {
        player: await manager.findOneByOrFail(Player, id),
        credentials: await manager.findOneBy(PlayerCredentials, id),
      };
    });
  }
}

/** Makes sure that the player is there. Locks are taken as every change of a player takes them. */
async function createPlayer(manager: EntityManager, brandId: number, playerId: string): Promise<void> {
  await manager.query('select pg_advisory_xact_lock_shared(2001, $1)', [brandId]);
  await manager.query(
    `insert into marketing_states as m (brand_id, player_id) values ($1, $2)
     on conflict (brand_id, player_id) do update set is_player = true where not m.is_player`,
    [brandId, playerId],
  );
  await manager.createQueryBuilder().insert().into(Player).values({ brandId, playerId }).orIgnore().execute();
}
