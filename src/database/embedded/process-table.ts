import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** A process that is running now; one that has ended but was not collected by its parent counts as gone. */
export interface ProcessEntry {
  pid: number;
  parentPid: number;
  /** Differs between two processes that had the same pid at different times, restarts of the machine included. */
  identity: string;
}

/** What the launcher asks about other processes. */
export interface ProcessTable {
  find(pid: number): ProcessEntry | null;
  /** Pids of the PostgreSQL processes that carry a `cluster_name` on their command line. */
  listPostgres(clusterName: string): number[];
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

const BOOT_ID = readOrNull('/proc/sys/kernel/random/boot_id')?.trim() ?? 'boot';

interface ProcStat {
  name: string;
  isGone: boolean;
  parentPid: number;
  startTicks: string;
}

function readProcStat(pid: number): ProcStat | null {
  const text = readOrNull(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name stands in brackets and may itself hold brackets and spaces.
  const nameEnd = text.lastIndexOf(')');
  const fields = text.slice(nameEnd + 2).split(' ');
  return {
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    isGone: fields[0] === 'Z' || fields[0] === 'X',
    parentPid: Number(fields[1]),
    startTicks: fields[19] ?? '',
  };
}

/** Linux: reads those files of /proc that need no rights, because root in a container may lack them. */
export const procTable: ProcessTable = {
  find(pid) {
    const stat = readProcStat(pid);
    if (!stat || stat.isGone) return null;
    return { pid, parentPid: stat.parentPid, identity: `${pid}.${stat.startTicks}.${BOOT_ID}` };
  },

  listPostgres(clusterName) {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        const stat = readProcStat(pid);
        // By its own name too: before it turns into the server, setpriv has the same command line.
        if (stat === null || stat.isGone || stat.name !== 'postgres') return false;
        return readOrNull(`/proc/${pid}/cmdline`)?.includes(clusterName) ?? false;
      });
  },
};

function runPs(...args: string[]): string[] {
  const result = spawnSync('ps', args, { encoding: 'utf8', env: { PATH: process.env.PATH, LC_ALL: 'C' } });
  return (result.stdout ?? '').split('\n').filter((line) => line.trim() !== '');
}

/** Elsewhere (macOS): asks `ps`. */
export const psTable: ProcessTable = {
  find(pid) {
    const fields = runPs('-o', 'ppid=,stat=,lstart=', '-p', String(pid))[0]?.trim().split(/\s+/);
    if (!fields || fields[1]?.startsWith('Z')) return null;
    return { pid, parentPid: Number(fields[0]), identity: `${pid}.${fields.slice(2).join('-')}` };
  },

  listPostgres(clusterName) {
    return runPs('-A', '-ww', '-o', 'pid=,args=')
      .filter((line) => line.includes(clusterName) && /^\s*\d+ (postgres:|\S.*\/postgres -D )/.test(line))
      .filter((line) => !/^\s*\d+ setpriv /.test(line))
      .map((line) => Number.parseInt(line, 10));
  },
};

/** The table of this machine. */
export const processTable: ProcessTable = existsSync('/proc/self/stat') ? procTable : psTable;
