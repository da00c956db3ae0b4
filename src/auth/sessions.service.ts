import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { Coalescer } from '../common/coalescer.js';
import { AppError } from '../common/errors.js';
import { sha256 } from '../common/secrets.js';
import { Database } from '../database/database.js';
import type { PlayerPrincipal } from './principal.js';

const sessionToken = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

const findLive = {
  name: 'find_live_sessions',
  text: `
    select id, brand_id, player_id, token_hash, seen_at < now() - interval '1 minute' as unseen
    from sessions
    where token_hash = any ($1) and ended_at is null and expires_at > now()
      and seen_at + make_interval(secs => idle_ttl) > now()`,
};

const markSeen = {
  name: 'mark_sessions_seen',
  text: `update sessions set seen_at = now() where id = any ($1) and seen_at < now() - interval '1 minute'`,
};

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
   * The token is shown here only. user_not_found for an unknown player.
   */
  async open(
    brandId: number,
    playerId: string,
    ttl?: number,
  ): Promise<{ id: string; token: string; expiresAt: Date }> {
    const brand = await this.catalogue.get(brandId);
    const token = randomUUID();
    const id = uuidv7();
    const seconds = ttl ?? brand.facts.sessionTtl;
    const { rows } = await this.database.pool.query<{ expires_at: Date }>(
      `insert into sessions (id, brand_id, player_id, token_hash, idle_ttl, expires_at)
       select $1, brand_id, player_id, $2, $3, now() + make_interval(secs => $4)
       from marketing_states where brand_id = $5 and player_id = $6 and is_player
       returning expires_at`,
      [id, sha256(token), Math.min(brand.facts.sessionIdleTtl, seconds), seconds, brandId, playerId],
    );
    if (!rows[0]) throw new AppError('user_not_found');
    return { id, token, expiresAt: rows[0].expires_at };
  }

  /** Ends a session by its id; not_found when the brand has no such live session. */
  async end(brandId: number, id: string): Promise<void> {
    const { rowCount } = await this.database.pool.query(
      'update sessions set ended_at = now() where brand_id = $1 and id = $2 and ended_at is null',
      [brandId, id],
    );
    if (!rowCount) throw new AppError('not_found', 'there is no such session');
  }

  /** Ends every live session of a player; answers how many. */
  async endAll(brandId: number, playerId: string): Promise<number> {
    const { rowCount } = await this.database.pool.query(
      'update sessions set ended_at = now() where brand_id = $1 and player_id = $2 and ended_at is null',
      [brandId, playerId],
    );
    return rowCount ?? 0;
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
