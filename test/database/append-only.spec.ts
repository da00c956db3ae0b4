import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { isPrivileged, withDataSource } from '../../src/database/schema.js';
import { change, printed } from '../support/consents.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const denied = '42501';
const refused = 'PC002';

let app: TestApp;
let partition: string;

beforeAll(async () => {
  app = await createTestApp();
  await app.call('POST', '/userconsents/kept', { body: { consents: change('email', true) } });
  const [row] = await app.sql<{ name: string }>(
    `select tableoid::regclass::text as name from consent_events where player_id = 'kept'`,
  );
  partition = row?.name ?? '';
});
afterAll(() => app?.close());

/** The SQLSTATE that a statement fails with, in a transaction that is undone; 'done' if it does not fail. */
async function outcomeOf(url: string, statement: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('begin');
    await client.query(statement);
    return 'done';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await client.query('rollback');
    await client.end();
  }
}

const update = (table: string) => `update ${table} set after = 0 where player_id = 'kept'`;
const remove = (table: string) => `delete from ${table} where player_id = 'kept'`;
const insertLike = (table: string) =>
  `insert into ${table} select * from consent_events where brand_id = 1 and player_id = 'nobody'`;

describe('the table of events', () => {
  it('lies in the partition of the month', () => {
    const now = new Date();
    const month = String(now.getUTCMonth() + 1).padStart(2, '0');
    expect(partition).toBe(`consent_events_${now.getUTCFullYear()}_${month}`);
  });

  it('can be read and added to by the service, and nothing else', async () => {
    const url = app.database.serviceUrl;
    expect(await outcomeOf(url, 'select from consent_events')).toBe('done');
    expect(await outcomeOf(url, insertLike('consent_events'))).toBe('done');
    for (const table of ['consent_events', partition, 'consent_events_default']) {
      const statements = [
        update(table),
        remove(table),
        `truncate ${table}`,
        `drop table ${table}`,
        `alter table ${table} disable trigger all`,
        `merge into ${table} t using consent_events e on t.player_id = e.player_id when matched then delete`,
      ];
      for (const statement of statements)
        expect([statement, await outcomeOf(url, statement)]).toEqual([statement, denied]);
    }
    for (const table of [partition, 'consent_events_default']) {
      expect([table, await outcomeOf(url, insertLike(table))]).toEqual([table, denied]);
    }
  });

  it('is not changed by its owner or by a superuser either', async () => {
    for (const url of [app.database.ownerUrl, app.database.superuserUrl]) {
      for (const table of ['consent_events', partition]) {
        expect([table, await outcomeOf(url, update(table))]).toEqual([table, refused]);
        expect([table, await outcomeOf(url, remove(table))]).toEqual([table, refused]);
      }
      for (const table of ['consent_events', 'consent_events cascade', partition, 'consent_events_default']) {
        expect([table, await outcomeOf(url, `truncate ${table}`)]).toEqual([table, refused]);
      }
    }
  });

  it('is as it was after all that', async () => {
    expect((await app.call('GET', '/userconsents/kept')).text).toBe(printed({ email: true }));
    expect(await app.sql(`select seq, before, after from consent_events where player_id = 'kept'`)).toEqual([
      { seq: '1', before: 0, after: 1 },
    ]);
  });
});

describe('the evidence', () => {
  it('can be read and added to by the service, and erased by the owner alone', async () => {
    for (const statement of [
      `update event_evidence set evidence = '{}'`,
      'delete from event_evidence',
      'truncate event_evidence',
    ]) {
      expect([statement, await outcomeOf(app.database.serviceUrl, statement)]).toEqual([statement, denied]);
    }
    const erase = `delete from event_evidence where brand_id = 1 and player_id = 'kept'`;
    expect(await outcomeOf(app.database.ownerUrl, erase)).toBe('done');
  });
});

describe('the service’s role', () => {
  it('makes no tables but in the schema of imports, and cannot say that a migration is done', async () => {
    const url = app.database.serviceUrl;
    expect(await outcomeOf(url, 'create table public.mine (id integer)')).toBe(denied);
    expect(await outcomeOf(url, 'create table staging.mine (id integer)')).toBe('done');
    expect(await outcomeOf(url, `insert into migrations (timestamp, name) values (1, 'x')`)).toBe(denied);
    expect(
      await outcomeOf(
        url,
        `create or replace function refuse_change() returns trigger language plpgsql as 'begin return new; end'`,
      ),
    ).toBe(denied);
  });

  it('is told from those who could rewrite the ledger', async () => {
    const { serviceUrl, ownerUrl, superuserUrl } = app.database;
    expect(await withDataSource(serviceUrl, isPrivileged)).toBe(false);
    expect(await withDataSource(ownerUrl, isPrivileged)).toBe(true);
    expect(await withDataSource(superuserUrl, isPrivileged)).toBe(true);
  });
});
