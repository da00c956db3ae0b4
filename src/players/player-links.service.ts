import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull, In, MoreThan } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Clock } from '../common/clock.js';
import { DerivedLinks } from '../common/derived-codes.js';
import { sha256 } from '../common/secrets.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { type LinkPurpose, PlayerLink } from '../database/entities/player-link.entity.js';
import type { MailedLink } from '../delivery/message-transports.js';
import { MessagesService } from '../delivery/messages.service.js';

const hourMs = 3_600_000;
const secretForm = /^[A-Za-z0-9_-]{43}$/;

/** What each link is: how long it lives, the mail that carries it, and the route that it leads to. */
const links: Record<LinkPurpose, { hours: number; template: string; route: string }> = {
  activation: { hours: 72, template: 'activation', route: 'verify/email' },
  email_change: { hours: 24, template: 'email-change', route: 'verify/email' },
  email_cancel: { hours: 24, template: 'email-cancel', route: 'cancel/email' },
  password_reset: { hours: 1, template: 'password-reset', route: 'verify/password' },
};

/** A link to send. */
export interface LinkToSend {
  playerId: string;
  purpose: LinkPurpose;
  /** The e-mail address that it is about. */
  address: string;
  /** Where it goes, if not there. */
  to?: string;
  /** The reader's; else the brand's. */
  language: string | null;
  comment?: string;
}

/** A link just made. Only the mail that carries it will know its secret. */
export interface NewLink {
  id: string;
  hash: Buffer;
  createdAt: Date;
  expiresAt: Date;
  mail: { template: string; variables: Record<string, string>; link: MailedLink };
}

/** A link that is good for something, and whose it is. */
export interface OpenLink {
  playerId: string;
  id: string;
  purpose: LinkPurpose;
  address: string;
  comment: string | null;
  language: string | null;
}

type LinkRow = Omit<OpenLink, 'playerId'> & { player_id: string };

/**
 * Parameters: brand, hash, now, purposes. All but a change's own links are about the address that the player has; who is blocked can
 * cancel a change and no more.
 */
const findOpen = {
  name: 'find_open_player_link',
  text: `
    select l.player_id, l.id, l.purpose, l.address, l.comment, p.language
    from player_links l
    join player_credentials c on c.brand_id = l.brand_id and c.player_id = l.player_id
    join players p on p.brand_id = l.brand_id and p.player_id = l.player_id
    join marketing_states s on s.brand_id = l.brand_id and s.player_id = l.player_id
    where l.brand_id = $1 and l.link_hash = $2 and l.ended_at is null and l.expires_at > $3 and l.purpose = any ($4)
      and (l.purpose in ('email_change', 'email_cancel') or l.address = c.email)
      and (l.purpose = 'email_cancel' or not s.blocked)`,
};

/** Voids a player's open links, of all purposes unless some are named. The player must be locked. */
export async function endLinks(
  manager: EntityManager,
  { brandId, playerId }: { brandId: number; playerId: string },
  now: Date,
  purposes?: readonly LinkPurpose[],
): Promise<void> {
  const of = purposes && { purpose: In([...purposes]) };
  await manager.update(PlayerLink, { brandId, playerId, endedAt: IsNull(), ...of }, { endedAt: now });
}

/**
 * Links that are mailed to players: each for one thing, of one player and one address, once, until it expires or a newer one comes. The
 * database keeps their hashes, and the outbox what they are worked out from.
 */
@Injectable()
export class PlayerLinksService {
  private readonly secrets: DerivedLinks;
  private readonly folder: string;

  constructor(
    private readonly database: Database,
    private readonly messages: MessagesService,
    private readonly clock: Clock,
    config: Config,
  ) {
    this.secrets = new DerivedLinks(config.SECRET_KEYS, 'player-link');
    this.folder = `${config.PATH_PREFIX}/gateway/admission/1.0`;
  }

  /** A link that nothing knows of yet. */
  make(brandId: number, purpose: LinkPurpose): NewLink {
    const { hours, template, route } = links[purpose];
    const id = uuidv7();
    const origin = this.secrets.originOf(id);
    const createdAt = this.clock.now();
    return {
      id,
      hash: sha256(this.secrets.secret(origin)),
      createdAt,
      expiresAt: new Date(createdAt.getTime() + hours * hourMs),
      mail: {
        template,
        variables: { hours: String(hours) },
        link: { ...origin, path: `${this.folder}/${route}/${brandId}?hash=` },
      },
    };
  }

  /**
   * Sends a link in the caller's transaction, whose end the caller signals (OutboxSignal). Earlier ones of the purpose are void. The
   * player must be locked, and have credentials.
   */
  async send(manager: EntityManager, brand: BrandSettings, link: LinkToSend): Promise<void> {
    const { playerId, purpose, address, to = address, language, comment = null } = link;
    const key = { brandId: brand.id, playerId };
    const { id, hash: linkHash, createdAt, expiresAt, mail } = this.make(brand.id, purpose);
    await endLinks(manager, key, createdAt, [purpose]);
    await manager.insert(PlayerLink, {
      ...key,
      id,
      purpose,
      linkHash,
      address,
      comment,
      createdAt,
      expiresAt,
    });
    await this.messages.queueMail(manager, {
      ...key,
      ...mail,
      to,
      language: language ?? brand.facts.defaultLanguage,
    });
  }

  /** The link of one of the purposes that a secret opens now; null for any other text. Changes nothing. */
  async find(brandId: number, secret: unknown, purposes: readonly LinkPurpose[]): Promise<OpenLink | null> {
    if (typeof secret !== 'string' || !secretForm.test(secret)) return null;
    const values = [brandId, sha256(secret), this.clock.now(), purposes];
    const [row] = await this.database.prepared<LinkRow>(findOpen, values);
    if (!row) return null;
    const { player_id: playerId, id, purpose, address, comment, language } = row;
    return { playerId, id, purpose, address, comment, language };
  }

  /** Uses a link up, in the caller's transaction; false when it was used, void or too old by then. The player must be locked. */
  async use(manager: EntityManager, brandId: number, { playerId, id }: OpenLink): Promise<boolean> {
    const now = this.clock.now();
    const open = { brandId, playerId, id, endedAt: IsNull(), expiresAt: MoreThan(now) };
    const { affected } = await manager.update(PlayerLink, open, { endedAt: now });
    return affected === 1;
  }
}
