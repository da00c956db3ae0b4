import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { projectFolder } from './api-document.js';

export interface SourceText {
  file: string;
  line: number;
  text: string;
}

/** Every TypeScript file under a folder of the project. */
export function listSources(folder: string, { specs = false } = {}): string[] {
  return readdirSync(join(projectFolder, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && (specs || !name.endsWith('spec.ts')))
    .map((name) => join(folder, name))
    .sort();
}

function parse(file: string): ts.SourceFile {
  const text = readFileSync(join(projectFolder, file), 'utf8');
  return ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
}

function visit(source: ts.SourceFile, see: (node: ts.Node) => void): void {
  const walk = (node: ts.Node) => {
    see(node);
    node.forEachChild(walk);
  };
  walk(source);
}

const lineOf = (source: ts.SourceFile, node: ts.Node) =>
  source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;

/** Every text in a file, a template with its inserts as ${…}; parts of templates are not told apart. */
export function listTexts(file: string): SourceText[] {
  const source = parse(file);
  const texts: SourceText[] = [];
  visit(source, (node) => {
    const isText =
      ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateExpression(node);
    if (isText) texts.push({ file, line: lineOf(source, node), text: node.getText(source).slice(1, -1) });
  });
  return texts;
}

/** Where a file says `any`. */
export function listAnys(file: string): SourceText[] {
  const source = parse(file);
  const found: SourceText[] = [];
  visit(source, (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword)
      found.push({ file, line: lineOf(source, node), text: node.parent.getText(source).slice(0, 80) });
  });
  return found;
}

export interface ExemptStatement {
  /** Part of the statement's text, spaces made one. */
  text: string;
  because: string;
}

/** Texts that are SQL over one of the tables and do not name brand_id; and exemptions that nothing needs any more. */
export function findStatementsWithoutBrand(
  files: string[],
  tables: string[],
  exempt: ExemptStatement[],
): { statements: string[]; needless: string[] } {
  const overTable = new RegExp(
    `\\b(from|join|into|update|truncate|table|only)\\s+(${tables.join('|')})(_default)?\\b`,
    'i',
  );
  const verb = /\b(select|insert|update|delete|truncate|with|copy|merge)\b/i;
  const used = new Set<ExemptStatement>();
  const statements = files
    .flatMap(listTexts)
    .filter(({ text }) => verb.test(text) && overTable.test(text))
    .map((found) => ({ ...found, text: found.text.replaceAll(/\s+/g, ' ').trim() }))
    .filter(({ text }) => !/\bbrand_id\b/.test(text))
    .filter(({ text }) => {
      const exemption = exempt.find((each) => text.includes(each.text));
      if (exemption) used.add(exemption);
      return !exemption;
    })
    .map(({ file, line, text }) => `${file}:${line} ${text.slice(0, 160)}`);
  return { statements, needless: exempt.filter((each) => !used.has(each)).map(({ text }) => text) };
}
