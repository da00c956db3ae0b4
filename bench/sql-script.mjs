// Runs a psql script that may hold one `\copy … from pstdin`: with psql where there is one, else with pg-copy-streams.
import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, openSync, closeSync, readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/** What does the copying; the results name it. */
export const copier =
  spawnSync('psql', ['--version'], { encoding: 'utf8' }).status === 0 ? 'psql' : 'pg-copy-streams';

/**
 * @param {string} url of the database
 * @param {string} script path
 * @param {string} file what `\copy` reads
 * @param {Record<string, string>} settings set for the session
 */
export async function runScript(url, script, file, settings = {}) {
  const options = Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
  await (copier === 'psql' ? withPsql(url, script, file, options) : withNode(url, script, file, options));
}

async function withPsql(url, script, file, options) {
  const input = openSync(file, 'r');
  const psql = spawn('psql', ['-X', '-q', '-d', url, '-f', script], {
    env: { PATH: process.env.PATH, PGOPTIONS: options },
    stdio: [input, 'ignore', 'pipe'],
  });
  let said = '';
  psql.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const code = await new Promise((resolve) => psql.once('close', resolve));
  closeSync(input);
  if (code !== 0) throw new Error(`${script} failed: ${said}`);
}

async function withNode(url, script, file, options) {
  const lines = readFileSync(script, 'utf8').split('\n');
  const at = lines.findIndex((line) => line.startsWith('\\copy '));
  const sql = (part) => part.filter((line) => !line.startsWith('\\')).join('\n');
  const client = new pg.Client({ connectionString: url, options });
  await client.connect();
  try {
    await client.query(sql(lines.slice(0, at)));
    const copy = lines[at].replace(/^\\copy/, 'copy').replace('pstdin', 'stdin');
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), client.query(copyFrom(copy)));
    await client.query(sql(lines.slice(at + 1)));
  } finally {
    await client.end();
  }
}
