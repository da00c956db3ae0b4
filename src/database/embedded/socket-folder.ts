import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The port only names the socket's file: nothing listens on the network. */
export const PORT = 5432;

/** Longest socket path that every system takes: 108 bytes with the final zero on Linux, 104 on macOS. */
const LONGEST_PATH = 103;
const PREFIX = '.s.PGSQL.';

/** Path of a server's socket in a folder. */
export function socketPath(folder: string, port = PORT): string {
  return join(folder, `${PREFIX}${port}`);
}

/** Where the cluster's socket belongs: beside the data, or in the folder for temporary files if that path is too long. */
export function chooseSocketFolder(clusterFolder: string, temporary: string = tmpdir()): string {
  const hash = createHash('sha256').update(clusterFolder).digest('hex').slice(0, 16);
  const name = `player-consent-${hash}`;
  const folders = [join(clusterFolder, 'socket'), join(temporary, name), join('/tmp', name)];
  const fits = (folder: string) => Buffer.byteLength(socketPath(folder)) <= LONGEST_PATH;
  return folders.find(fits) ?? join('/tmp', name);
}

/**
 * Makes the socket's folder, or checks the one that is there: whoever can enter it is a superuser of the database,
 * and the folder for temporary files is open to everyone.
 *
 * @throws if something else stands there, or it belongs to a user who is not trusted, or others may enter it
 */
export function prepareSocketFolder(folder: string, trustedUids: readonly number[]): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const stat = lstatSync(folder);
  if (stat.isDirectory() && trustedUids.includes(stat.uid) && (stat.mode & 0o077) === 0) return;
  throw new Error(
    `${folder} was made by someone else or is open to others, so the database will not put its socket there. ` +
      'Remove it, or set DATA_DIR to a shorter path.',
  );
}

/** Removes what a server that is gone left behind. */
export function clearSocketFolder(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(PREFIX)) rmSync(join(folder, name), { force: true });
  }
}

/** Whether a server accepts connections at a path. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const finish = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}
