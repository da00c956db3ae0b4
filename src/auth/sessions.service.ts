import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Coalescer } from '../common/coalescer.js';
import { AppError } from '../common/errors.js';
import { sha256 } from '../common/secrets.js';
import { Database } from '../database/database.js';
import type { PlayerPrincipal } from './principal.js';

const sessionToken = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** Written at most once a minute, and in time where a session may not be idle for long. */
const isUnseen = `seen_at < now() - least(interval '1 minute', make_interval(secs => idle_ttl / 4.0))`;

const findLive = {
  name: 'find_live_sessions',
  text: `
    select id, brand_id, player_id, token_hash, ${isUnseen} as unseen
    from sessions
    where token_hash = any ($1) and ended_at is null and expires_at > now()
      and seen_at + make_interval(secs => idle_ttl) > now()`,
};

/** Waits for nobody: a row that is held is marked by the next request, and many sessions at once have no order to be locked in. */
const markSeen = {
  name: 'mark_sessions_seen',
  text: `
    update sessions set seen_at = now()
    where id = any (array(select id from sessions where id = any ($1) and ${isUnseen} for no key update skip locked))`,
};

/** What a player's totals are is read under a lock that a batch of its events waits for, and that waits for one. */
const columns = `
    with t as materialized (
      select a.rounds, a.bets, a.wins from player_activity a where a.brand_id = $5 and a.player_id = $6 for share of a)
    insert into sessions (id, brand_id, player_id, token_hash, idle_ttl, expires_at, start_rounds, start_bets, start_wins)
    select $1, s.brand_id, s.player_id, $2, $3, now() + make_interval(secs => $4), coalesce((select rounds from t), 0),
      coalesce((select bets from t), 0), coalesce((select wins from t), 0)`;
const insertSession = {
  name: 'insert_session',
  text: `${columns}
    from (select s.brand_id, s.player_id from marketing_states s
          where s.brand_id = $5 and s.player_id = $6 and s.is_player and not s.blocked for key share) s
    returning expires_at`,
};
const findKnown = {
  name: 'find_known_player',
  text: `select 1 from marketing_states where brand_id = $1 and player_id = $2 and is_player`,
};
/** Waits for a block or a new password that is being set, and then finds it: its end of all sessions must not miss this one. */
const insertOwnSession = {
  name: 'insert_own_session',
  text: `${columns}
    from (select s.brand_id, s.player_id from marketing_states s
          join player_credentials c on c.brand_id = s.brand_id and c.player_id = s.player_id
          where s.brand_id = $5 and s.player_id = $6 and s.is_player and not s.blocked and c.password_hash = $7
          for key share of s for share of c) s
    returning expires_at`,
};

const listLive = {
  name: 'list_live_sessions',
  text: `
    select id, created_at, seen_at, expires_at from sessions
    where brand_id = $1 and player_id = $2 and ended_at is null and expires_at > now()
      and seen_at + make_interval(secs => idle_ttl) > now()
    order by created_at desc, id desc`,
};

/** A session just opened: its token is nowhere else. */
export interface OpenedSession {
  id: string;
  token: string;
  expiresAt: Date;
}

/** A live session, as operators see it. */
export interface SessionView {
  id: string;
  createdAt: Date;
  seenAt: Date;
  expiresAt: Date;
}

interface NewSession {
  ttl?: number;
  passwordHash?: string;
  manager?: EntityManager;
}

interface InsertedRow {
  expires_at: Date;
}

interface SessionListRow {
  id: string;
  created_at: Date;
  seen_at: Date;
  expires_at: Date;
}

interface SessionRow {
  id: string;
  brand_id: number;
  player_id: string;
  token_hash: Buffer;
  unseen: boolean;
}

/** Players' sessions. Every request looks its session up, so that an ended one is refused at once by every instance. */
@Injectable()
export class SessionsService {
  private readonly lookUps = new Coalescer<Buffer, PlayerPrincipal | null>((hashes) => this.findAll(hashes), {
    maxItems: 500,
    maxRuns: 4,
  });

