import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SessionsService } from '../auth/sessions.service.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { sha256 } from '../common/secrets.js';
import { Database } from '../database/database.js';
import { type AttemptLimit, AttemptLimits } from './attempt-limits.service.js';
import { identityKey } from './identity-key.js';
import { PasswordHasher } from './password-hasher.js';
import {
  type PlayerAction,
  PlayerRequirementsService,
  type RequirementCode,
} from './player-requirements.service.js';

const windowSeconds = 900;
const mostPerPlayer = 10;
const mostPerNetwork = 100;
const challengeSeconds = 600;

/** Who says to be who. Where both names are given, both must be the player's. */
export interface LoginAttempt {
  username?: string;
  email?: string;
  password: string;
  /** Where it comes from; see callerNetwork. */
  network: string;
}

export type LoginOutcome =
  /** `codes` is what the player has to do before anything else. */
  | { kind: 'open'; token: string; codes: RequirementCode[]; actions: PlayerAction[] }
  /** The password was right; a code has to be shown, under this token. */
  | { kind: 'challenge'; token: string };

interface LoginRow {
  player_id: string;
  username_key: string | null;
  email_key: string | null;
  password_hash: string | null;
  is_2fa_required: boolean;
  blocked: boolean;
}

const findBy = (column: 'username_key' | 'email_key') => ({
  name: `find_login_by_${column}`,
  text: `
    select c.player_id, c.username_key, c.email_key, c.password_hash, c.is_2fa_required, s.blocked
    from player_credentials c
    join marketing_states s on s.brand_id = c.brand_id and s.player_id = c.player_id
    where c.brand_id = $1 and c.${column} = $2`,
});
const findByUsername = findBy('username_key');
const findByEmail = findBy('email_key');

const insertChallenge = {
  name: 'insert_login_challenge',
  text: `
    insert into login_challenges (brand_id, token_hash, player_id, password_digest, expires_at)
    values ($1, $2, $3, $4, now() + make_interval(secs => ${challengeSeconds}))`,
};

const findSecondFactor = {
  name: 'find_second_factor',
  text: `
    select is_2fa_required from player_credentials where brand_id = $1 and player_id = $2 collate "C"`,
};

/** Parameters: brand, player, the hash that was found, the one in its place. The hash that stands after it. */
const renewHash = {
  name: 'renew_password_hash',
  text: `
    update player_credentials set password_hash = case when password_hash = $3 then $4 else password_hash end
    where brand_id = $1 and player_id = $2 collate "C" returning password_hash`,
};

/**
 * Players' log-ins. Nothing tells an unknown player from one that is blocked, or locked, or whose password was another: the
 * same statements, one verification of a password, and the same answer.
 */
@Injectable()
export class LoginService {
  constructor(
    private readonly database: Database,
    private readonly hasher: PasswordHasher,
    private readonly limits: AttemptLimits,
    private readonly sessions: SessionsService,
    private readonly requirements: PlayerRequirementsService,
  ) {}

  /** Null for wrong credentials; too_many_requests beyond the limits, and while too many log-ins wait already. */
  logIn(brand: BrandSettings, attempt: LoginAttempt): Promise<LoginOutcome | null> {
    return this.hasher.admit(() => this.verify(brand, attempt));
  }

  private async verify(brand: BrandSettings, attempt: LoginAttempt): Promise<LoginOutcome | null> {
    const found = await this.find(brand.id, attempt);
    const taken = await this.limits.take(brand.id, limitsOf(attempt, found), windowSeconds);
    // By another of the player's names there may have been as many: a refusal would tell that they are the same player's.
    const isLocked = (taken.before[2] ?? 0) >= mostPerPlayer;
    const isRight = await this.hasher.verify(found?.password_hash ?? null, attempt.password);
    if (!found?.password_hash || !isRight || isLocked || found.blocked) return null;
    await this.limits.giveBack(taken);
    const { player_id: playerId } = found;
    const passwordHash = await this.renew(brand.id, playerId, found.password_hash, attempt.password);
    return found.is_2fa_required
      ? this.challenge(brand.id, playerId, passwordHash)
      : this.open(brand, playerId, passwordHash);
  }

  /**
   * A session for a player who has just set a password by a link, if nothing stands in the way of one: nothing to do first, and no
   * code to show.
   */
  async openAfterReset(brand: BrandSettings, playerId: string, passwordHash: string): Promise<string | null> {
    const [row] = await this.database.prepared<{ is_2fa_required: boolean }>(findSecondFactor, [
      brand.id,
      playerId,
    ]);
    const codes = await this.requirements.findCodes(brand, playerId);
    if (!row || row.is_2fa_required || codes.length > 0) return null;
    const session = await this.sessions.openOwn(brand, playerId, passwordHash);
    return session?.token ?? null;
  }

  /** Hashes the right password anew where its hash took less than hashes take now; answers the hash that stands. */
  private async renew(
    brandId: number,
    playerId: string,
    passwordHash: string,
    password: string,
  ): Promise<string> {
    if (!this.hasher.isOutdated(passwordHash)) return passwordHash;
    const renewed = await this.hasher.hash(password);
    const values = [brandId, playerId, passwordHash, renewed];
    const [row] = await this.database.prepared<{ password_hash: string | null }>(renewHash, values);
    // Another log-in may have been first, and its hash is of the same password.
    const stands = row?.password_hash ?? null;
    if (stands === renewed || stands === null) return renewed;
    return (await this.hasher.verify(stands, password)) ? stands : passwordHash;
  }

  private async find(brandId: number, { username, email }: LoginAttempt): Promise<LoginRow | null> {
    const usernameKey = username === undefined ? null : identityKey(username);
    const emailKey = email === undefined ? null : identityKey(email);
    const [row] =
      usernameKey === null
        ? await this.database.prepared<LoginRow>(findByEmail, [brandId, emailKey])
        : await this.database.prepared<LoginRow>(findByUsername, [brandId, usernameKey]);
    return row && (emailKey === null || row.email_key === emailKey) ? row : null;
  }

  private async challenge(brandId: number, playerId: string, passwordHash: string): Promise<LoginOutcome> {
    const token = randomUUID();
    await this.database.prepared(insertChallenge, [brandId, sha256(token), playerId, sha256(passwordHash)]);
    return { kind: 'challenge', token };
  }

  private async open(
    brand: BrandSettings,
    playerId: string,
    passwordHash: string,
  ): Promise<LoginOutcome | null> {
    const { codes, actions } = await this.requirements.find(brand, playerId);
    const session = await this.sessions.openOwn(brand, playerId, passwordHash);
    return session && { kind: 'open', token: session.token, codes, actions };
  }
}

/** Whom a log-in says to be, the network it comes from, and the player that it found, or would have. */
function limitsOf({ username, email, network }: LoginAttempt, found: LoginRow | null): AttemptLimit[] {
  const names = [username, email].map((name) => (name === undefined ? '' : identityKey(name)));
  return [
    { of: ['login', 'names', network, ...names], most: mostPerPlayer },
    { of: ['login', 'network', network], most: mostPerNetwork },
    { of: found ? ['login', 'player', network, found.player_id] : ['login', 'nobody', network, ...names] },
  ];
}
