// Closes a full run by counting: every operation and status of openapi.json must have been answered at least once.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export default class ContractReporter {
  constructor(globalConfig) {
    this.rootDir = globalConfig.rootDir;
    const { testPathPatterns, testNamePattern, onlyChanged, findRelatedTests, shard, onlyFailures } =
      globalConfig;
    this.isWholeRun =
      testPathPatterns.patterns.length === 0 &&
      !(testNamePattern || onlyChanged || findRelatedTests || shard || onlyFailures);
  }

  onRunComplete() {
    const documentFile = join(this.rootDir, 'openapi.json');
    if (!existsSync(documentFile)) return;
    const { paths } = JSON.parse(readFileSync(documentFile, 'utf8'));
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { responses }]) =>
        Object.keys(responses).map((status) => `${method.toUpperCase()} ${path} ${status}`),
      ),
    );
    const seen = this.readSeen();
    const missing = documented.filter((line) => !seen.has(line));
    const count = documented.length - missing.length;
    process.stderr.write(
      `\nContract: ${count} of ${documented.length} documented answers (operation × status) seen\n`,
    );
    if (!this.isWholeRun || missing.length === 0) return;
    const message = `no test saw these documented answers:\n  ${missing.join('\n  ')}`;
    process.stderr.write(`${message}\n`);
    this.error = new Error(message);
  }

  readSeen() {
    const folder = process.env.TEST_SEEN_DIR;
    const files = folder && existsSync(folder) ? readdirSync(folder) : [];
    return new Set(files.flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n')));
  }

  getLastError() {
    return this.error;
  }
}
