// npm run bench -- [reads|writes|delivery|import|reconciliation|universal|universal-pages|policy|policy-pages|gateway|online|unsubscribe]
//   [--quick]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startCluster } from './cluster.mjs';
import { fillBaselines } from './dataset.mjs';
import { say } from './progress.mjs';
import { keepResult, toTable, verdictOf } from './report.mjs';
import { createDatabase, isBuilt, prepareService } from './service.mjs';
import { delivery } from './suites/delivery.mjs';
import { gateway } from './suites/gateway.mjs';
import { imports } from './suites/import.mjs';
import { online } from './suites/online.mjs';
import { policy } from './suites/policy.mjs';
import { policyPages } from './suites/policy-pages.mjs';
import { reads } from './suites/reads.mjs';
import { reconciliation } from './suites/reconciliation.mjs';
import { universal } from './suites/universal.mjs';
import { universalPages } from './suites/universal-pages.mjs';
import { unsubscribe } from './suites/unsubscribe.mjs';
import { writes } from './suites/writes.mjs';

const SUITES = {
  ...{ reads, writes, delivery, import: imports, reconciliation },
  ...{ universal, 'universal-pages': universalPages, policy, 'policy-pages': policyPages },
  ...{ gateway, online, unsubscribe },
};
/** What these measure has subjects of its own; alone they need no million players. */
const PLAYERLESS = new Set(['universal', 'universal-pages', 'policy', 'policy-pages']);
const FEW_PLAYERS = 1000;

const FULL = {
  players: 1_000_000,
  ...{ warmupSeconds: 5, seconds: 6, rounds: 5 },
  ...{ latencyPairs: 5, latencyRequests: 20_000, readRate: 4000, writeRate: 1500 },
  ...{ changeRate: 200, changes: 20_000, backlog: 100_000, drainRounds: 5 },
  ...{ importRows: 6_000_000, importPlayers: 1_000_000, importRounds: 3 },
  ...{
    reconciled: [500_000, 1_000_000, 5_000_000],
    streamRounds: 5,
    streamReads: 4000,
    streamPairs: 5,
    keepsCharts: true,
  },
  ...{ subjects: 100_000, checkRate: 500, checks: 10_000, recordRate: 200, records: 5000 },
  ...{ consentLatencyRounds: 3, consentRecords: 5_000_000, combinations: 30, pageRounds: 5 },
  ...{ gatewayPlayers: 10_000, stormRate: 50, stormReadRate: 200, stormReads: 3000, stormRounds: 5 },
  ...{ batchEvents: 500 },
  ...{ links: 100_000, mintRounds: 20 },
  ...{ acceptances: 5_000_000, policyChecks: 100_000, policyRate: 2000, policyRequests: 10_000 },
};
/** Whether everything runs, not how fast. */
const QUICK = {
  players: 20_000,
  ...{ warmupSeconds: 1, seconds: 1, rounds: 2 },
  ...{ latencyPairs: 1, latencyRequests: 1000, readRate: 1000, writeRate: 500 },
  ...{ changeRate: 200, changes: 1000, backlog: 5000, drainRounds: 1 },
  ...{ importRows: 60_000, importPlayers: 10_000, importRounds: 1 },
  ...{ reconciled: [5000, 10_000], streamRounds: 2, streamReads: 200, streamPairs: 1, keepsCharts: false },
  ...{ subjects: 3000, checkRate: 200, checks: 400, recordRate: 100, records: 200 },
  ...{ consentLatencyRounds: 1, consentRecords: 200_000, combinations: 20, pageRounds: 1 },
  ...{ gatewayPlayers: 1000, stormRate: 50, stormReadRate: 200, stormReads: 600, stormRounds: 1 },
  ...{ batchEvents: 500 },
  ...{ links: 20_000, mintRounds: 3 },
  ...{ acceptances: 200_000, policyChecks: 3000, policyRate: 500, policyRequests: 1000 },
};

/**
 * @typedef {object} Bench
 * @property {import('./cluster.mjs').Cluster} cluster
 * @property {import('./service.mjs').Service} service
 * @property {string} idsFile the players' ids, one a line
 * @property {string} folder for files of this run
 * @property {typeof FULL} sizes
 */

/** Runs the suites one after the other in a database of their own; hands over what came of each when it is done. */
async function runSuites(names, sizes, folder, onSuite) {
  say('starting PostgreSQL');
  const cluster = await startCluster();
  const onSignal = () => {
    void cluster.stop().finally(() => process.exit(130));
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const made = await createDatabase(cluster);
    const count = names.every((name) => PLAYERLESS.has(name)) ? FEW_PLAYERS : sizes.players;
    say(`making ${count} players`);
    const service = await prepareService(cluster, made, count);
    const idsFile = join(folder, 'ids.txt');
    const players = await fillBaselines(service, idsFile);
    await cluster.query('postgres', 'checkpoint');
    for (const name of names) {
      say(`suite ${name}`);
      const lines = await SUITES[name]({ cluster, service, idsFile, folder, sizes });
      onSuite(name, { lines, players, postgres: cluster.version });
    }
  } finally {
    await cluster.stop();
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false } },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(SUITES);
  const unknown = names.find((name) => !(name in SUITES));
  if (unknown) throw new Error(`there is no suite ${unknown}; there are ${Object.keys(SUITES).join(', ')}`);
  if (!isBuilt()) throw new Error('build the service first: npm run build');
  const folder = mkdtempSync(join(tmpdir(), 'consent-bench-files-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await runSuites(names, values.quick ? QUICK : FULL, folder, (name, result) => {
    process.stdout.write(`\n${toTable(result.lines)}\n\n`);
    if (values.quick) return;
    keepResult(name, result);
    if (result.lines.some((line) => verdictOf(line) === 'missed')) process.exitCode = 1;
  });
  process.stdout.write(
    values.quick
      ? 'A quick run shows that everything works; its numbers mean nothing and are not kept.\n'
      : 'Kept in bench/results.json and bench/results.svg.\n',
  );
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
