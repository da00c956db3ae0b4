import { Injectable } from '@nestjs/common';
import { Client, type Pool, type QueryResultRow } from 'pg';
import { DataSource } from 'typeorm';

/** A statement of a hot path: parsed and planned once per connection under its name. */
export interface Statement {
  name: string;
  text: string;
}

/** The pool beside TypeORM's repositories: for the statements that are prepared, and for whole connections. */
@Injectable()
export class Database {
  constructor(private readonly dataSource: DataSource) {}

  /** TypeORM's own pool, so that both share one limit of connections. */
  get pool(): Pool {
    return (this.dataSource.driver as unknown as { master: Pool }).master;
  }

  /** Runs a named prepared statement; rejects with the driver's error. */
  async prepared<Row extends QueryResultRow>(statement: Statement, values: unknown[]): Promise<Row[]> {
    const result = await this.pool.query<Row>({ name: statement.name, text: statement.text, values });
    return result.rows;
  }

  /** Lends a connection beside the pool, without time limits: for work that takes as long as its input is large. */
  async withConnection<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = this.newClient('player-consent bulk');
    // A connection that dies fails the statement under way, which is where it is dealt with.
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** A client that is not connected yet, beside the pool; the caller ends it. */
  newClient(name: string): Client {
    const { url } = this.dataSource.options as { url?: string };
    return new Client({
      connectionString: url,
      application_name: name,
      keepAlive: true,
      connectionTimeoutMillis: 5000,
    });
  }
}
