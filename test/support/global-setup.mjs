// Before all tests: the build, the database server, and the migrated template that every test file clones.
import { mkdtempSync, rmSync } from 'node:fs';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../../scripts/build.mjs';

export default async function setUp() {
  build();
  register('./typescript-loader.mjs', import.meta.url);
  await import('reflect-metadata');
  const { startTestCluster } = await import('./test-cluster.ts');
  const { createTemplate, dropDatabase, environmentName } = await import('./test-database.ts');
  const cluster = await startTestCluster();
  const seenDir = mkdtempSync(join(tmpdir(), 'player-consent-seen-'));
  process.env[environmentName.serverUrl] = cluster.superuserUrl('postgres');
  process.env[environmentName.seenDir] = seenDir;
  const template = await createTemplate();
  process.env[environmentName.template] = template;
  globalThis.endTestRun = async () => {
    await dropDatabase(template);
    await cluster.stop();
    rmSync(seenDir, { recursive: true, force: true });
  };
}
