import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { writeMessageFile } from '../../src/delivery/message-file.js';
import { projectFolder } from '../support/api-document.js';

const root = mkdtempSync(join(tmpdir(), 'player-consent-files-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Writes the same three names over and over, each file as many megabytes of one letter as it says. */
const writer = `
  const { writeMessageFile } = await import('./dist/src/delivery/message-file.js');
  await writeMessageFile(process.argv[1], 'a', '1 a'.padEnd(1_000_002, 'a'));
  process.stdout.write('ready');
  for (let count = 0; ; count++) {
    const size = 1 + count % 4;
    await Promise.all(['a', 'b', 'c'].map((name) =>
      writeMessageFile(process.argv[1], name, size + ' ' + name.repeat(size * 1_000_000))));
  }`;

describe('a message’s file', () => {
  it('is whole or not there when the process is killed', async () => {
    const folder = join(root, 'killed');
    const unfinished: number[] = [];
    for (const afterMs of [5, 17, 31, 44, 60, 83]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', writer, folder], {
        cwd: projectFolder,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const names = readdirSync(folder);
      for (const name of names.filter((each) => !each.startsWith('.'))) {
        const content = readFileSync(join(folder, name), 'latin1');
        expect(['a', 'b', 'c']).toContain(name);
        expect(content.length).toBe(2 + Number(content[0]) * 1_000_000);
      }
      unfinished.push(names.filter((each) => each.startsWith('.')).length);
    }
    // Otherwise no kill came in the middle of a file, and nothing was tested.
    expect(Math.max(...unfinished)).toBeGreaterThan(0);
  });

  it('leaves nothing behind when it cannot be written', async () => {
    const folder = join(root, 'blocked');
    await writeMessageFile(folder, 'first', 'x');
    await writeMessageFile(join(folder, 'taken'), 'inside', 'x');
    await expect(writeMessageFile(folder, 'taken', 'x')).rejects.toThrow();
    expect(readdirSync(folder).sort()).toEqual(['first', 'taken']);
  });
});
