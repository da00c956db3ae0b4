import { printClientId } from '../subjects.service.js';

/** How much a subject consents to. Numbers are for ever; 0 stands for "nothing recorded" in events. */
export const ConsentLevel = { None: 1, Partial: 2, All: 3 } as const;
export type ConsentLevelName = keyof typeof ConsentLevel;
export const consentLevels = ['All', 'Partial', 'None'] as const;

const namesByLevel: readonly ConsentLevelName[] = ['None', 'None', 'Partial', 'All'];

/** The name of a level; what was never recorded is None. */
export function levelName(level: number): ConsentLevelName {
  return namesByLevel[level] ?? 'None';
}

/** Where a request came from. */
export interface Fingerprint {
  ip: string | null;
  /** The address's network. */
  proxifiedIp: string | null;
  userAgent: string | null;
  city: string | null;
  state: string | null;
  /** ISO 3166-1 alpha-2. */
  country: string | null;
}

/** The current record of a subject and a reference. */
export interface UniversalRecord {
  id: string;
  brandId: number;
  clientId: Buffer;
  customUserId: string | null;
  reference: string;
  consentType: string;
  level: ConsentLevelName;
  uri: string | null;
  metadata: string | null;
  createdAt: Date;
  updatedAt: Date;
}

/** A record as its readers get it. */
export interface UniversalRecordView {
  Id: string;
  Created: string;
  LastUpdated: string;
  URI: string | null;
  ConsentGiven: ConsentLevelName;
  ConsentType: string;
  Metadata: string | null;
  Reference: string;
  CustomUserId?: string | null;
  ClientId: string;
}

/** Prints a record; who the subject is only for those who may know. */
export function toRecordView(record: UniversalRecord, showsCustomUserId: boolean): UniversalRecordView {
  return {
    Id: record.id,
    Created: record.createdAt.toISOString(),
    LastUpdated: record.updatedAt.toISOString(),
    URI: record.uri,
    ConsentGiven: record.level,
    ConsentType: record.consentType,
    Metadata: record.metadata,
    Reference: record.reference,
    ...(showsCustomUserId && { CustomUserId: record.customUserId }),
    ClientId: printClientId(record.clientId),
  };
}
