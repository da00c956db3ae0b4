import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { Readable } from 'node:stream';
import { copyIn, takeStagingName } from '../database/staging.js';
import { OutboxKind, Lane } from '../delivery/outbox-kinds.js';
import { type Field, type FieldRules, printProducts } from './fields.js';
import type { TheirUser } from './their-users.js';

/** Bit 0 of a mask of products: the caller names one that the brand does not have. */
const unknownProduct = 1;

/** In which way a player differs; the numbers stand in the table. */
export const differences = { missing_there: 0, extra_there: 1, different_products: 2 } as const;
export type Difference = keyof typeof differences;

export interface ComparisonCounts {
  /** Users that the caller sent. */
  received: number;
  missing_there: number;
  extra_there: number;
  different_products: number;
  /** CRM events that were queued. */
  queued: number;
}

/** What the caller has and what differs, in two unlogged tables of the primary: neither fits into memory. */
export class ComparisonTable {
  private theirs = '';
  private differing = '';

  constructor(
    private readonly client: Client,
    private readonly field: Field,
  ) {}

  /** Copies the caller's users in as they come. Answers how many. */
  async fill(
    batches: AsyncIterable<TheirUser[]>,
    productBit: (name: string) => number | undefined,
  ): Promise<number> {
    this.theirs = await takeStagingName(this.client, 'compare');
    this.differing = await takeStagingName(this.client, 'compare');
    await this.client.query(
      `create unlogged table ${this.theirs} (player_id text collate "C" not null, mask integer not null)
       with (autovacuum_enabled = off)`,
    );
    const counter = { users: 0 };
    await copyIn(this.client, `copy ${this.theirs} from stdin`, toText(batches, productBit, counter));
    return counter.users;
  }

  /** Finds what differs at the instant of the transaction's snapshot; answers how many of each. */
  async compare(rules: FieldRules): Promise<Record<Difference, number>> {
    await this.client.query(`
      create unlogged table ${this.differing} as
      select coalesce(o.player_id, t.player_id) collate "C" as player_id, coalesce(o.mask, 0) as mask,
        (case when t.player_id is null then ${differences.missing_there} when o.player_id is null then ${differences.extra_there}
          else ${differences.different_products} end)::smallint as difference
      from (
        select player_id, ${this.field.mask(rules)} as mask from marketing_states
        where brand_id = ${Number(rules.brandId)} and ${this.field.condition(rules)}) o
      full join (select player_id, bit_or(mask) as mask from ${this.theirs} group by player_id) t on t.player_id = o.player_id
      where o.player_id is null or t.player_id is null or o.mask <> t.mask`);
    const { rows } = await this.client.query<{ difference: number; players: string }>(
      `select difference, count(*) as players from ${this.differing} group by difference`,
    );
    const count = (name: Difference) =>
      Number(rows.find(({ difference }) => difference === differences[name])?.players ?? 0);
    return {
      missing_there: count('missing_there'),
      extra_there: count('extra_there'),
      different_products: count('different_products'),
    };
  }

  /** Queues the event that makes the CRM read a player again, for each that differs. Answers how many. */
  async queueEvents(brandId: number): Promise<number> {
    const kind = this.field.isBlock ? OutboxKind.crm_blocks : OutboxKind.crm_consents;
    const { rowCount } = await this.client.query(
      `insert into outbox (brand_id, player_id, kind, lane, seq, created_at, next_attempt_at)
       select $1, d.player_id, $2, $3, coalesce(s.seq, 0), clock_timestamp(), clock_timestamp()
       from ${this.differing} d
       left join marketing_states s on s.brand_id = $1 and s.player_id = d.player_id
       where d.player_id ~ '^[A-Za-z0-9_-]{1,64}$'`,
      [brandId, kind, Lane.crmBulk],
    );
    return rowCount ?? 0;
  }

  /** The players who differ in one way, as rows of COPY: `,"id"`, or `,"id":["product"]` with what we have. */
  list(difference: Difference, rules: FieldRules): Readable {
    const own = difference === 'different_products' ? ` || ${printProducts('mask', rules)}` : '';
    // JSON has neither of these characters, so that nothing is quoted once more.
    return this.client.query(
      copyTo(`copy (select ',' || to_json(player_id)::text${own} from ${this.differing} where difference = ${differences[difference]})
        to stdout with (format csv, quote e'\\x01', delimiter e'\\x02')`),
    );
  }

  /** Both tables, as far as they have names yet. */
  get names(): string[] {
    return [this.theirs, this.differing].filter((name) => name !== '');
  }
}

async function* toText(
  batches: AsyncIterable<TheirUser[]>,
  productBit: (name: string) => number | undefined,
  counter: { users: number },
): AsyncGenerator<string> {
  for await (const batch of batches) {
    counter.users += batch.length;
    yield batch.map(({ id, products }) => `${escape(id)}\t${toMask(products, productBit)}\n`).join('');
  }
}

function toMask(products: string[] | null, productBit: (name: string) => number | undefined): number {
  return (products ?? []).reduce((mask, name) => mask | (productBit(name) ?? unknownProduct), 0);
}

const special = /[\\\t\n\r]/g;
const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function escape(id: string): string {
  return id.replaceAll(special, (character) => escapes[character] ?? character);
}
