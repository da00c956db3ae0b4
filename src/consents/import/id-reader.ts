import type { Readable } from 'node:stream';
import { AppError } from '../../common/errors.js';
import { isPlayerId } from '../../common/player-id.js';
import { splitCsv } from './row-reader.js';

/** A list of players: an id on each line, or a CSV one of whose columns is `player_id`. */
export const idFormats = ['ids', 'csv'] as const;
export type IdFormat = (typeof idFormats)[number];

/** A line of the list (1 = the first): the id, or what is wrong with it. */
export interface ListedId {
  line: number;
  playerId: string;
  problem: string | null;
}

/** Which column holds the ids, of how many. */
interface Columns {
  own: number;
  count: number;
}

/** Reads ids in batches, as fast as they are taken. Rejects with invalid_input when it is no such list at all. */
export async function* readIds(input: Readable, format: IdFormat): AsyncGenerator<ListedId[]> {
  let columns: Columns | null = format === 'ids' ? { own: 0, count: 1 } : null;
  let line = 0;
  for await (const records of splitCsv(input)) {
    const ids: ListedId[] = [];
    for (const cells of records) {
      line++;
      if (columns === null) columns = columnsOf(cells);
      else if (cells.length > 1 || cells[0]?.trim() !== '') ids.push(toId(cells, columns, line));
    }
    yield ids;
  }
  if (columns === null)
    throw new AppError('invalid_input', 'the file is empty: its first line must name the columns');
}

function columnsOf(header: string[]): Columns {
  const own = header.findIndex((name) => withoutMark(name) === 'player_id');
  if (own < 0) throw new AppError('invalid_input', 'the first line must name a column player_id');
  return { own, count: header.length };
}

function toId(cells: string[], { own, count }: Columns, line: number): ListedId {
  const playerId = withoutMark(cells[own] ?? '');
  if (cells.length === count && isPlayerId(playerId)) return { line, playerId, problem: null };
  const problem =
    cells.length === count
      ? 'player_id must be 1 to 64 letters, digits, _ or -'
      : `${cells.length} columns instead of ${count}`;
  return { line, playerId: cells.join(',').slice(0, 500), problem };
}

/** Without the mark that some programs begin a file with. */
function withoutMark(cell: string): string {
  return cell.replace(/^\uFEFF/, '').trim();
}
