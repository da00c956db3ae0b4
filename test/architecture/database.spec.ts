import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, type QueryResultRow } from 'pg';
import { migrate, withDataSource } from '../../src/database/schema.js';
import { projectFolder } from '../support/api-document.js';
import { createDatabase, serviceRole, type TestDatabase } from '../support/test-database.js';

const catalogueFile = join(projectFolder, 'test', 'architecture', 'catalogue.json');

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase({ empty: true });
  await migrate(database.ownerUrl, serviceRole);
});
afterAll(() => database?.drop());

async function rows<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new Client({ connectionString: database.superuserUrl });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** What TypeORM does not see, in words that are the same on every supported PostgreSQL and in every month. */
async function readCatalogue(): Promise<Record<string, string[]>> {
  const list = async (text: string, values: unknown[] = []) =>
    (await rows<{ line: string }>(text, values)).map(({ line }) =>
      line.replaceAll(/_20\d\d_\d\d/g, '_<month>'),
    );
  const unique = (lines: string[]) => [...new Set(lines)].sort();
  return {
    functions: await list(`
      select format('%s(%s) returns %s, %s, security %s, settings %s, body %s', p.proname,
        pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid),
        case p.provolatile when 'v' then 'volatile' when 's' then 'stable' else 'immutable' end,
        case when p.prosecdef then 'definer' else 'invoker' end,
        coalesce(array_to_string(p.proconfig, '; '), 'none'), md5(p.prosrc)) as line
      from pg_proc p where p.pronamespace = 'public'::regnamespace order by 1`),
    triggers: unique(
      await list(`
        select format('%s on %s: %s', t.tgname, c.relname, regexp_replace(pg_get_triggerdef(t.oid), '^.* (BEFORE|AFTER)', '\\1')) as line
        from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where not t.tgisinternal and c.relnamespace = 'public'::regnamespace`),
    ),
    partitions: unique(
      await list(`
        select format('%s of %s %s, key %s', c.relname, p.relname,
          case when pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT' then 'default' else 'by month' end, pg_get_partkeydef(p.oid)) as line
        from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
        where c.relkind = 'r'`),
    ),
    checks: await list(`
      select format('%s on %s: %s', conname, conrelid::regclass, pg_get_constraintdef(oid)) as line
      from pg_constraint where contype = 'c' and connamespace = 'public'::regnamespace order by 1`),
    'indexes of another kind': unique(
      await list(`
        select pg_get_indexdef(i.indexrelid) as line
        from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
        where c.relnamespace = 'public'::regnamespace and (i.indexprs is not null or m.amname <> 'btree')`),
    ),
    storage: await list(`
      select format('%s: %s', relname, array_to_string(reloptions, ', ')) as line
      from pg_class where reloptions is not null and relnamespace = 'public'::regnamespace order by 1`),
    'rights of the service': unique(
      await list(
        `select format('%s: %s', c.relname, string_agg(lower(g.privilege_type), ', ' order by g.privilege_type)) as line
         from pg_class c, aclexplode(c.relacl) g join pg_roles r on r.oid = g.grantee
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and r.rolname = $1 group by c.relname`,
        [serviceRole],
      ),
    ),
  };
}

describe('migrations', () => {
  it('leave TypeORM nothing to generate', async () => {
    const pending = await withDataSource(database.ownerUrl, async (dataSource) => {
      const sql = await dataSource.driver.createSchemaBuilder().log();
      return sql.upQueries.map(({ query }) => query);
    });
    expect(pending).toEqual([]);
  });

  it('make the objects that TypeORM does not see as they are committed in catalogue.json', async () => {
    const catalogue = await readCatalogue();
    if (process.env.UPDATE_CATALOGUE) writeFileSync(catalogueFile, `${JSON.stringify(catalogue, null, 2)}\n`);
    // After an intended change: UPDATE_CATALOGUE=1 npm test -- architecture/database
    expect(catalogue).toEqual(JSON.parse(readFileSync(catalogueFile, 'utf8')));
  });

  it('can be undone and done again', async () => {
    const before = await readCatalogue();
    await withDataSource(database.ownerUrl, async (dataSource) => {
      for (let left = dataSource.migrations.length; left > 0; left--) await dataSource.undoLastMigration();
    });
    const left = await rows(`
      select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'S')
        and relname not like 'migrations%'
      union all select proname from pg_proc where pronamespace = 'public'::regnamespace`);
    expect(left).toEqual([]);
    const applied = await migrate(database.ownerUrl, serviceRole);
    expect(applied.length).toBeGreaterThanOrEqual(2);
    expect(await readCatalogue()).toEqual(before);
  });

  it('may be asked for by several starts at once, and again', async () => {
    const fresh = await createDatabase({ empty: true });
    const applied = await Promise.all(Array.from({ length: 3 }, () => migrate(fresh.ownerUrl, serviceRole)));
    expect(applied.map(({ length }) => length).sort()).toEqual([0, 0, expect.any(Number)]);
    expect(await migrate(fresh.ownerUrl, serviceRole)).toEqual([]);
    await fresh.drop();
  });

  it('lead every key of a brand’s table by the brand', async () => {
    const keys = await rows<{ name: string; key: string }>(`
      select con.conrelid::regclass::text as name, pg_get_constraintdef(con.oid) as key
      from pg_constraint con join pg_class c on c.oid = con.conrelid
      where con.contype = 'p' and not c.relispartition and c.relnamespace = 'public'::regnamespace
        and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'player_id')`);
    expect(keys.length).toBeGreaterThanOrEqual(5);
    const byOtherIds = ['sessions', 'outbox', 'subjects'];
    const misled = keys.filter(
      ({ name, key }) => !key.startsWith('PRIMARY KEY (brand_id, player_id') && !byOtherIds.includes(name),
    );
    expect(misled).toEqual([]);
  });
});
