import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { EmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.js';
import { locatePostgres } from '../../src/database/embedded/postgres-package.js';
import { chooseRunner, giveTo, runThrough } from '../../src/database/embedded/runner.js';

const port = 5433;
const startLimitMs = 20_000;

/** A server that follows another one: a physical copy, reached beside it in the same folder of sockets. */
export class Replica {
  private constructor(
    private readonly server: ChildProcess,
    private readonly primary: EmbeddedPostgres,
  ) {}

  /** Copies a running server, whose data lie in `primaryDir`, into `folder`; resolves when the copy can be read. */
  static async start(primary: EmbeddedPostgres, primaryDir: string, folder: string): Promise<Replica> {
    const data = join(folder, 'data');
    await copy(primary, join(primaryDir, 'postgres', 'data'), data);
    const { postgres } = locatePostgres();
    const runner = chooseRunner(postgres, folder, primary.socketDir);
    const { uid, gid } = statSync(join(primaryDir, 'postgres', 'data'));
    giveTo(folder, { uid, gid });
    const socket = `unix_socket_directories=${primary.socketDir}`;
    const settings = ['listen_addresses=', socket, `port=${port}`, 'hot_standby=on'].flatMap((each) => [
      '-c',
      each,
    ]);
    const [file, rest, options] = runThrough(runner, [postgres, '-D', data, ...settings]);
    const server = spawn(file, rest, { ...options, detached: true, stdio: 'ignore' });
    const replica = new Replica(server, primary);
    await replica.untilReadable();
    return replica;
  }

  url(user: string, database: string): string {
    return this.primary.url(user, database).replace(/port=\d+/, `port=${port}`);
  }

  /** Rows of a statement run by the superuser. */
  async sql<Row extends object>(text: string): Promise<Row[]> {
    const client = new Client({ connectionString: this.url('postgres', 'postgres') });
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    if (this.server.exitCode !== null || this.server.signalCode !== null) return;
    const gone = once(this.server, 'exit');
    this.server.kill('SIGINT');
    await gone;
  }

  private async untilReadable(): Promise<void> {
    const end = Date.now() + startLimitMs;
    for (;;) {
      try {
        await this.sql('select 1');
        return;
      } catch (error) {
        if (Date.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

async function copy(primary: EmbeddedPostgres, from: string, to: string): Promise<void> {
  const client = new Client({ connectionString: primary.superuserUrl('postgres') });
  await client.connect();
  try {
    await client.query(`select pg_backup_start('replica', true)`);
    mkdirSync(join(to, '..'), { recursive: true, mode: 0o700 });
    const { status } = spawnSync('cp', ['-a', from, to]);
    if (status !== 0) throw new Error('the data directory could not be copied');
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
    writeFileSync(join(to, 'backup_label'), rows[0]?.labelfile ?? '');
  } finally {
    await client.end();
  }
  for (const name of ['postmaster.pid', 'postmaster.opts']) rmSync(join(to, name), { force: true });
  writeFileSync(join(to, 'standby.signal'), '');
  const source = `host=${primary.socketDir} port=${primary.port} user=postgres sslmode=disable`;
  appendFileSync(join(to, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`);
  const { uid, gid } = statSync(from);
  spawnSync('chown', ['-R', `${uid}:${gid}`, to]);
}
