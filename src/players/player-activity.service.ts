import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { AppError } from '../common/errors.js';
import { CatalogueChanged } from '../consents/marketing-consents.service.js';
import { Database } from '../database/database.js';
import { Player } from '../database/entities/player.entity.js';
import { PlayerActivity } from '../database/entities/player-activity.entity.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { DetailsWriter } from './details-writer.js';
import { findCurrency, type PlayerCurrency, readAmount } from './player-currency.js';
import { lockPlayer } from './player-lock.js';

/** The figures that are amounts, by their names on the wire. */
export const moneyFigures = {
  average_deposit: 'averageDeposit',
  total_balance: 'totalBalance',
  pending_withdrawal: 'pendingWithdrawal',
  total_withdrawals: 'totalWithdrawals',
  last_deposit_amount: 'lastDepositAmount',
  real_balance: 'realBalance',
  depositsAmount: 'depositsAmount',
  bonusBalance: 'bonusBalance',
  maxWin: 'maxWin',
  wageringBalance: 'wageringBalance',
} as const satisfies Record<string, keyof PlayerActivity>;
export type MoneyFigure = keyof typeof moneyFigures;

type Figures = Partial<Omit<PlayerActivity, 'brandId' | 'playerId' | 'state'>>;

/** What an operator says of a player's figures; absent keys stay, null is not known any more. */
export interface ActivityChange {
  /** What is kept as it comes. */
  figures: Figures;
  /** In units of the player's currency. */
  money: Partial<Record<MoneyFigure, number | null>>;
  /** The number that player info prints. */
  vipLevel?: number | null;
  /** Since the log-in of whoever is logged in; an amount in units of the currency. */
  rounds?: number;
  balance?: number;
  chatOptOut?: boolean;
  actor: string;
  /** JSON text of what came with the request. */
  evidence: string;
}

/** Parameters: brand, player. */
const holdState = 'select from marketing_states where brand_id = $1 and player_id = $2 for key share';

/**
 * Moves what the totals were at the log-in, so that so much has been played since. Of bets and wins no more is invented than the
 * balance needs. Parameters: brand, player, rounds, balance; null for what stays.
 */
const moveStarts = [
  ['sessions', 'id'],
  ['game_sessions', 'id_hash'],
].map(
  ([table, id]) => `
    update ${table} s set
      start_rounds = coalesce(a.rounds - $3::bigint, s.start_rounds),
      start_bets = coalesce(a.bets - greatest(a.bets - s.start_bets, -$4::bigint), s.start_bets),
      start_wins = coalesce(a.wins - $4::bigint - greatest(a.bets - s.start_bets, -$4::bigint), s.start_wins)
    from player_activity a
    where a.brand_id = $1 and a.player_id = $2 and s.brand_id = a.brand_id and s.player_id = a.player_id and s.${id} = any (array(
      select x.${id} from ${table} x
      where x.brand_id = $1 and x.player_id = $2 and x.ended_at is null order by x.${id} for no key update))`,
);

/** Players' figures, as the operator's platform tells of them. */
@Injectable()
export class PlayerActivityService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
    private readonly writer: DetailsWriter,
    private readonly signal: OutboxSignal,
  ) {}

  /** Keeps what is said, all of it or nothing. Rejects with user_not_found, and with invalid_input. */
  async put(brandId: number, playerId: string, change: ActivityChange): Promise<void> {
    const put = async () => {
      const brand = await this.catalogue.get(brandId);
      const currency = await findCurrency(this.database, brand.facts, playerId);
      if (!currency) throw new AppError('user_not_found');
      await this.dataSource.transaction((manager) => this.write(manager, brand, playerId, change, currency));
    };
    await put().catch((error: unknown) => {
      if (!(error instanceof CatalogueChanged)) throw error;
      this.catalogue.forget(brandId);
      return put();
    });
    if (change.chatOptOut !== undefined) this.signal.raise(brandId, 'consents');
  }

  private async write(
    manager: EntityManager,
    brand: BrandSettings,
    playerId: string,
    change: ActivityChange,
    currency: PlayerCurrency,
  ): Promise<void> {
    const id = { brandId: brand.id, playerId };
    const { rounds, balance } = change;
    const since = [
      rounds,
      balance === undefined ? undefined : readAmount('balance_since_login', balance, currency),
    ];
    const figures = toFigures(change, currency);
    // Whoever writes a player's figures has the player first, so that no two wait for each other.
    if (change.chatOptOut !== undefined || change.vipLevel !== undefined)
      await this.writePlayer(manager, brand, id, change);
    else await manager.query(holdState, [brand.id, playerId]);
    const isMoved = since.some((value) => value !== undefined);
    if (Object.keys(figures).length === 0 && !isMoved) return;
    await manager
      .createQueryBuilder()
      .insert()
      .into(PlayerActivity)
      .values({ ...id })
      .orIgnore()
      .execute();
    if (Object.keys(figures).length > 0) await manager.update(PlayerActivity, id, figures);
    if (!isMoved) return;
    const values = [brand.id, playerId, ...since.map((value) => value ?? null)];
    for (const statement of moveStarts) await manager.query(statement, values);
  }

  /** What of it is the player's, or a consent of the player's: in the order in which every change locks them. */
  private async writePlayer(
    manager: EntityManager,
    brand: BrandSettings,
    id: { brandId: number; playerId: string },
    { chatOptOut, vipLevel, actor, evidence }: ActivityChange,
  ): Promise<void> {
    await lockPlayer(manager, brand.id, id.playerId);
    await manager
      .createQueryBuilder()
      .insert()
      .into(Player)
      .values({ ...id })
      .orIgnore()
      .execute();
    if (chatOptOut !== undefined) {
      const optOuts = { chat: chatOptOut };
      const act = { ...id, details: {}, optOuts, by: { actor }, source: 'internal', evidence };
      await this.writer.put(manager, brand, act);
    }
    if (vipLevel !== undefined) await manager.update(Player, id, { vipLevel });
  }
}

/** The columns that change. */
function toFigures({ figures, money }: ActivityChange, currency: PlayerCurrency): Figures {
  const amounts = (Object.keys(moneyFigures) as MoneyFigure[]).flatMap((name) => {
    const amount = money[name];
    if (amount === undefined) return [];
    return [[moneyFigures[name], amount === null ? null : String(readAmount(name, amount, currency))]];
  });
  const given = Object.entries(figures).filter(([, value]) => value !== undefined);
  // What the platform says itself needs no event, and grows no older.
  const said = figures.wageringComplete === undefined ? {} : { wageringCompletedAt: null };
  return { ...Object.fromEntries([...given, ...amounts]), ...said } as Figures;
}
