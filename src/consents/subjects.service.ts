import { hash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { isPlayerId } from '../common/player-id.js';
import { KeyedHash } from '../common/secrets.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';

/** Whose word a CustomUserId is. Numbers are for ever. */
export const Namespace = {
  /** A service client's: the player of that id, if there is one, is the same subject. */
  operator: 1,
  /** Anybody's, on an open route: a subject of its own, never the player. */
  claim: 2,
  /** Nobody's: the ClientId was drawn. */
  anonymous: 3,
} as const;

/** Whom an act is of, as it would be created if nobody knew it yet. */
export interface NewSubject {
  namespace: (typeof Namespace)[keyof typeof Namespace];
  clientId: Buffer;
  customUserId: string | null;
  /** What its events stand under. */
  playerId: string;
}

/** Whoever consents to something. */
export interface SubjectView {
  brandId: number;
  clientId: Buffer;
  customUserId: string | null;
  /** What its events stand under: the player's id, or `~` and a digest where the subject is no player. */
  playerId: string;
  /** Whom nobody in particular turned out to be. */
  linkedTo: Buffer | null;
}

const findSubject = {
  name: 'find_subject',
  text: 'select brand_id, custom_user_id, player_id, linked_to from subjects where client_id = $1',
};

const findSubjectsOfUser = {
  name: 'find_subjects_of_user',
  text: `
    select s.client_id from unnest(array[${Namespace.operator}, ${Namespace.claim}]::smallint[]) as n (namespace)
    join subjects s on s.brand_id = $1 and s.namespace = n.namespace and s.custom_user_id = $2`,
};

export const clientIdPattern = /^[0-9A-Fa-f]{64}$/;

/** A ClientId as 32 bytes, or null for what is none. */
export function parseClientId(text: string): Buffer | null {
  return clientIdPattern.test(text) ? Buffer.from(text, 'hex') : null;
}

/** A ClientId as everybody reads it: 64 hexadecimal digits in capitals. */
export function printClientId(clientId: Buffer): string {
  return clientId.toString('hex').toUpperCase();
}

/** Who consents: derives ClientIds, which outsiders cannot compute, and finds who is behind one. */
@Injectable()
export class SubjectsService {
  private readonly hash: KeyedHash;

  constructor(
    private readonly database: Database,
    config: Config,
  ) {
    this.hash = new KeyedHash(config.SECRET_KEYS, 'client-id');
  }

  /** The subject of a CustomUserId, which the operator names or anybody claims; a new one of nobody without it. */
  derive(brandId: number, customUserId: string | null, isOperator: boolean): NewSubject {
    if (customUserId === null) {
      const clientId = randomBytes(32);
      return { namespace: Namespace.anonymous, clientId, customUserId, playerId: streamOf(clientId) };
    }
    const namespace = isOperator ? Namespace.operator : Namespace.claim;
    const parts = isOperator ? [brandId, customUserId] : [brandId, 'web', customUserId];
    const clientId = this.hash.digest(JSON.stringify(parts));
    const playerId = isOperator && isPlayerId(customUserId) ? customUserId : streamOf(clientId);
    return { namespace, clientId, customUserId, playerId };
  }

  /** The subject behind a ClientId, in whatever brand; null when nobody is. */
  async find(clientId: Buffer): Promise<SubjectView | null> {
    const [row] = await this.database.prepared<{
      brand_id: number;
      custom_user_id: string | null;
      player_id: string;
      linked_to: Buffer | null;
    }>(findSubject, [clientId]);
    if (!row) return null;
    return {
      brandId: row.brand_id,
      clientId,
      customUserId: row.custom_user_id,
      playerId: row.player_id,
      linkedTo: row.linked_to,
    };
  }

  /** ClientIds of a CustomUserId: the operator's subject, and that of whoever claims to be it. */
  async findAll(brandId: number, customUserId: string): Promise<Buffer[]> {
    const rows = await this.database.prepared<{ client_id: Buffer }>(findSubjectsOfUser, [
      brandId,
      customUserId,
    ]);
    return rows.map((row) => row.client_id);
  }
}

/**
 * What the events of a subject that is no player stand under. No player's id can begin with it, and nobody can tell the
 * ClientId from it: events and deliveries are seen by more.
 */
export function streamOf(clientId: Buffer): string {
  return `~${hash('sha256', clientId, 'buffer').toString('base64url')}`;
}
