import type { Client } from 'pg';
import { copyIn, takeStagingName } from '../../database/staging.js';
import type { StagedRow } from './row-checker.js';

const batchRows = 20_000;
// PostgreSQL keeps no finer statistics.
const maxParts = 10_000;

/** A range of players, from (exclusive) to (inclusive); null = no bound. */
export interface PlayerRange {
  after: string | null;
  upTo: string | null;
}

/** The rows of one import, in an unlogged table of its own, from which they are applied player by player. */
export class StagingTable {
  /** With its schema; none before it was created. */
  name = '';

  constructor(private readonly client: Client) {}

  /** Creates the table. */
  async create(): Promise<void> {
    this.name = await takeStagingName(this.client, 'import');
    // Filled in the transaction that makes it, the table needs no look at row versions ever, and its index answers alone.
    await this.client.query('begin');
    await this.client.query(`
      create unlogged table ${this.name} (
        line integer not null, player_id text collate "C" not null, channel smallint not null, target integer not null,
        occurred_at timestamptz, source text not null
      ) with (autovacuum_enabled = off)`);
  }

  /** Copies rows in as they come. Answers how many. */
  async fill(batches: AsyncIterable<{ line: number; row: StagedRow }[]>): Promise<number> {
    const counter = { rows: 0 };
    await copyIn(this.client, `copy ${this.name} from stdin with (freeze)`, toText(batches, counter));
    await this.client.query('commit');
    return counter.rows;
  }

  /**
   * Sorts the rows by player and cuts them into ranges of some 20,000 rows, no player in two. Where to cut is an estimate of
   * PostgreSQL's statistics: counting would read everything once more.
   */
  async split(rows: number): Promise<PlayerRange[]> {
    await this.client.query(
      `create index on ${this.name} (player_id, line) include (channel, target, occurred_at, source)`,
    );
    const parts = Math.min(maxParts, Math.ceil(rows / batchRows));
    if (parts <= 1) return [{ after: null, upTo: null }];
    await this.client.query(`alter table ${this.name} alter column player_id set statistics ${parts}`);
    await this.client.query(`analyze ${this.name} (player_id)`);
    const { rows: found } = await this.client.query<{ player_id: string }>(
      `select distinct c.player_id collate "C" as player_id
       from pg_stats s
       cross join lateral unnest(s.histogram_bounds::text::text[] || s.most_common_vals::text::text[]) as c (player_id)
       where s.schemaname || '.' || s.tablename = $1 and s.attname = 'player_id' order by 1`,
      [this.name],
    );
    const cuts = [null, ...found.map((row) => row.player_id), null];
    return cuts.slice(1).map((upTo, index) => ({ after: cuts[index] ?? null, upTo }));
  }

  /** Sees to it that every player of a range has a state. */
  async createPlayers(client: Client, brandId: number, [after, upTo]: string[]): Promise<void> {
    await client.query(
      `insert into marketing_states as m (brand_id, player_id)
       select distinct $1::integer, player_id from ${this.name} where player_id > $2 and player_id <= $3 order by 2
       on conflict (brand_id, player_id) do update set is_player = true where not m.is_player`,
      [brandId, after, upTo],
    );
  }

  /** Drops the table. */
  async drop(): Promise<void> {
    if (this.name) await this.client.query(`drop table if exists ${this.name}`);
  }
}

async function* toText(
  batches: AsyncIterable<{ line: number; row: StagedRow }[]>,
  counter: { rows: number },
): AsyncGenerator<string> {
  for await (const batch of batches) {
    let text = '';
    for (const { line, row } of batch)
      text += `${line}\t${row.playerId}\t${row.channel}\t${row.target}\t${row.occurredAt ?? '\\N'}\t${escape(row.source)}\n`;
    counter.rows += batch.length;
    yield text;
  }
}

function escape(text: string): string {
  return text.includes('\\') ? text.replaceAll('\\', '\\\\') : text;
}
