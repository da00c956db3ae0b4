import { randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { NewSubject } from '../subjects.service.js';
import { ConsentLevel, type ConsentLevelName, type Fingerprint } from './universal-record.js';

/** What every act has. */
interface ActBase {
  brandId: number;
  reference: string;
  actor: string;
  source: string;
  /** What came with the request. */
  fingerprint: Fingerprint & { origin: string | null };
}

/** A subject states what it consents to: makes the record of that reference, or replaces it. */
export interface RecordAct extends ActBase {
  /** Null for nobody in particular: a new subject each time. */
  customUserId: string | null;
  /** Whether the CustomUserId is the operator's word, or anybody's claim. */
  isOperator: boolean;
  consentType: string;
  level: ConsentLevelName;
  uri: string | null;
  metadata: string | null;
}

/** Changes some of a record that is there. */
export interface ChangeAct extends ActBase {
  clientId: Buffer;
  level?: ConsentLevelName;
  metadata?: string;
}

/** An act and, where it may be the first, whom it is of. */
export type Act = { given: RecordAct; subject: NewSubject } | { given: ChangeAct; subject?: undefined };

/** A salt and two ids. */
const randomOfAct = 48;
const bytes = (buffer: Buffer) => `\\x${buffer.toString('hex')}`;

/** The acts as record_universal_consents takes them: rows of the type `universal_act`. */
export function universalActsJson(acts: Act[]): string {
  // Drawn at once, since each draw costs more than what it gives.
  const random = randomBytes(randomOfAct * acts.length);
  const rows = acts.map((act, index) =>
    toRow(act, index + 1, random.subarray(randomOfAct * index, randomOfAct * (index + 1))),
  );
  return JSON.stringify(rows);
}

/** Written out without a spread, which costs more than all the rest: these rows are made by the thousand. */
function toRow({ given, subject }: Act, item: number, random: Buffer): object {
  const { fingerprint } = given;
  const record = subject && given;
  return {
    item,
    namespace: subject ? subject.namespace : 0,
    client_id: bytes(subject ? subject.clientId : given.clientId),
    custom_user_id: subject?.customUserId,
    player_id: subject?.playerId,
    record_id: subject && uuidv7({ random: random.subarray(0, 16) }),
    act_id: uuidv7({ random: random.subarray(16, 32) }),
    reference: given.reference,
    consent_type: record?.consentType,
    level: given.level && ConsentLevel[given.level],
    uri: record?.uri,
    metadata: given.metadata,
    actor: given.actor,
    source: given.source,
    salt: bytes(random.subarray(32)),
    // As text: what PostgreSQL puts into a column of text is an object's own letters.
    evidence: {
      ip: fingerprint.ip,
      user_agent: fingerprint.userAgent,
      origin: fingerprint.origin,
      city: fingerprint.city,
      state: fingerprint.state,
      country: fingerprint.country,
      // Of a change, the database completes it.
      uri: record?.uri,
      consent_type: record?.consentType,
      metadata: record?.metadata,
    },
    ip: fingerprint.ip,
    proxified_ip: fingerprint.proxifiedIp,
    user_agent: fingerprint.userAgent,
    city: fingerprint.city,
    state: fingerprint.state,
    country: fingerprint.country,
  };
}
