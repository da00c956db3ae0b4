import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * The marketing consents of one player now. A channel's mask: 0 = out; bit 0 = in, with bits 1…30 for the products it is
 * limited to, none of them = no product-specific consent. Written by record_marketing_changes and record_block_change only.
 */
@Entity('marketing_states')
@Index('ix_marketing_states_blocked', ['brandId', 'playerId'], { where: 'blocked' })
@Index('ix_marketing_states_excluded', ['brandId', 'playerId'], { where: 'excluded' })
@Index('ix_marketing_states_excluded_until', ['excludedUntil'], { where: 'excluded_until IS NOT NULL' })
export class MarketingState {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_marketing_states' })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_marketing_states',
  })
  playerId: string;

  /** Number of the player's last event. */
  @Column({ type: 'bigint', default: 0 })
  seq: string;

  @Column({ type: 'integer', default: 0 })
  email: number;

  @Column({ type: 'integer', default: 0 })
  sms: number;

  @Column({ type: 'integer', default: 0 })
  telephone: number;

  @Column({ type: 'integer', name: 'post_mail', default: 0 })
  postMail: number;

  @Column({ type: 'integer', name: 'site_notification', default: 0 })
  siteNotification: number;

  @Column({ type: 'integer', name: 'push_notification', default: 0 })
  pushNotification: number;

  @Column({ type: 'integer', default: 0 })
  chat: number;

  @Column({ type: 'boolean', default: false })
  excluded: boolean;

  @Column({ type: 'boolean', default: false })
  blocked: boolean;

  @Column({ type: 'timestamptz', name: 'excluded_until', nullable: true })
  excludedUntil: Date | null;

  @Column({ type: 'timestamptz', name: 'email_set_at', nullable: true })
  emailSetAt: Date | null;

  @Column({ type: 'timestamptz', name: 'sms_set_at', nullable: true })
  smsSetAt: Date | null;

  @Column({ type: 'timestamptz', name: 'telephone_set_at', nullable: true })
  telephoneSetAt: Date | null;

  @Column({ type: 'timestamptz', name: 'post_mail_set_at', nullable: true })
  postMailSetAt: Date | null;

  @Column({ type: 'timestamptz', name: 'site_notification_set_at', nullable: true })
  siteNotificationSetAt: Date | null;

  @Column({ type: 'timestamptz', name: 'push_notification_set_at', nullable: true })
  pushNotificationSetAt: Date | null;

  @Column({ type: 'timestamptz', name: 'chat_set_at', nullable: true })
  chatSetAt: Date | null;

  /** False while a universal consent alone has named this id: no door knows a player of it yet. */
  @Column({ type: 'boolean', name: 'is_player', default: true })
  isPlayer: boolean;
}
