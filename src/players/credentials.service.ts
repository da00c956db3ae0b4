import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { SessionsService } from '../auth/sessions.service.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Clock } from '../common/clock.js';
import { AppError, invalidField } from '../common/errors.js';
import { PlayerCredentials } from '../database/entities/player-credentials.entity.js';
import { brokenEmailRules } from './email-rules.js';
import { identityKey } from './identity-key.js';
import { PasswordHasher } from './password-hasher.js';
import { brokenPasswordRules } from './password-rules.js';
import { type ChangedBy, type FieldChange, PlayerChangesService } from './player-changes.service.js';
import { endLinks } from './player-links.service.js';
import { brokenUsernameRules } from './username-rules.js';

export const realityChecks = ['15_min', '30_min', '60_min', 'no_limit'] as const;
export type RealityCheck = (typeof realityChecks)[number];

/** How a player logs in and is written to, as operators set it; null clears. */
export interface CredentialChanges {
  username?: string | null;
  password?: string | null;
  /** Whether the password is to be changed before anything else, or the password that is. */
  temporaryPassword?: boolean | string;
  email?: string | null;
  emailVerified?: boolean;
  is2faRequired?: boolean;
  realityCheck?: RealityCheck;
}

/** What is to be stored: checked, and the password hashed. */
export interface PreparedCredentials {
  columns: Partial<Omit<PlayerCredentials, 'brandId' | 'playerId' | 'player'>>;
  emailVerified?: boolean;
  /** The session that a new password leaves alone; default none. */
  keptSession?: string;
}

/** The unique keys of credentials, by what a refusal says. */
const uniqueKeys: Record<string, 'username' | 'email'> = {
  uq_player_credentials_username: 'username',
  uq_player_credentials_email: 'email',
};

/** Which name of a player is another's already, if that is why a statement failed. */
export function takenName(error: unknown): 'username' | 'email' | undefined {
  const { constraint } = error as { constraint?: string };
  return constraint === undefined ? undefined : uniqueKeys[constraint];
}

/** Names and passwords of players, as operators set them. */
@Injectable()
export class CredentialsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly hasher: PasswordHasher,
    private readonly sessions: SessionsService,
    private readonly changes: PlayerChangesService,
    private readonly clock: Clock,
  ) {}

  /** Checks and hashes, before any transaction: that takes its time. invalid_input names the field and the rules it breaks. */
  async prepare(
    { id: brandId, facts }: BrandSettings,
    playerId: string,
    changes: CredentialChanges,
  ): Promise<PreparedCredentials> {
    const { username, email, emailVerified, is2faRequired, realityCheck } = changes;
    if (username) refuse('username', brokenUsernameRules(username));
    const { password, isTemporary } = passwordOf(changes);
    if (email || password) {
      const known = await this.dataSource.manager.findOneBy(PlayerCredentials, { brandId, playerId });
      const name = username === undefined ? known?.username : username;
      // An address that the player has already is not judged anew: the list may have grown since.
      if (email && identityKey(email) !== known?.emailKey) {
        // Of the throw-away ones that everybody knows an operator may let some in.
        refuse('email', brokenEmailRules(email, name ?? '', facts.fraudEmailDomains, true));
      }
      const names = [name, email === undefined ? known?.email : email];
      if (password) refuse('password', brokenPasswordRules(password, facts.passwordMaxLength, names));
    }
    const columns: PreparedCredentials['columns'] = {};
    if (username !== undefined) {
      columns.username = username?.trim() ?? null;
      columns.usernameKey = username === null ? null : identityKey(username);
    }
    if (email !== undefined) {
      columns.email = email?.trim() ?? null;
      columns.emailKey = email === null ? null : identityKey(email);
    }
    if (is2faRequired !== undefined) columns.is2faRequired = is2faRequired;
    if (realityCheck !== undefined) columns.realityCheck = realityCheck;
    if (isTemporary !== undefined) columns.isPasswordTemporary = isTemporary;
    if (password !== undefined) {
      columns.passwordHash =
        password === null ? null : await this.hasher.admit(() => this.hasher.hash(password));
      columns.passwordChangedAt = this.clock.now();
    }
    return { columns, emailVerified };
  }

  /**
   * Writes what was prepared for a player who is there, in the caller's transaction. A new password ends the sessions, and it and
   * another address void the links that were mailed. conflict when another player has the name.
   */
  async put(
    manager: EntityManager,
    id: { brandId: number; playerId: string },
    { columns, emailVerified, keptSession }: PreparedCredentials,
    by: ChangedBy,
  ): Promise<void> {
    if (Object.keys(columns).length === 0 && emailVerified === undefined) return;
    await manager
      .createQueryBuilder()
      .insert()
      .into(PlayerCredentials)
      .values({ ...id })
      .orIgnore()
      .execute();
    const before = await manager.findOneOrFail(PlayerCredentials, {
      where: id,
      lock: { mode: 'pessimistic_write' },
    });
    const isSameAddress = columns.emailKey === undefined || columns.emailKey === before.emailKey;
    const isVerified = emailVerified ?? (isSameAddress && before.emailVerifiedAt !== null);
    const after = {
      ...columns,
      emailVerifiedAt: isVerified ? (isSameAddress && before.emailVerifiedAt) || this.clock.now() : null,
    };
    await manager.update(PlayerCredentials, id, after).catch((error: unknown) => {
      const taken = takenName(error);
      if (!taken) throw error;
      throw new AppError('conflict', `another player of the brand has this ${taken}`);
    });
    const isNewPassword = columns.passwordHash !== undefined;
    if (isNewPassword) await this.sessions.endAll(id.brandId, id.playerId, manager, keptSession);
    if (isNewPassword || !isSameAddress) await endLinks(manager, id, this.clock.now());
    await this.changes.record(manager, id, differences(before, after), by, this.clock.now());
  }
}

function refuse(field: string, codes: readonly string[]): void {
  if (codes.length > 0) throw invalidField(field, `${field} breaks the rules: ${codes.join(', ')}`);
}

function passwordOf({ password, temporaryPassword }: CredentialChanges): {
  password?: string | null;
  isTemporary?: boolean;
} {
  if (typeof temporaryPassword !== 'string') {
    // A password that is not said to be temporary is the player's own.
    return { password, isTemporary: temporaryPassword ?? (password === undefined ? undefined : false) };
  }
  if (password !== undefined)
    throw invalidField('password', 'password and temporaryPassword are both passwords');
  return { password: temporaryPassword, isTemporary: true };
}

const kept = [
  'username',
  'email',
  'emailVerifiedAt',
  'isPasswordTemporary',
  'is2faRequired',
  'realityCheck',
] as const;
const printedAs: Partial<Record<(typeof kept)[number], string>> = {
  emailVerifiedAt: 'emailVerified',
  isPasswordTemporary: 'temporaryPassword',
};

/** What support reads of it: of a password only that there is a new one. */
function differences(before: PlayerCredentials, after: PreparedCredentials['columns']): FieldChange[] {
  const print = (value: string | boolean | Date | null | undefined) => {
    if (value === null || value === undefined) return null;
    return value instanceof Date ? 'true' : String(value);
  };
  const changes = kept.flatMap((column) => {
    if (after[column] === undefined) return [];
    const field = printedAs[column] ?? column;
    const [was, is] = [print(before[column]), print(after[column])];
    return was === is ? [] : [{ field, before: was, after: is }];
  });
  return after.passwordHash === undefined
    ? changes
    : [...changes, { field: 'password', before: null, after: null }];
}
