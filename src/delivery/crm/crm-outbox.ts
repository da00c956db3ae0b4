import { Injectable } from '@nestjs/common';
import { SecretBox } from '../../common/secrets.js';
import { Config } from '../../config/config.js';
import { Database } from '../../database/database.js';
import { releaseEntries } from '../outbox-statements.js';
import type { CrmAddress } from './crm-client.js';
import type { CrmAnswer } from './crm-connection.js';

/** Rows that have done their work are deleted together, so many at most or after so many milliseconds. */
const removedAtOnce = 256;
const removeAfterMs = 20;
/** A CRM that is away fails an event so often at most before it rests; one that fails more often has a reason of its own. */
const broughtForwardUpTo = 3;
const broughtForwardAtOnce = 5000;
/** Seconds that a claimed row is kept from others: the longest a dead worker can delay its work. */
export const leaseSeconds = 30;

/**
 * An event as the database wrote it, to be read by `readJob` when its turn comes: a thousand that wait as objects would be
 * moved by every collection of garbage.
 */
export type PackedJob = string;

export interface CrmJob {
  id: string;
  kind: number;
  /** Failed attempts so far. */
  attempts: number;
  changedAt: Date;
  /** Whom it is about, and where it comes from: JSON strings, quotes and all, as they go into the message. */
  player: string;
  origin: string;
}

export interface CrmClaim {
  jobs: PackedJob[];
  /** When the last of them was due, milliseconds of the Unix epoch; null when there are none. */
  reached: number | null;
}

/** Which due events are meant. */
export interface ClaimRange {
  /** Those that fell due then or later; null for all. */
  from: Date | null;
  /** Those alone that were never tried. */
  onlyFresh: boolean;
}

export interface CrmBrand extends CrmAddress {
  id: number;
}

interface BrandRow {
  id: number;
  crm_base_url: string;
  crm_api_key: Buffer | null;
}

const listBrands = {
  name: 'list_crm_brands',
  text: 'select id, crm_base_url, crm_api_key from brands where crm_enabled order by id',
};
const claim = {
  name: 'claim_crm_events',
  text: `
    select string_agg(concat_ws(e'\\t', id, kind, attempts, extract(epoch from created_at) * 1000, to_json(player_id), to_json(origin)),
        e'\\n') as jobs, extract(epoch from max(due_at))::float8 * 1000 as reached
    from claim_crm_events($1, $2, $3, make_interval(secs => ${leaseSeconds}), $4, $5)`,
};
/**
 * Without waiting for the disk, as claiming is: a row that a crash brings back is told again. Answers the brands of players
 * for whom another event has waited for this one.
 */
const remove = {
  name: 'delete_crm_events',
  text: `
    with told as (
      delete from outbox where id = any ($1) and (select set_config('synchronous_commit', 'off', true)) = 'off'
      returning brand_id, player_id, lane
    )
    select distinct t.brand_id from told t
    where t.lane = 0 and (
      select true from outbox o where o.brand_id = t.brand_id and o.player_id = t.player_id and o.lane = 0
        and coalesce(o.parked_at, o.delivered_at) is null and o.id <> all ($1) limit 1)`,
};
const postpone = {
  name: 'put_off_crm_event',
  text: `
    update outbox set attempts = least(attempts + 1, 32000), leased_until = null, last_status = $2, last_error = $3,
      next_attempt_at = clock_timestamp() + make_interval(secs => $4) where id = $1`,
};
const bringForward = {
  name: 'bring_crm_events_forward',
  text: `
    update outbox set next_attempt_at = clock_timestamp()
    where id = any (array(
      select id from outbox where brand_id = $1 and lane in (0, 1) and parked_at is null and delivered_at is null
        and next_attempt_at > now() and attempts between 1 and ${broughtForwardUpTo}
        and (last_status is null or last_status = 429 or last_status >= 500) limit ${broughtForwardAtOnce} for update skip locked))`,
};

/** Reads an event whose turn has come: values between tabs, of which JSON has none. */
export function readJob(packed: PackedJob): CrmJob {
  const [id = '', kind, attempts, changedAt, player = '', origin = ''] = packed.split('\t');
  return {
    id,
    kind: Number(kind),
    attempts: Number(attempts),
    changedAt: new Date(Number(changedAt)),
    player,
    origin,
  };
}

/** The CRM's rows of the outbox. */
@Injectable()
export class CrmOutbox {
  private readonly keys: SecretBox;
  /** Called with a brand when an event that waited for another of its player need not wait any more. */
  onNextWaits: (brandId: number) => void = () => undefined;
  private done: string[] = [];
  private removing: Promise<unknown> = Promise.resolve();
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly database: Database,
    config: Config,
  ) {
    this.keys = new SecretBox(config.SECRET_KEYS, 'crm-api-key');
  }

  /** Brands whose CRM is switched on. One whose key cannot be opened is left out. */
  async listBrands(): Promise<{ brands: CrmBrand[]; unreadable: number[] }> {
    const rows = await this.database.prepared<BrandRow>(listBrands, []);
    const brands: CrmBrand[] = [];
    const unreadable: number[] = [];
    for (const { id, crm_base_url: baseUrl, crm_api_key: key } of rows) {
      try {
        brands.push({ id, baseUrl, apiKey: key && this.keys.open(key) });
      } catch {
        unreadable.push(id);
      }
    }
    return { brands, unreadable };
  }

  /** Leases at most `limit` due events of a brand's lane; see ClaimRange. */
  async claim(
    brandId: number,
    lane: number,
    limit: number,
    { from, onlyFresh }: ClaimRange,
  ): Promise<CrmClaim> {
    const values = [brandId, lane, limit, from ?? '-infinity', onlyFresh];
    const [row] = await this.database.prepared<{ jobs: string | null; reached: number | null }>(
      claim,
      values,
    );
    return { jobs: row?.jobs?.split('\n') ?? [], reached: row?.reached ?? null };
  }

  /** Gives back what was claimed and not begun. */
  async release(ids: string[]): Promise<void> {
    await this.database.prepared(releaseEntries, [ids]);
  }

  /**
   * The CRM has answered 200: the row has done its work. Does not wait for its deletion unless many do: the next request must
   * not wait for a round trip. A row that stays, because the database is away, is told again when its lease is over.
   */
  remove(id: string): Promise<void> | undefined {
    this.done.push(id);
    if (this.done.length >= removedAtOnce) return this.settle();
    this.timer ??= setTimeout(() => void this.settle(), removeAfterMs);
    return undefined;
  }

  /** Resolves when everything removed so far is deleted, as far as it can be. */
  async settle(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.removing = this.removing.then(async () => {
      const ids = this.done.splice(0);
      if (ids.length === 0) return;
      const rows = await this.database.prepared<{ brand_id: number }>(remove, [ids]).catch(() => []);
      for (const row of rows) this.onNextWaits(row.brand_id);
    });
    await this.removing;
  }

  /** The CRM has not: the row waits `delayMs`. */
  async putOff(id: string, answer: CrmAnswer, delayMs: number): Promise<void> {
    await this.database.prepared(postpone, [id, answer.status, answer.error, delayMs / 1000]);
  }

  /** The brand's CRM answers again: what waits because it was away is due now. */
  async bringForward(brandId: number): Promise<void> {
    const { pool } = this.database;
    const statement = { ...bringForward, values: [brandId] };
    while ((await pool.query(statement)).rowCount === broughtForwardAtOnce);
  }
}
