// What came of it: a table for people, results.json for machines, a chart.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drawChart } from './chart.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const JSON_FILE = join(HERE, 'results.json');
const SVG_FILE = join(HERE, 'results.svg');
/** A miss by less than this share counts as met. */
const TOLERANCE = 0.15;

/**
 * @typedef {object} Line
 * @property {string} what
 * @property {string} unit `×` (a ratio to the baseline's, medians of rounds), `ms`, `MB` or `/s`
 * @property {{atLeast: number} | {below: number}} [target]
 * @property {number} value
 * @property {string} detail
 * @property {{ours: number[], theirs: number[]}} [rounds]
 */

/** @param {Line} line @returns {'met' | 'met within 15 %' | 'missed' | ''} */
export function verdictOf({ target, value }) {
  if (!target) return '';
  const reached = 'atLeast' in target ? value / target.atLeast : target.below / value;
  if (reached >= 1) return 'met';
  return reached >= 1 - TOLERANCE ? 'met within 15 %' : 'missed';
}

const number = (value, unit) => (unit === '×' ? `${value.toFixed(2)} ×` : `${Math.round(value)} ${unit}`);

function targetOf({ target, unit }) {
  if (!target) return '';
  return 'atLeast' in target ? `≥ ${target.atLeast} ${unit}` : `< ${target.below} ${unit}`;
}

/** @param {readonly Line[]} lines @returns {string} */
export function toTable(lines) {
  const rows = [
    ['', 'measured', 'target', '', 'ours : theirs'],
    ...lines.map((line) => [
      line.what,
      number(line.value, line.unit),
      targetOf(line),
      verdictOf(line),
      line.detail,
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function machine(postgres) {
  const all = cpus();
  return {
    cores: all.length,
    cpu: all[0]?.model.trim() ?? '',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    postgres,
  };
}

/**
 * Puts a suite's result beside what is kept of the others, and draws them all anew.
 * @param {string} name
 * @param {{lines: Line[], players: number, postgres: string}} result
 */
export function keepResult(name, { lines, players, postgres }) {
  const kept = existsSync(JSON_FILE) ? JSON.parse(readFileSync(JSON_FILE, 'utf8')) : { suites: {} };
  const judged = lines.map((line) => ({ ...roundOff(line), verdict: verdictOf(line) || undefined }));
  const at = `${new Date().toISOString().slice(0, 19)}Z`;
  const suites = { ...kept.suites, [name]: { at, players, lines: judged } };
  const results = { machine: machine(postgres), suites };
  writeFileSync(JSON_FILE, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(SVG_FILE, drawChart(results));
}

function roundOff(line) {
  const round = (value) => Number(value.toPrecision(4));
  const rounds = line.rounds && { ours: line.rounds.ours.map(round), theirs: line.rounds.theirs.map(round) };
  return { ...line, value: round(line.value), rounds };
}
