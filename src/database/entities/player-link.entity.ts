import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, Unique } from 'typeorm';
import { PlayerCredentials } from './player-credentials.entity.js';

/** What a link that is mailed to a player does. */
export const linkPurposes = ['activation', 'email_change', 'email_cancel', 'password_reset'] as const;
export type LinkPurpose = (typeof linkPurposes)[number];

/** A link that was mailed to a player: good for one thing, once, for a while. The link itself is in no table. */
@Entity('player_links')
@Unique('uq_player_links_link_hash', ['brandId', 'linkHash'])
@Index('ix_player_links_expires_at', { synchronize: false })
@Check(
  'ck_player_links_purpose',
  `purpose = ANY (ARRAY['activation'::text, 'email_change'::text, 'email_cancel'::text, 'password_reset'::text])`,
)
export class PlayerLink {
  @PrimaryColumn({ type: 'integer', name: 'brand_id', primaryKeyConstraintName: 'pk_player_links' })
  brandId: number;

  @PrimaryColumn({
    type: 'text',
    name: 'player_id',
    collation: 'C',
    primaryKeyConstraintName: 'pk_player_links',
  })
  playerId: string;

  /** UUIDv7. The link is derived from it. */
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'pk_player_links' })
  id: string;

  @Column({ type: 'text' })
  purpose: LinkPurpose;

  /** SHA-256 of the link's secret. */
  @Column({ type: 'bytea', name: 'link_hash' })
  linkHash: Buffer;

  /** The e-mail address that it is about: the new one of a change, and else the player's, to which it went. */
  @Column({ type: 'text' })
  address: string;

  /** What the player said of a change. */
  @Column({ type: 'text', nullable: true })
  comment: string | null;

  @Column({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;

  @Column({ type: 'timestamptz', name: 'expires_at' })
  expiresAt: Date;

  /** When it was used, or became void: by a newer one, a new password or another address. */
  @Column({ type: 'timestamptz', name: 'ended_at', nullable: true })
  endedAt: Date | null;

  @ManyToOne(() => PlayerCredentials)
  @JoinColumn([
    { name: 'brand_id', referencedColumnName: 'brandId', foreignKeyConstraintName: 'fk_player_links_player' },
    {
      name: 'player_id',
      referencedColumnName: 'playerId',
      foreignKeyConstraintName: 'fk_player_links_player',
    },
  ])
  player: PlayerCredentials;
}
