import { isNativeError } from 'node:util/types';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Coalescer } from '../../common/coalescer.js';
import { hasWaitedTooLong, isDatabaseAway } from '../../common/errors.js';
import { Database } from '../../database/database.js';
import { OutboxSignal } from '../../database/outbox-signal.js';
import { SubjectsService, type SubjectView } from '../subjects.service.js';
import { type Act, type ChangeAct, type RecordAct, universalActsJson } from './universal-acts.js';
import { levelName, type UniversalRecord } from './universal-record.js';

interface ResultRow {
  item: number;
  id: string;
  client_id: Buffer;
  custom_user_id: string | null;
  reference: string;
  consent_type: string;
  level: number;
  uri: string | null;
  metadata: string | null;
  created_at: Date;
  updated_at: Date;
}

const recordAll = {
  name: 'record_universal_consents',
  text: 'select * from record_universal_consents($1, $2)',
};
const findLevels = {
  name: 'find_consent_levels',
  text: `
    select u.brand_id, u.level
    from unnest($1::bytea[], $2::text[]) with ordinality as k (client_id, reference, place)
    left join lateral (
      select brand_id, level from universal_consents
      where client_id = k.client_id and reference = k.reference collate "C" limit 1) u on true
    order by k.place`,
};
const columns = `u.id, u.brand_id, u.client_id, s.custom_user_id, u.reference, u.consent_type, u.level, u.uri, u.metadata, u.created_at,
  u.updated_at`;
const findRecord = {
  name: 'find_universal_consent',
  text: `
    select ${columns} from universal_consents u join subjects s on s.client_id = u.client_id and s.brand_id + 0 = u.brand_id
    where u.client_id = $1 and u.reference = $2`,
};
const findNewestRecord = {
  name: 'find_newest_universal_consent',
  text: `
    select ${columns} from subjects s
    cross join lateral (
      select * from universal_consents r where r.client_id = s.client_id and r.brand_id + 0 = s.brand_id and r.seq > 0
      order by r.updated_at desc, r.id desc limit 1) u
    where s.client_id = $1`,
};

/** Consent of anyone to anything: the one act, and the reads that go with it. Acts that arrive together share a commit. */
@Injectable()
export class UniversalConsentsService {
  private readonly writes = new Coalescer<Act, UniversalRecord | null>((acts) => this.perBrand(acts), {
    maxItems: 64,
    maxRuns: 2,
  });
  private readonly levels = new Coalescer<{ clientId: Buffer; reference: string }, LevelRow>(
    (keys) =>
      this.database.prepared<LevelRow>(findLevels, [
        keys.map(({ clientId }) => clientId),
        keys.map(({ reference }) => reference),
      ]),
    { maxItems: 200, maxRuns: 4 },
  );

  constructor(
    private readonly database: Database,
    private readonly signal: OutboxSignal,
    private readonly subjects: SubjectsService,
  ) {}

  /** Who is behind a ClientId, in whatever brand; null when nobody is. */
  findSubject(clientId: Buffer): Promise<SubjectView | null> {
    return this.subjects.find(clientId);
  }

  /**
   * Records what a subject consents to, and answers the record after it. Durable when it resolves: record, event, evidence and
   * outbox row are one transaction, the caller's if a manager is given.
   */
  async record(act: RecordAct, manager?: EntityManager): Promise<UniversalRecord> {
    const subject = this.subjects.derive(act.brandId, act.customUserId, act.isOperator);
    const record = await this.write({ given: act, subject }, manager);
    if (!record) throw new Error('the database answered no record');
    return record;
  }

  /** Changes a record; null when the subject has none of that reference in the brand. What changes nothing writes nothing. */
  change(act: ChangeAct, manager?: EntityManager): Promise<UniversalRecord | null> {
    return this.write({ given: act }, manager);
  }

  /** The level in force and its brand; both null where nothing is recorded. */
  findLevel(clientId: Buffer, reference: string): Promise<LevelRow> {
    return this.levels.add({ clientId, reference });
  }

  /** The record of a reference, or without one the most recently updated; null when there is none. */
  async find(clientId: Buffer, reference?: string): Promise<UniversalRecord | null> {
    const [row] =
      reference === undefined
        ? await this.database.prepared<RecordRow>(findNewestRecord, [clientId])
        : await this.database.prepared<RecordRow>(findRecord, [clientId, reference]);
    return row ? toRecord(row.brand_id, row) : null;
  }

  private async write(act: Act, manager?: EntityManager): Promise<UniversalRecord | null> {
    if (!manager) return this.writes.add(act);
    const { brandId } = act.given;
    const rows = await manager.query<ResultRow[]>(recordAll.text, [brandId, universalActsJson([act])]);
    return toResults(brandId, 1, rows)[0] ?? null;
  }

  private async perBrand(acts: Act[]): Promise<(UniversalRecord | null | Error)[]> {
    const results = new Array<UniversalRecord | null | Error>(acts.length);
    const brands = [...new Set(acts.map(({ given }) => given.brandId))];
    await Promise.all(
      brands.map(async (brandId) => {
        const places = acts.flatMap((act, place) => (act.given.brandId === brandId ? [place] : []));
        const own = places.map((place) => acts[place] as Act);
        const settled = await this.writeAll(brandId, own).catch((error: unknown) =>
          own.map(() => asError(error)),
        );
        places.forEach((place, index) => {
          results[place] = settled[index] as UniversalRecord | null | Error;
        });
      }),
    );
    return results;
  }

  private async writeAll(brandId: number, acts: Act[]): Promise<(UniversalRecord | null | Error)[]> {
    try {
      const rows = await this.database.prepared<ResultRow>(recordAll, [brandId, universalActsJson(acts)]);
      this.signal.raise(brandId, 'records');
      return toResults(brandId, acts.length, rows);
    } catch (error) {
      if (acts.length === 1 || (isDatabaseAway(error) && !hasWaitedTooLong(error))) throw error;
      // One act must not fail because of its neighbours.
      return Promise.all(
        acts.map((act) => this.writeAll(brandId, [act]).then(([result]) => result ?? null, asError)),
      );
    }
  }
}

function asError(error: unknown): Error {
  return isNativeError(error) ? error : new Error('a non-error was thrown');
}

export interface LevelRow {
  brand_id: number | null;
  level: number | null;
}

type RecordRow = Omit<ResultRow, 'item'> & { brand_id: number };

function toResults(brandId: number, count: number, rows: ResultRow[]): (UniversalRecord | null)[] {
  const results = new Array<UniversalRecord | null>(count).fill(null);
  for (const row of rows) results[row.item - 1] = toRecord(brandId, row);
  return results;
}

function toRecord(brandId: number, row: Omit<ResultRow, 'item'>): UniversalRecord {
  return {
    id: row.id,
    brandId,
    clientId: row.client_id,
    customUserId: row.custom_user_id,
    reference: row.reference,
    consentType: row.consent_type,
    level: levelName(row.level),
    uri: row.uri,
    metadata: row.metadata,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
