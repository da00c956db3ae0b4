import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { CatalogueChanged } from '../consents/marketing-consents.service.js';
import { Player } from '../database/entities/player.entity.js';
import { PlayerCredentials } from '../database/entities/player-credentials.entity.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import {
  type CredentialChanges,
  CredentialsService,
  type PreparedCredentials,
} from './credentials.service.js';
import type { DetailsInput } from './details-rules.js';
import { DetailsWriter, type PlayerFacts } from './details-writer.js';
import type { OptOuts } from './opt-outs.js';
import type { ChangedBy } from './player-changes.service.js';

/** What is known of a player; the credentials are null for one who cannot log in here. */
export interface PlayerView {
  player: Player;
  credentials: PlayerCredentials | null;
}

/** What an operator says of a player; absent keys stay, null clears. */
export interface PlayerAct {
  facts: PlayerFacts;
  details: DetailsInput;
  optOuts: OptOuts;
  credentials: CredentialChanges;
  by: ChangedBy;
  /** JSON text of what came with the request. */
  evidence: string;
}

/** Players as operators tell us of them. */
@Injectable()
export class PlayersService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalogue: BrandCatalogue,
    private readonly credentials: CredentialsService,
    private readonly writer: DetailsWriter,
    private readonly signal: OutboxSignal,
  ) {}

  /**
   * Creates the player, or changes what is given and nothing else, all of it or nothing; answers the player after it.
   * Rejects with invalid_input, and with conflict when a name is another player's.
   */
  async put(brandId: number, playerId: string, act: PlayerAct): Promise<PlayerView> {
    const put = async () => {
      const brand = await this.catalogue.get(brandId);
      const prepared = await this.credentials.prepare(brand, playerId, act.credentials);
      return this.dataSource.transaction((manager) => this.write(manager, brand, playerId, act, prepared));
    };
    const view = await put().catch((error: unknown) => {
      if (!(error instanceof CatalogueChanged)) throw error;
      this.catalogue.forget(brandId);
      return put();
    });
    this.signal.raise(brandId, 'consents');
    return view;
  }

  private async write(
    manager: EntityManager,
    brand: BrandSettings,
    playerId: string,
    { facts, details, optOuts, by, evidence }: PlayerAct,
    prepared: PreparedCredentials,
  ): Promise<PlayerView> {
    const id = { brandId: brand.id, playerId };
    await createPlayer(manager, brand.id, playerId);
    const act = { playerId, details, optOuts, by, source: 'internal', evidence };
    await this.writer.put(manager, brand, act, facts);
    await this.credentials.put(manager, id, prepared, by);
    return {
      player: await manager.findOneByOrFail(Player, id),
      credentials: await manager.findOneBy(PlayerCredentials, id),
    };
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
