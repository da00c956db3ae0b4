import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { openCluster } from '../../src/database/embedded/cluster.js';
import { stopLeftovers } from '../../src/database/embedded/postmaster.js';
import {
  installLauncher,
  type LauncherOptions,
  type LauncherProcess,
  makeTemporaryFolder,
  PATH_WITHOUT_SETPRIV,
  postmasterPid,
  removeFolder,
  runLauncher,
  serverProcesses,
  untilNoServer,
} from '../support/launcher-process.js';

/** macOS has no way to end the server with its process; the next start does it there. */
const itWhereTied = process.platform === 'linux' ? it : it.skip;

let folder: string;
let installation: string;
let dataDir: string;
const launched: LauncherProcess[] = [];

function launch(options: LauncherOptions = {}, data = dataDir): LauncherProcess {
  const launcher = runLauncher(installation, data, options);
  launched.push(launcher);
  return launcher;
}

async function connect(launcher: LauncherProcess): Promise<pg.Client> {
  const { socketDir, port } = (await launcher.until('ready')) as { socketDir: string; port: number };
  const client = new pg.Client({ host: socketDir, port, user: 'postgres', database: 'postgres' });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Adds a row through one start and stop, and returns how many there are. */
async function addRow(data = dataDir): Promise<number> {
  const launcher = launch({}, data);
  const client = await connect(launcher);
  await client.query('create table if not exists visits (at timestamptz default now())');
  await client.query('insert into visits default values');
  const { rows } = await client.query<{ count: number }>('select count(*)::int from visits');
  await client.end();
  await launcher.kill('SIGTERM');
  expect(launcher.child.exitCode).toBe(0);
  expect(serverProcesses(data)).toEqual([]);
  return rows[0]?.count ?? 0;
}

/** A query that never looks up, so that its process outlives a killed postmaster. */
async function keepBusy(launcher: LauncherProcess): Promise<void> {
  const client = await connect(launcher);
  client.query('select count(*) from generate_series(1, 1e10::bigint)').catch(() => undefined);
  await delay(200);
}

const hasRole = (launcher: LauncherProcess, role: 'guest' | 'owner') =>
  launcher.events.some((entry) => /^Using the database/.test(String(entry.value))) === (role === 'guest');

beforeAll(async () => {
  folder = makeTemporaryFolder();
  installation = join(folder, 'app');
  dataDir = join(folder, 'data');
  installLauncher(installation);
  await addRow();
});
afterAll(async () => {
  await Promise.all(launched.map((launcher) => launcher.kill('SIGKILL')));
  await stopLeftovers(openCluster(dataDir));
  removeFolder(folder);
});

describe('after a kill', () => {
  itWhereTied('ends with its process, and the next start has every row', async () => {
    const before = await addRow();
    const launcher = launch();
    await launcher.until('ready');
    await launcher.kill('SIGKILL');
    await untilNoServer(dataDir);
    expect(await addRow()).toBe(before + 1);
  });

  it('starts again at once, whenever its process was killed', async () => {
    const before = await addRow();
    for (const milliseconds of [60, 90, 120, 160, 200, 250]) {
      const launcher = launch();
      await delay(milliseconds);
      await launcher.kill('SIGKILL');
    }
    expect(await addRow()).toBe(before + 1);
  });

  it('starts again although initdb was cut short', async () => {
    const fresh = join(folder, 'fresh');
    for (const milliseconds of [150, 300, 450]) {
      const launcher = launch({}, fresh);
      await delay(milliseconds);
      await launcher.kill('SIGKILL');
      if (existsSync(join(fresh, 'postgres', 'data')))
        rmSync(join(fresh, 'postgres', 'data'), { recursive: true });
    }
    expect(await addRow(fresh)).toBe(1);
  });

  it.each([
    ['the postmaster', false],
    ['both', true],
  ])('starts again if %s was killed while a query ran', async (_, isBoth) => {
    const before = await addRow();
    const launcher = launch();
    await keepBusy(launcher);
    const pid = postmasterPid(dataDir);
    const killed = isBoth ? launcher.kill('SIGKILL') : undefined;
    process.kill(pid, 'SIGKILL');
    await killed;
    if (!isBoth) expect(await launcher.until('exit')).toBeNull();
    expect(serverProcesses(dataDir)).not.toEqual([]);
    expect(await addRow()).toBe(before + 1);
    await launcher.kill('SIGKILL');
  });

  it('stops a server that was left running where nothing ties it to its process', async () => {
    const before = await addRow();
    const launcher = launch({ path: PATH_WITHOUT_SETPRIV });
    await launcher.until('ready');
    await launcher.kill('SIGKILL');
    await delay(200);
    expect(serverProcesses(dataDir)).not.toEqual([]);
    expect(await addRow()).toBe(before + 1);
    expect(launched.at(-1)?.events[0]?.value).toMatch(/left running/);
  });

  it('stops a server that does not react', async () => {
    const launcher = launch({ path: PATH_WITHOUT_SETPRIV });
    await launcher.until('ready');
    process.kill(postmasterPid(dataDir), 'SIGSTOP');
    await launcher.kill('SIGKILL');
    await stopLeftovers(openCluster(dataDir), { fast: 200, immediate: 500 });
    expect(serverProcesses(dataDir)).toEqual([]);
    await addRow();
  });

  it('is not misled by lock files whose pid belongs to another process now, or that were cut short', async () => {
    const before = await addRow();
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const lockFile = join(dataDir, 'postgres', 'data', 'postmaster.pid');
    const lines = [
      stranger.pid,
      join(dataDir, 'postgres', 'data'),
      1,
      5432,
      '/nonexistent',
      '',
      '1 1',
      'ready',
    ];
    writeFileSync(lockFile, lines.join('\n'), { mode: 0o600 });
    writeFileSync(join(dataDir, 'postgres', 'socket', '.s.PGSQL.5432.lock'), `${stranger.pid}\n`);
    expect(await addRow()).toBe(before + 1);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    stranger.kill('SIGKILL');
    writeFileSync(lockFile, '');
    expect(await addRow()).toBe(before + 2);
  });
});

describe('Ctrl-C', () => {
  it('reaches the service and not the server', async () => {
    const launcher = launch();
    const client = await connect(launcher);
    process.kill(-(launcher.child.pid ?? 0), 'SIGINT');
    await launcher.until('interrupted');
    await delay(200);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
    await launcher.kill('SIGTERM');
  });

  it('does not spoil the making of the database', async () => {
    const launcher = launch({}, join(folder, 'interrupted'));
    await launcher.until('log');
    await delay(100);
    process.kill(-(launcher.child.pid ?? 0), 'SIGINT');
    await launcher.until('ready');
    expect(launcher.events.map((entry) => entry.event)).toEqual(['log', 'interrupted', 'ready']);
    await launcher.kill('SIGTERM');
  });
});

describe('two processes', () => {
  it.each([
    ['first', 3],
    ['later', 3],
  ])('share one server when they start at once for the %s time', async (when, rounds) => {
    const data = join(folder, 'race');
    for (let round = 0; round < rounds; round++) {
      if (when === 'first') rmSync(data, { recursive: true, force: true });
      const group = [launch({}, data), launch({}, data), launch({}, data)];
      for (const launcher of group) await (await connect(launcher)).end();
      const owner = group.filter((launcher) => hasRole(launcher, 'owner'));
      expect(owner).toHaveLength(1);
      for (const guest of group.filter((launcher) => hasRole(launcher, 'guest'))) await guest.kill('SIGTERM');
      expect(serverProcesses(data)).not.toEqual([]);
      await owner[0]?.kill('SIGTERM');
      expect(serverProcesses(data)).toEqual([]);
    }
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'the guest takes over when the owner ends by %s',
    async (signal) => {
      const owner = launch();
      await owner.until('ready');
      const guest = launch();
      await (await connect(guest)).end();
      await owner.kill(signal);
      for (let waited = 0; ; waited += 50) {
        const client = await connect(guest).catch(() => null);
        await client?.end();
        if (client && serverProcesses(dataDir).length > 0 && waited > 0) break;
        expect(waited).toBeLessThan(5_000);
        await delay(50);
      }
      expect(guest.events.some((entry) => /taking it over/.test(String(entry.value)))).toBe(true);
      await guest.kill('SIGTERM');
      expect(guest.child.exitCode).toBe(0);
      expect(serverProcesses(dataDir)).toEqual([]);
    },
  );

  it('wait for each other after a crash, although its lock file says that the server is ready', async () => {
    for (let round = 0; round < 3; round++) {
      const crashed = launch();
      await crashed.until('ready');
      const killed = crashed.kill('SIGKILL');
      process.kill(postmasterPid(dataDir), 'SIGKILL');
      await killed;
      const group = [launch(), launch(), launch()];
      await Promise.all(group.map(async (launcher) => (await connect(launcher)).end()));
      expect(group.filter((launcher) => hasRole(launcher, 'guest'))).toHaveLength(2);
      await Promise.all(group.map((launcher) => launcher.kill('SIGTERM')));
      expect(serverProcesses(dataDir)).toEqual([]);
    }
  });

  it.each([
    ['where it would be', 'socket', '/another/mount'],
    ['where its lock file says', 'elsewhere', undefined],
  ])('leave a server alone that they cannot see but that answers %s', async (_, name, recorded) => {
    const socketDir = join(dataDir, 'postgres', name);
    const socket = join(socketDir, '.s.PGSQL.5432');
    const lines = [
      4194304,
      join(dataDir, 'postgres', 'data'),
      1,
      5432,
      recorded ?? socketDir,
      '',
      '1 1',
      'ready',
    ];
    mkdirSync(socketDir, { recursive: true });
    writeFileSync(join(dataDir, 'postgres', 'data', 'postmaster.pid'), lines.join('\n'));
    const stranger = createServer().listen(socket);
    const launcher = launch();
    expect(await launcher.until('failed')).toMatch(/in another container, is using .*DATA_DIR/);
    expect(existsSync(socket)).toBe(true);
    stranger.close();
    await addRow();
  });
});
