import { pipeline, type Readable, Transform } from 'node:stream';
import Papa from 'papaparse';
import { AppError } from '../../common/errors.js';

export type ImportFormat = 'csv' | 'ndjson';

/** A row as it came: its line (1 = the first of the file) and its values as text, or why it cannot be read. */
export interface RawRow {
  line: number;
  values: RowValues | null;
  problem: string;
  raw: string;
}

export interface RowValues {
  player_id: unknown;
  channel: unknown;
  opted_in: unknown;
  products: unknown;
  occurred_at: unknown;
  source: unknown;
}

export const importColumns = [
  'player_id',
  'channel',
  'opted_in',
  'products',
  'occurred_at',
  'source',
] as const;
const neededColumns = ['player_id', 'channel', 'opted_in', 'occurred_at'] as const;
const maxLineLength = 100_000;
// A record and the chunk of the file it began in.
const maxRecordBytes = 512 * 1024;

/** Reads rows in batches, as fast as they are taken. Rejects with invalid_input when it is not such a file at all. */
export function readRows(input: Readable, format: ImportFormat): AsyncGenerator<RawRow[]> {
  return format === 'csv' ? readCsv(input) : readNdjson(input);
}

async function* readCsv(input: Readable): AsyncGenerator<RawRow[]> {
  let toRow: ((cells: string[], line: number) => RawRow) | null = null;
  let line = 0;
  for await (const records of splitCsv(input)) {
    const rows: RawRow[] = [];
    for (const cells of records) {
      line++;
      if (!toRow) toRow = rowMaker(cells);
      else if (cells.length > 1 || cells[0] !== '') rows.push(toRow(cells, line));
    }
    yield rows;
  }
  if (!toRow) throw new AppError('invalid_input', 'the file is empty: its first line must name the columns');
}

function rowMaker(header: string[]): (cells: string[], line: number) => RawRow {
  const names = header.map((name) => name.replace(/^\uFEFF/, '').trim());
  const missing = neededColumns.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new AppError(
      'invalid_input',
      `the first line must name the columns ${importColumns.join(',')}: ${missing.join(', ')} is missing`,
    );
  }
  const [player, channel, optedIn, products, occurredAt, source] = importColumns.map((name) =>
    names.indexOf(name),
  );
  const at = (cells: string[], index: number | undefined) =>
    index === undefined || index < 0 ? '' : cells[index];
  return (cells, line) => {
    if (cells.length !== names.length) {
      const problem = `${cells.length} columns instead of ${names.length}`;
      return { line, values: null, problem, raw: cells.join(',') };
    }
    const values = {
      player_id: at(cells, player),
      channel: at(cells, channel),
      opted_in: at(cells, optedIn),
      products: at(cells, products),
      occurred_at: at(cells, occurredAt),
      source: at(cells, source),
    };
    return { line, values, problem: '', raw: '' };
  };
}

/** Passes a file on, and ends it where a record does not: a quote left open would make one of the whole file. */
class RecordGuard extends Transform {
  private records = 0;
  private unread = 0;

  constructor() {
    super({
      transform: (chunk: Buffer, _encoding, callback) => {
        this.unread += chunk.length;
        if (this.unread <= maxRecordBytes) callback(null, chunk);
        else
          callback(
            new AppError(
              'invalid_input',
              `line ${this.records + 1} does not end: is a quotation mark left open?`,
            ),
          );
      },
    });
  }

  /** So many records more have ended. */
  passed(records: number): void {
    if (records === 0) return;
    this.records += records;
    this.unread = 0;
  }
}

/** Papa Parse's records, a chunk at a time: the parser is held until a chunk has been taken. */
export async function* splitCsv(input: Readable): AsyncGenerator<string[][]> {
  const chunks: string[][][] = [];
  const state: { parser?: Papa.Parser; done: boolean; error?: Error; wake?: () => void } = { done: false };
  const settle = (change: { done: boolean } | { error: Error }) => {
    Object.assign(state, change);
    state.wake?.();
  };
  const guard = new RecordGuard();
  pipeline(input, guard, (error) => error && settle({ error }));
  Papa.parse<string[]>(guard, {
    delimiter: ',',
    chunk: ({ data }, parser) => {
      guard.passed(data.length);
      chunks.push(data);
      state.parser = parser;
      parser.pause();
      // The parser's own pause leaves the stream flowing into its queue.
      guard.pause();
      state.wake?.();
    },
    complete: () => settle({ done: true }),
    error: (error: Error) => settle({ error }),
  });
  try {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk) {
        yield chunk;
        state.parser?.resume();
        guard.resume();
      } else if (state.error) throw state.error;
      else if (state.done) return;
      else
        await new Promise<void>((resolve) => {
          state.wake = resolve;
        });
    }
  } finally {
    if (!state.done) {
      state.parser?.abort();
      guard.destroy();
    }
  }
}

async function* readNdjson(input: Readable): AsyncGenerator<RawRow[]> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let line = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineLength)
      throw new AppError('invalid_input', `line ${line + 1} is far too long for NDJSON`);
    const first = line + 1;
    line += lines.length;
    yield lines.flatMap((text, index) => (text.trim() === '' ? [] : [parseLine(text, first + index)]));
  }
  if (rest.trim() !== '') yield [parseLine(rest, line + 1)];
}

function parseLine(text: string, line: number): RawRow {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { line, values: value as RowValues, problem: '', raw: '' };
    }
  } catch {
    // Reported below like any other line that is no object.
  }
  return { line, values: null, problem: 'not a JSON object', raw: text.slice(0, 500) };
}
