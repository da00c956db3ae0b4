import { readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { processTable } from './process-table.js';

const PREFIX = 'owner.';
const RELEASED = 'released';
const KEPT = 8;

/** The outcome of trying to become the owner of a folder. */
export type LockAttempt = { isOurs: true; release: () => void } | { isOurs: false; holderPid: number };

interface Entry {
  turn: number;
  holder: string;
}

function listTurns(folder: string): number[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => Number(name.slice(PREFIX.length)))
    .filter(Number.isInteger)
    .sort((a, b) => b - a);
}

function readLast(folder: string): Entry {
  const turn = listTurns(folder)[0];
  if (turn === undefined) return { turn: 0, holder: RELEASED };
  try {
    return { turn, holder: readlinkSync(join(folder, `${PREFIX}${turn}`)) };
  } catch {
    return readLast(folder);
  }
}

function holderPid(entry: Entry): number | null {
  const pid = Number.parseInt(entry.holder, 10);
  return !Number.isNaN(pid) && processTable.find(pid)?.identity === entry.holder ? pid : null;
}

/** False if another process took this turn first. */
function takeTurn(folder: string, turn: number, holder: string): boolean {
  const link = join(folder, `${PREFIX}${turn}`);
  try {
    symlinkSync(holder, link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  const [last, ...earlier] = listTurns(folder);
  if (last !== turn) {
    rmSync(link, { force: true });
    return false;
  }
  // A few old turns stay, so that a process that was held up cannot take one that is long over.
  for (const old of earlier.slice(KEPT)) rmSync(join(folder, `${PREFIX}${old}`), { force: true });
  return true;
}

/**
 * Tries to become the only owner of a folder until `release` or the end of this process, however it ends.
 *
 * Node has no flock. A turn is a symlink `owner.<n>` whose target names a process and when it started: making one
 * is atomic, and it counts for nothing once that process is gone. Turns only grow, so that two processes which find
 * the same dead owner compete for one name, and neither can remove the other's turn by mistake.
 *
 * @throws if the folder cannot be read or written
 */
export function acquireLock(folder: string): LockAttempt {
  const self = processTable.find(process.pid)?.identity;
  if (self === undefined) throw new Error('cannot read the process table: neither /proc nor ps is available');
  for (;;) {
    const last = readLast(folder);
    const holder = holderPid(last);
    if (holder !== null) return { isOurs: false, holderPid: holder };
    const turn = last.turn + 1;
    if (takeTurn(folder, turn, self)) {
      return { isOurs: true, release: () => release(folder, turn + 1) };
    }
  }
}

function release(folder: string, turn: number): void {
  try {
    takeTurn(folder, turn, RELEASED);
  } catch {
    // The folder was removed, or is not writable any more: the turn ends with this process then.
  }
}

/** Pid of the process that owns the folder now, if any. */
export function findLockHolder(folder: string): number | null {
  return holderPid(readLast(folder));
}
