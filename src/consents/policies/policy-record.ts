import { printClientId } from '../subjects.service.js';
import type { PolicyType } from './policy.js';

/** A consent to a policy as it was recorded. */
export interface PolicyRecord {
  id: string;
  /** Under which it is read: its own, or that of somebody whom its subject turned out to be. */
  clientId: Buffer;
  customUserId: string | null;
  createdAt: Date;
  uri: string | null;
  policyId: string;
  policyType: PolicyType;
  version: string;
  isGiven: boolean;
}

/** A record as its readers get it. */
export interface PolicyRecordView {
  Id: string;
  Created: string;
  URI: string | null;
  PolicyId: string;
  PolicyType: PolicyType;
  Version: string;
  ConsentGiven: boolean;
  CustomUserId?: string | null;
  ClientId: string;
}

/** Prints a record; who the subject is only for those who may know. */
export function toPolicyRecordView(record: PolicyRecord, showsCustomUserId: boolean): PolicyRecordView {
  return {
    Id: record.id,
    Created: record.createdAt.toISOString(),
    URI: record.uri,
    PolicyId: record.policyId,
    PolicyType: record.policyType,
    Version: record.version,
    ConsentGiven: record.isGiven,
    ...(showsCustomUserId && { CustomUserId: record.customUserId }),
    ClientId: printClientId(record.clientId),
  };
}