  constructor(
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /** Whether a text has the form of a session token. */
  static isToken(text: string): boolean {
    return sessionToken.test(text);
  }

  /** The player whose live session this token is, or null. */
  verify(token: string): Promise<PlayerPrincipal | null> {
    return this.lookUps.add(sha256(token.toLowerCase()));
  }

  /**
   * Opens a session for a known player; `ttl` (seconds) replaces the brand's longest life of a session.
   * The token is shown here only. user_not_found for an unknown player, conflict for one who is blocked.
   */
  async open(brandId: number, playerId: string, ttl?: number): Promise<OpenedSession> {
    const brand = await this.catalogue.get(brandId);
    const session = await this.insert(brand, playerId, { ttl });
    if (session) return session;
    const known = await this.database.prepared(findKnown, [brandId, playerId]);
    if (known.length === 0) throw new AppError('user_not_found');
    throw new AppError('conflict', 'the player is blocked');
  }

  /**
   * Opens a session for a player whose password was found to be right, in the caller's transaction if there is one; null when the
   * player is blocked or the password has changed meanwhile.
   */
  openOwn(
    brand: BrandSettings,
    playerId: string,
    passwordHash: string,
    manager?: EntityManager,
  ): Promise<OpenedSession | null> {
    return this.insert(brand, playerId, { passwordHash, manager });
  }

  /** A player's live sessions, the newest first. */
  async list(brandId: number, playerId: string): Promise<SessionView[]> {
    const rows = await this.database.prepared<SessionListRow>(listLive, [brandId, playerId]);
    return rows.map((row) => ({
      id: row.id,
      createdAt: row.created_at,
      seenAt: row.seen_at,
      expiresAt: row.expires_at,
    }));
  }

  /** Ends a session by its id; not_found when the brand has no such live session. */
  async end(brandId: number, id: string): Promise<void> {
    if (!(await this.close(brandId, id))) throw new AppError('not_found', 'there is no such session');
  }

  /** Ends a session by its id, if it has not ended; answers whether it has now. */
  async close(brandId: number, id: string): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      'update sessions set ended_at = now() where brand_id = $1 and id = $2 and ended_at is null',
      [brandId, id],
    );
    return rowCount === 1;
  }

  /** Ends every live session of a player, in the caller's transaction if there is one, but for `kept`; answers how many. */
  async endAll(brandId: number, playerId: string, manager?: EntityManager, kept?: string): Promise<number> {
    const statement = `
      update sessions set ended_at = now()
      where brand_id = $1 and player_id = $2 and id = any (array(
        select id from sessions
        where brand_id = $1 and player_id = $2 and ended_at is null and id is distinct from $3::uuid
        order by id for no key update))`;
    const values = [brandId, playerId, kept ?? null];
    if (!manager) return (await this.database.pool.query(statement, values)).rowCount ?? 0;
    const [, ended] = await manager.query<[unknown[], number]>(statement, values);
    return ended;
  }

  private async insert(
    { facts }: BrandSettings,
    playerId: string,
    { ttl = facts.sessionTtl, passwordHash, manager }: NewSession,
  ): Promise<OpenedSession | null> {
    const token = randomUUID();
    const id = uuidv7();
    const values: unknown[] = [
      id,
      sha256(token),
      Math.min(facts.sessionIdleTtl, ttl),
      ttl,
      facts.id,
      playerId,
    ];
    if (passwordHash !== undefined) values.push(passwordHash);
    const statement = passwordHash === undefined ? insertSession : insertOwnSession;
    const rows = manager
      ? await manager.query<InsertedRow[]>(statement.text, values)
      : await this.database.prepared<InsertedRow>(statement, values);
    return rows[0] ? { id, token, expiresAt: rows[0].expires_at } : null;
  }

  private async findAll(hashes: Buffer[]): Promise<(PlayerPrincipal | null)[]> {
    const rows = await this.database.prepared<SessionRow>(findLive, [hashes]);
    const unseen = rows.filter((row) => row.unseen).map((row) => row.id);
    if (unseen.length > 0) await this.database.prepared(markSeen, [unseen]);
    const byHash = new Map(rows.map((row) => [row.token_hash.toString('hex'), row]));
    return hashes.map((hash) => {
      const row = byHash.get(hash.toString('hex'));
      if (!row) return null;
      return { kind: 'player', sessionId: row.id, playerId: row.player_id, brandId: row.brand_id };
    });
  }
}
