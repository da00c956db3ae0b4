import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const opaqueId = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Refuses an id that could be more than a name: it becomes part of a header and of a file's name. */
export function checkMessageId(id: string): void {
  if (!opaqueId.test(id))
    throw new TypeError('a message id is 1 to 128 letters, digits, dots, dashes and underscores');
}

/**
 * Writes a message that nothing sends. Under its name there is the whole file or none, whenever the process dies;
 * the same name again replaces it. Readable by the owner only: it may hold links and codes.
 */
export async function writeMessageFile(
  folder: string,
  name: string,
  content: string | Buffer,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const unfinished = join(folder, `.${name}.${randomUUID()}`);
  try {
    await writeFile(unfinished, content, { mode: 0o600, flush: true });
    await rename(unfinished, join(folder, name));
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
