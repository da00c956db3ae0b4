import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import ts from 'typescript';
import { projectFolder } from './api-document.js';

/** A fenced block of a guide. */
export interface Block {
  /** Of the block's first line in the guide. */
  line: number;
  text: string;
}

/** A command of a guide, with what the guide says it answers, if it does. */
export interface Command extends Block {
  printed?: unknown;
  /** The same where it is no JSON. */
  written?: string;
}

/** A guide's fenced blocks, each of them in one of the three. */
export interface Guide {
  file: string;
  commands: Command[];
  code: Block[];
  /** JSON that no command answers. */
  documents: { line: number; json: unknown }[];
}

/** What stands in the guide, and what the test puts in its place. */
export type Replacements = Record<string, string>;

/** Takes a guide apart, or what stands in it between two texts. Throws for a block in a language that nobody could run. */
export function readGuide(file: string, section?: [from: string, to: string]): Guide {
  const guide: Guide = { file, commands: [], code: [], documents: [] };
  const source = cutSection(readFileSync(join(projectFolder, file), 'utf8'), section);
  const fences = [...source.matchAll(/^```(.*)\n([^]*?)^```$/gm)];
  if (fences.length * 2 !== [...source.matchAll(/^\s*(```|~~~)/gm)].length)
    throw new Error(`${file}: a block does not begin or end with three backticks at the start of a line`);
  let end = 0;
  let lineOfLast = 0;
  for (const { index, 0: whole, 1: language, 2: text = '' } of fences) {
    const line = source.slice(0, index).split('\n').length + 1;
    const isNext = source.slice(end, index).trim() === '';
    const last = guide.commands.at(-1);
    const answered = isNext && last?.line === lineOfLast ? last : undefined;
    end = index + whole.length;
    if (language === 'sh') guide.commands.push({ line, text });
    else if (language === 'ts') guide.code.push({ line, text });
    else if (language === 'json') {
      const json: unknown = JSON.parse(text);
      if (answered) answered.printed = json;
      else guide.documents.push({ line, json });
    } else if (language === '' && answered) answered.written = text;
    else
      throw new Error(`${file}:${line}: nobody knows how to run ${language || 'a block without a language'}`);
    lineOfLast = line;
  }
  return guide;
}

/** All but the section is blank, so that every line keeps its number. */
function cutSection(source: string, section: [from: string, to: string] = ['', '']): string {
  const [from, to] = section;
  const start = source.indexOf(from);
  const end = to === '' ? source.length : source.indexOf(to, start);
  if (start < 0 || end < 0) throw new Error(`there is nothing from ${from} to ${to}`);
  return source.slice(0, start).replaceAll(/[^\n]/g, '') + source.slice(start, end);
}

function replace(text: string, replacements: Replacements): string {
  return Object.entries(replacements).reduce((all, [from, to]) => all.replaceAll(from, to), text);
}

const options = '--fail-with-body --max-time 20';
const curls = {
  curl: `curl() { command curl -q ${options} "$@"; }`,
  'the stand-in for curl': `curl() { "$NODE" "$STAND_IN" ${options} "$@"; }`,
};
const commandLine = 'npm() { shift 3; "$NODE" dist/src/cli/main.js "$@"; }';
export type Curl = keyof typeof curls;

/** What commands can be run with here: curl, where there is one, and what takes its place where there is none. */
export function listCurls(): Curl[] {
  const hasCurl = spawnSync('curl', ['--version']).status === 0;
  return hasCurl ? ['curl', 'the stand-in for curl'] : ['the stand-in for curl'];
}

/** Runs a command in a shell. Answers the JSON that came out; throws if it failed, or the service refused. */
export async function runCommand(...given: Parameters<typeof runScript>): Promise<unknown> {
  const [{ file }, { line }] = given;
  const output = await runScript(...given);
  try {
    return JSON.parse(output);
  } catch {
    throw new Error(`${file}:${line}: what came out is no JSON\n${output}`);
  }
}

/** The same, answering whatever came out. `npm run cli --` is the built command line. */
export async function runScript(
  { file }: Guide,
  { line, text }: Command,
  curl: Curl,
  replacements: Replacements,
  variables: Record<string, string>,
): Promise<string> {
  const script = `${curls[curl]}\n${commandLine}\n${replace(text, replacements)}`;
  const { PATH = '' } = process.env;
  const child = spawn('sh', ['-euc', script], {
    cwd: projectFolder,
    env: {
      PATH,
      NODE: process.execPath,
      STAND_IN: join(projectFolder, 'test/support/curl.mjs'),
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0) throw new Error(`${file}:${line}: the command ended with ${code}\n${complaint}${output}`);
  return output.replace(/^HTTP\/[^]*?\r\n\r\n/, '');
}

/** The keys and types of a value, and nothing else of it. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shapeOf(each)]));
}

/** A module of a test's own, and how to be rid of it. */
export interface GuideModule {
  path: string;
  remove(): void;
}

/** Checks a guide's code as one strict TypeScript module and compiles it. Throws for what the compiler complains of. */
export function compileGuide(guide: Guide, replacements: Replacements): GuideModule {
  // Every line where it stands in the guide, so that complaints name it.
  const lines: string[] = [];
  for (const { line, text } of guide.code)
    for (const [index, each] of text.split('\n').entries()) lines[line - 1 + index] = each;
  mkdirSync(join(projectFolder, '.tmp'), { recursive: true });
  const folder = mkdtempSync(join(projectFolder, '.tmp', 'guide-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const source = join(folder, 'guide.mts');
  writeFileSync(source, replace(Array.from(lines, (each) => each ?? '').join('\n'), replacements));
  const program = ts.createProgram([source], {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts'],
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    noUnusedLocals: true,
    skipLibCheck: true,
  });
  const { diagnostics } = program.emit();
  const complaints = [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(
    ({ file, start = 0, messageText }) => {
      const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
      return `${guide.file}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    },
  );
  if (complaints.length === 0) return { path: join(folder, 'guide.mjs'), remove };
  remove();
  throw new Error(complaints.join('\n'));
}

/** A port that nobody listens on. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
