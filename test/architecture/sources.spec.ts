import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { projectFolder } from '../support/api-document.js';
import {
  type ExemptStatement,
  findStatementsWithoutBrand,
  listAnys,
  listSources,
  listTexts,
} from '../support/source-texts.js';
import { createDatabase, type TestDatabase } from '../support/test-database.js';

function run(arguments_: string[], environment: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, arguments_, {
    cwd: projectFolder,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', ...environment },
  });
  return { status, output: stdout + stderr };
}

/** Statements over tables of brands that mean every brand, or find their row by something unique. */
const exempt: ExemptStatement[] = [
  { text: 'select from service_clients where key_hash = any ($1)', because: 'the demo keys, in any brand' },
  { text: 'select exists(select from consent_events_default)', because: 'an alarm, all brands' },
  {
    text: 'update outbox set leased_until = null where id = any ($1)',
    because: 'ids that a worker has claimed',
  },
  { text: 'delete from outbox where id = any ($1)', because: 'ids that a worker has delivered' },
  {
    text: 'update outbox set attempts = least(attempts + 1, 32000), leased_until = null, last_status = $2',
    because: 'the id that a worker has just tried',
  },
  {
    text: 'update outbox set attempts = attempts + 1, leased_until = null, last_error = $2',
    because: 'the id that a worker has just tried',
  },
  {
    text: 'update sessions set seen_at = now() where id = any (array(select id from sessions where id = any ($1)',
    because: 'ids just found by their tokens',
  },
];

describe('the sources', () => {
  let database: TestDatabase;
  let tables: string[];

  beforeAll(async () => {
    database = await createDatabase();
    const client = new Client({ connectionString: database.superuserUrl });
    await client.connect();
    const { rows } = await client.query<{ name: string }>(`
      select c.relname as name from pg_attribute a join pg_class c on c.oid = a.attrelid
      where a.attname = 'brand_id' and c.relkind in ('r', 'p') and not c.relispartition
        and c.relnamespace = 'public'::regnamespace order by 1`);
    tables = rows.map(({ name }) => name);
    await client.end();
  });
  afterAll(() => database?.drop());

  it('name the brand in every statement over a brand’s table', () => {
    expect(tables).toEqual(
      expect.arrayContaining(['consent_events', 'marketing_states', 'players', 'sessions']),
    );
    const files = listSources('src').filter((file) => !file.includes('/migrations/'));
    const { statements, needless } = findStatementsWithoutBrand(files, tables, exempt);
    expect(statements).toEqual([]);
    expect(needless).toEqual([]);
  });

  it('never say any', () => {
    expect(
      [...listSources('src', { specs: true }), ...listSources('test', { specs: true })].flatMap(listAnys),
    ).toEqual([]);
  });

  it('never trade durability for speed, but where a crash only makes them tell the CRM once more', () => {
    const files = listSources('src').filter((file) => !file.includes('/embedded/'));
    const repeatable = ['create function claim_crm_events', 'with told as (', 'select pg_notify('];
    const found = files
      .flatMap(listTexts)
      .filter(({ text }) => /synchronous_commit|fsync/i.test(text))
      .filter(({ text }) => !repeatable.some((start) => text.trim().startsWith(start)));
    expect(found.map(({ file, line, text }) => `${file}:${line} ${text.slice(0, 80)}`)).toEqual([]);
  });

  it('stay within their floors: dependency-cruiser has nothing to say', () => {
    const cruiser = join('node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
    const { status, output } = run([cruiser, 'src', '--config', '.dependency-cruiser.cjs']);
    expect([status, output]).toEqual([0, expect.stringContaining('no dependency violations found')]);
  });

  it('keep the errors that tests expect in one file', () => {
    const specs = listSources('test', { specs: true }).filter((file) => file.includes('/e2e/'));
    expect(specs.length).toBeGreaterThan(5);
    const wording = /^\{"error":|"code":4\d\d\}|about:blank/;
    const found = specs.flatMap(listTexts).filter(({ text }) => wording.test(text));
    expect(found).toEqual([]);
  });
});

describe('openapi.json', () => {
  it('is what the routes say', async () => {
    const database = await createDatabase();
    const folder = mkdtempSync(join(tmpdir(), 'player-consent-openapi-'));
    const file = join(folder, 'openapi.json');
    try {
      const written = run(['dist/src/write-openapi.js', file], {
        NODE_ENV: 'test',
        DATABASE_URL: database.serviceUrl,
        DATABASE_MIGRATION_URL: database.ownerUrl,
      });
      expect(written).toEqual({ status: 0, output: '' });
      // After an intended change: npm run openapi
      expect(readFileSync(file, 'utf8')).toBe(readFileSync(join(projectFolder, 'openapi.json'), 'utf8'));
    } finally {
      rmSync(folder, { recursive: true });
      await database.drop();
    }
  });
});
