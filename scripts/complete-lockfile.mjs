// `npm run lockfile`: adds to package-lock.json the optional packages of other platforms that npm left out of it, as it
// does on a machine that has node_modules already or whose registry lacks them. Without them `npm ci` refuses the file,
// here and elsewhere. `--check` only says whether any is missing.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const file = join(dirname(dirname(fileURLToPath(import.meta.url))), 'package-lock.json');
const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64'];

const lock = JSON.parse(readFileSync(file, 'utf8'));
const { packages } = lock;

/** Where Node, standing in a package, would find another one. */
function find(from, name) {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf('/node_modules/')))) {
    const path = `${place && `${place}/`}node_modules/${name}`;
    if (packages[path]) return path;
    if (!place || !place.includes('/node_modules/')) return packages[`node_modules/${name}`] ? name : null;
  }
}

/** What the name of a platform's package says of the platform, as npm would have taken it from the package. */
function platformOf(name) {
  const words = name.split('/').at(-1).split('-');
  const os = words.filter((word) => systems.includes(word));
  const cpu = words.filter((word) => processors.includes(word));
  if (os.length !== 1 || cpu.length !== 1)
    throw new Error(`${name} does not name a platform; add it by hand`);
  const musl = words.some((word) => word.startsWith('musl'));
  return { cpu, ...(os[0] === 'linux' && { libc: [musl ? 'musl' : 'glibc'] }), os };
}

const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {}, dev }]) =>
  Object.entries(optionalDependencies)
    .filter(([name]) => find(path, name) === null)
    .map(([name, version]) => ({ name, version, dev })),
);

if (missing.length > 0 && process.argv.includes('--check')) {
  process.stderr.write(
    `package-lock.json lacks ${missing.map(({ name }) => name).join(', ')}: run \`npm run lockfile\`\n`,
  );
  process.exit(1);
}
for (const { name, version, dev } of missing) {
  if (!/^\d+\.\d+\.\d+/.test(version))
    throw new Error(`${name} has no exact version (${version}); add it by hand`);
  const { cpu, libc, os } = platformOf(name);
  packages[`node_modules/${name}`] = {
    version,
    cpu,
    ...(dev && { dev }),
    ...(libc && { libc }),
    optional: true,
    os,
  };
}
if (missing.length > 0) {
  const byName = ([a], [b]) => a.localeCompare(b, 'en');
  lock.packages = Object.fromEntries(Object.entries(packages).sort(byName));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`added to package-lock.json: ${missing.map(({ name }) => name).join(', ')}\n`);
}
