import { Check, Column, Entity, JoinColumn, OneToOne, PrimaryColumn } from 'typeorm';
import { MarketingState } from './marketing-state.entity.js';

/**
 * A player's figures, as the operator's platform has them; null: nobody has told. Amounts are in minor units of the player's
 * currency, and texts to the driver, which would round them otherwise.
 */
@Entity('player_activity')
@Check(
  'ck_player_activity_wagering_complete',
  `wagering_complete = ANY (ARRAY[''::text, '0'::text, '1'::text])`,
)
@Check('ck_player_activity_bonus_opt_out', 'bonus_opt_out = ANY (ARRAY[0, 1])')
export class PlayerActivity {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_player_activity' })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_player_activity',
  })
  playerId: string;

  @Column({ type: 'text', name: 'marketing_segmentation', nullable: true })
  marketingSegmentation: string | null;

  @Column({ type: 'integer', name: 'tag_status', nullable: true })
  tagStatus: number | null;

  @Column({ type: 'integer', name: 'deposit_count', nullable: true })
  depositCount: number | null;

  /** The status's, a text; the number that player info prints is the player's. */
  @Column({ type: 'text', name: 'vip_level', nullable: true })
  vipLevel: string | null;

  @Column({ type: 'bigint', name: 'average_deposit', nullable: true })
  averageDeposit: string | null;

  @Column({ type: 'text', nullable: true })
  billboard: string | null;

  @Column({ type: 'integer', name: 'segmentation_id', nullable: true })
  segmentationId: number | null;

  @Column({ type: 'bigint', name: 'max_balance', nullable: true })
  maxBalance: string | null;

  @Column({ type: 'integer', nullable: true })
  ut: number | null;

  @Column({ type: 'text', nullable: true })
  decline: string | null;

  @Column({ type: 'integer', name: 'vip_segment', nullable: true })
  vipSegment: number | null;

  @Column({ type: 'bigint', name: 'total_balance', nullable: true })
  totalBalance: string | null;

  @Column({ type: 'bigint', name: 'pending_withdrawal', nullable: true })
  pendingWithdrawal: string | null;

  @Column({ type: 'bigint', name: 'total_withdrawals', nullable: true })
  totalWithdrawals: string | null;

  @Column({ type: 'timestamptz', name: 'last_bet_at', nullable: true })
  lastBetAt: Date | null;

  @Column({ type: 'timestamptz', name: 'last_deposit_at', nullable: true })
  lastDepositAt: Date | null;

  @Column({ type: 'bigint', name: 'last_deposit_amount', nullable: true })
  lastDepositAmount: string | null;

  @Column({ type: 'text', name: 'player_id_link', nullable: true })
  playerIdLink: string | null;

  @Column({ type: 'integer', name: 'bonus_opt_out', nullable: true })
  bonusOptOut: number | null;

  @Column({ type: 'bigint', name: 'real_balance', nullable: true })
  realBalance: string | null;

  @Column({ type: 'boolean', name: 'free_traffic', nullable: true })
  freeTraffic: boolean | null;

  @Column({ type: 'bigint', name: 'deposits_amount', nullable: true })
  depositsAmount: string | null;

  @Column({ type: 'bigint', name: 'bonus_balance', nullable: true })
  bonusBalance: string | null;

  @Column({ type: 'bigint', name: 'max_win', nullable: true })
  maxWin: string | null;

  @Column({ type: 'bigint', name: 'wagering_balance', nullable: true })
  wageringBalance: string | null;

  /** Empty, 0 or 1. */
  @Column({ type: 'text', name: 'wagering_complete', nullable: true })
  wageringComplete: string | null;

  /** Of the event that said so last; null where the platform said it itself since. */
  @Column({ type: 'timestamptz', name: 'wagering_completed_at', nullable: true })
  wageringCompletedAt: Date | null;

  /** The newest event that said so. */
  @Column({ type: 'text', name: 'wagering_event_id', nullable: true })
  wageringEventId: string | null;

  /** Of all time, as events told. */
  @Column({ type: 'bigint', default: 0 })
  rounds: string;

  @Column({ type: 'bigint', default: 0 })
  bets: string;

  @Column({ type: 'bigint', default: 0 })
  wins: string;

  /** When the player was last told how long it has played. */
  @Column({ type: 'timestamptz', name: 'checked_at', nullable: true })
  checkedAt: Date | null;

  @OneToOne(() => MarketingState)
  @JoinColumn([
    {
      name: 'brand_id',
      referencedColumnName: 'brandId',
      foreignKeyConstraintName: 'fk_player_activity_state',
    },
    {
      name: 'player_id',
      referencedColumnName: 'playerId',
      foreignKeyConstraintName: 'fk_player_activity_state',
    },
  ])
  state: MarketingState;
}
