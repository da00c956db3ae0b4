import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions, migrations } from './options.js';

const migrationLock = 2003;
const lockTimeoutMs = 10_000;

/** Opens a short-lived connection to the schema's owner, and closes it again whatever `work` does. */
export async function withDataSource<T>(
  url: string,
  work: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  const options = dataSourceOptions(url, 1);
  const extra = { statement_timeout: 0, query_timeout: 0, lock_timeout: lockTimeoutMs };
  const dataSource = new DataSource({ ...options, extra });
  await dataSource.initialize();
  try {
    return await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

/** Applies what is missing, one start at a time, and gives the service's role its rights. Answers the names applied. */
export async function migrate(ownerUrl: string, serviceRole: string): Promise<string[]> {
  // On a connection of its own, which waits as long as another start takes.
  const lock = new Client({ connectionString: ownerUrl });
  await lock.connect();
  try {
    await lock.query('select pg_advisory_lock($1)', [migrationLock]);
    return await withDataSource(ownerUrl, async (dataSource) => {
      const applied = await dataSource.runMigrations();
      await grantServiceRole(dataSource, serviceRole);
      return applied.map((migration) => migration.name);
    });
  } finally {
    await lock.end();
  }
}

/** Names of this release's migrations that the database has not seen. */
export async function missingMigrations(dataSource: DataSource): Promise<string[]> {
  const known = migrations.map((migration) => new migration().name);
  const rows: { to_regclass: string | null }[] = await dataSource.query(`select to_regclass('migrations')`);
  if (!rows[0]?.to_regclass) return known;
  const applied: { name: string }[] = await dataSource.query('select name from migrations');
  const names = new Set(applied.map((row) => row.name));
  return known.filter((name) => !names.has(name));
}

/**
 * The rights of the service's role: events and evidence can be read and added, never changed; no DDL but in the schema
 * `staging`, where imports keep their rows. A role that owns the schema already has them (development only).
 */
async function grantServiceRole(dataSource: DataSource, role: string): Promise<void> {
  const [{ owner, name }] = await dataSource.query<[{ owner: boolean; name: string }]>(
    'select current_user = $1 as owner, quote_ident($1) as name',
    [role],
  );
  await dataSource.query('create schema if not exists staging');
  if (owner) return;
  const appendOnly = 'consent_events, event_evidence';
  await dataSource.query(`
    grant usage on schema public to ${name};
    grant usage, create on schema staging to ${name};
    grant select, insert, update, delete on all tables in schema public to ${name};
    grant usage on all sequences in schema public to ${name};
    grant execute on all functions in schema public to ${name}`);
  const partitions: { name: string }[] = await dataSource.query(`
    select quote_ident(c.relname) as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent in ('consent_events'::regclass, 'event_evidence'::regclass)`);
  const partitionNames = partitions.map((row) => row.name).join(', ');
  await dataSource.query(`
    revoke update, delete, truncate on ${appendOnly} from ${name};
    revoke insert, update, delete, truncate on ${partitionNames} from ${name};
    revoke insert, update, delete on migrations from ${name}`);
}

/** Whether the role behind this connection could rewrite the ledger: a superuser, or the owner of its tables. */
export async function isPrivileged(dataSource: DataSource): Promise<boolean> {
  const [row] = await dataSource.query<[{ privileged: boolean | null }]>(`
    select rolsuper or pg_has_role(current_user,
      (select relowner from pg_class where oid = to_regclass('consent_events')), 'member') as privileged
    from pg_roles where rolname = current_user`);
  return row.privileged !== false;
}
