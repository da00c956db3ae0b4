import { spawnSync, type SpawnOptions } from 'node:child_process';
import { chownSync, lchownSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { unsupported } from './postgres-package.js';

/** A user as numbers. */
export interface Account {
  uid: number;
  gid: number;
}

/** A way to run PostgreSQL's programs: it refuses to run as root, and should end with this process. */
export interface Runner {
  /** Programs and options that go before the command. */
  prefix: readonly string[];
  /** The account that Node switches to when no program in the prefix does. */
  switchTo?: Account;
  /** Who must own the database's files; absent when they are simply ours. */
  owner?: Account;
}

const END_WITH_PARENT = ['setpriv', '--pdeathsig', 'INT'];
const ROOT: Account = { uid: 0, gid: 0 };

/** A command line and spawn options that run `args` through the runner. */
export function runThrough(runner: Runner, args: string[]): [string, string[], SpawnOptions] {
  const [file = '', ...rest] = [...runner.prefix, ...args];
  // Nothing of the caller's PG*, LD_* or locale settings reaches the server. UTC spares initdb a search for the zone.
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', TZ: 'UTC' };
  return [file, rest, { env, cwd: '/', ...runner.switchTo }];
}

/** The account that root hands the database to: whoever owns it already, else `postgres`, else `nobody`. */
export function accountFor(folder: string, passwd = '/etc/passwd'): Account {
  const { uid, gid } = statSync(folder);
  if (uid !== 0) return { uid, gid };
  const lines = readFileSync(passwd, 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
    // macOS writes nobody as -2.
    if (fields) return { uid: Number(fields[2]) >>> 0, gid: Number(fields[3]) >>> 0 };
  }
  return { uid: 65534, gid: 65534 };
}

function runnersForRoot(account: Account): Runner[] {
  const drop = [
    ...END_WITH_PARENT,
    '--reuid',
    `${account.uid}`,
    '--regid',
    `${account.gid}`,
    '--clear-groups',
  ];
  // The account keeps one right of root's: to pass folders such as /root. Without the bit access(2) ignores it.
  const keep = (right: string) => [
    ...drop,
    ...['--securebits', '+no_setuid_fixup', `--inh-caps=+${right}`, `--ambient-caps=+${right}`, '--'],
  ];
  const map = ['unshare', '--user', `--map-user=${account.uid}`, `--map-group=${account.gid}`, '--'];
  return [
    { prefix: [...drop, '--'], owner: account },
    { prefix: keep('dac_read_search'), owner: account },
    { prefix: keep('dac_override'), owner: account },
    { prefix: [], switchTo: account, owner: account },
    { prefix: [...map, ...END_WITH_PARENT, '--'], owner: ROOT },
  ];
}

function runnersForUser(): Runner[] {
  return [{ prefix: [...END_WITH_PARENT, '--'] }, { prefix: [] }];
}

/** Gives a folder and what is in it to an account; the folder itself last, so that a repeat finishes the work. */
export function giveTo(folder: string, account: Account): void {
  if (statSync(folder).uid === account.uid) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) giveTo(path, account);
    else lchownSync(path, account.uid, account.gid);
  }
  chownSync(folder, account.uid, account.gid);
}

function tryRunner(runner: Runner, postgres: string, folders: string[]): string | null {
  const script = '"$0" --version >/dev/null && for folder; do cd "$folder" || exit 1; done';
  // What lies inside one of the folders becomes reachable with it.
  const parents = folders.map((folder) => dirname(folder)).filter((parent) => !folders.includes(parent));
  const args = ['/bin/sh', '-c', script, postgres, ...parents];
  const [file, rest, options] = runThrough(runner, args);
  const result = spawnSync(file, rest, { ...options, encoding: 'utf8' });
  if (result.status !== 0) return result.error?.message ?? String(result.stderr).trim();
  try {
    for (const folder of folders) if (runner.owner) giveTo(folder, runner.owner);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Picks the least privileged way to run PostgreSQL that reaches its programs and the given folders, and makes the
 * folders belong to the account it will run as.
 *
 * @throws an error with advice if there is none
 */
export function chooseRunner(postgres: string, clusterFolder: string, socketFolder: string): Runner {
  const isRoot = process.getuid?.() === 0;
  const candidates = isRoot ? runnersForRoot(accountFor(clusterFolder)) : runnersForUser();
  const folders = [clusterFolder, socketFolder];
  const reasons: string[] = [];
  for (const candidate of candidates) {
    const reason = tryRunner(candidate, postgres, folders);
    if (reason === null) return candidate;
    reasons.push(reason);
  }
  const who = isRoot
    ? 'PostgreSQL refuses root, and no other account can run it'
    : 'PostgreSQL cannot be run';
  throw unsupported(`${who} on ${clusterFolder} (${[...new Set(reasons)].join('; ')})`);
}
