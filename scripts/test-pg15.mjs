// `npm run test:pg15`: what asks PostgreSQL anything once more, against Debian's PostgreSQL 15, the oldest that is supported.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { startThrowAwayPostgres } from './throw-away-postgres.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const programs = process.env.PG15_BIN || '/usr/lib/postgresql/15/bin';
const postgres = join(programs, 'postgres');
const initdb = join(programs, 'initdb');

/** Beside what is no test of `npm test`: what has a PostgreSQL of its own, has none, or asks what the other tests ask. */
const notHere = [
  ...['/node_modules/', '/dist/', 'test/browser/'],
  ...['test/crash/', 'test/database/embedded', 'test/delivery/', '<rootDir>/src/', 'test/cli/', 'test/docs/'],
  'test/architecture/(access-matrix|routes|sources)',
  'test/e2e/(authentication|brand-hosts|cors|crm-events|fingerprint|instances|integrations|logs|messages|operations)',
  'test/e2e/gateway-(canary|limits|marketing|message|opt-out|passwords|player-info|reality|sessions|terms)',
  'test/e2e/(optional|policies|policy-(page|reads|webhooks)|process|query-bodies|rate-limit)',
  'test/e2e/(reconciliation-(compare|faults|replica)|robustness|subscription|universal-(concurrency|limits))',
];

if (!existsSync(postgres) || !existsSync(initdb)) {
  process.stderr.write(
    `these tests need PostgreSQL 15, and there is none in ${programs}: install it (Debian 12: apt-get install ` +
      'postgresql-15), or set PG15_BIN to the folder of its programs\n',
  );
  process.exit(1);
}

build();
const server = await startThrowAwayPostgres({ postgres, initdb });
// Ctrl-C reaches jest too; it ends first, and then the server.
process.on('SIGINT', () => undefined);
try {
  const jest = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--no-warnings',
      'node_modules/jest/bin/jest.js',
      // Not the count of answers seen: it is for runs of everything.
      '--reporters=default',
      ...notHere.map((path) => `--testPathIgnorePatterns=${path}`),
      ...process.argv.slice(2),
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, TEST_DATABASE_URL: server.url('postgres') } },
  );
  process.on('SIGTERM', () => jest.kill('SIGTERM'));
  process.exitCode = await new Promise((resolve) => jest.once('exit', (code) => resolve(code ?? 1)));
} finally {
  await server.stop();
}
