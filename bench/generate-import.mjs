// A realistic import file: what a CRM's export of two years looks like. The same arguments give the same bytes.
//   node bench/generate-import.mjs FILE [--rows 6000000] [--players 1000000] [--seed 7] [--well-formed]
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { randomFrom, weightedPicker } from './random.mjs';

const START = Date.UTC(2024, 0, 1);
const SPAN_MS = 700 * 86_400_000;
const BAD_SHARE = 0.001;
const CHUNK = 1 << 18;

const pickChannel = weightedPicker([
  ['email', 44],
  ['sms', 22],
  ['pushNotification', 14],
  ['telephone', 8],
  ['siteNotification', 8],
  ['postMail', 4],
]);
const pickProducts = weightedPicker([
  ['casino', 30],
  ['sports', 22],
  ['casino|sports', 16],
  ['casino|sports|lottery', 6],
  ['casino|sports|lottery|bingo', 6],
  ['lottery', 6],
  ['bingo', 4],
  ['casino|bingo', 4],
  ['', 6],
]);
const pickSource = weightedPicker([
  ['account-page', 50],
  ['registration', 25],
  ['unsubscribe-link', 15],
  ['support', 10],
]);

/** Each turns a good row into one that must be refused; the last two have a wrong number of columns. */
const spoilers = [
  (player, _channel, rest) => `${player},carrierPigeon,${rest}`,
  (player, channel, rest) => `${player},${channel},${rest.replace(/^(true|false)/, 'maybe')}`,
  (player, channel, rest) => `${player},${channel},true,poker,${rest.split(',').slice(2).join(',')}`,
  (player, channel, rest) => `${player},${channel},${rest.replace(/T[^,]*/, 'T99:99')}`,
  (_player, channel, rest) => `,${channel},${rest}`,
  (player, channel) => `${player},${channel}`,
  (player, channel, rest) => `${player},${channel},${rest},more`,
];
const CUT_TO_KEEP_COLUMNS = 5;

/** @param {number} index from 0 @returns {string} the id of a player of the bench */
export function playerId(index) {
  return `player-${String(index + 1).padStart(7, '0')}`;
}

/**
 * Which player each row is about: everybody at least once, some thirty times, in no order.
 * @param {number} rows @param {number} players @param {() => number} random
 */
function dealPlayers(rows, players, random) {
  const dealt = new Uint32Array(rows);
  for (let row = 0; row < rows; row += 1) {
    dealt[row] = row < players ? row : Math.floor(players * random() ** 1.6);
  }
  for (let row = rows - 1; row > 0; row -= 1) {
    const other = Math.floor(random() * (row + 1));
    const kept = dealt[row];
    dealt[row] = dealt[other];
    dealt[other] = kept;
  }
  return dealt;
}

/**
 * @param {{rows: number, players: number, seed: number, wellFormed: boolean}} options wellFormed: no row with a wrong
 *   number of columns, which COPY cannot read
 * @returns {Generator<string>} lines in chunks; the first line is the header
 */
export function* importChunks({ rows, players, seed, wellFormed }) {
  const random = randomFrom(seed);
  const dealt = dealPlayers(rows, players, random);
  let chunk = 'player_id,channel,opted_in,products,occurred_at,source\n';
  for (let row = 0; row < rows; row += 1) {
    const player = playerId(dealt[row]);
    const channel = pickChannel(random());
    const isOptIn = random() < 0.74;
    const products = isOptIn ? pickProducts(random()) : '';
    // A log in order of time, up to two days of disorder: what comes too late must not win.
    const at = START + Math.floor((row / rows) * SPAN_MS + (random() - 0.5) * 2 * 86_400_000);
    const rest = `${isOptIn},${products},${new Date(at).toISOString()},${pickSource(random())}`;
    const badness = random();
    if (badness >= BAD_SHARE) {
      chunk += `${player},${channel},${rest}\n`;
    } else {
      const kinds = wellFormed ? CUT_TO_KEEP_COLUMNS : spoilers.length;
      const kind = Math.floor((badness / BAD_SHARE) * spoilers.length);
      if (kind < kinds) chunk += `${spoilers[kind](player, channel, rest)}\n`;
    }
    if (chunk.length >= CHUNK) {
      yield chunk;
      chunk = '';
    }
  }
  yield chunk;
}

/**
 * @param {string} path @param {Parameters<typeof importChunks>[0]} options
 */
export async function writeImportFile(path, options) {
  const out = createWriteStream(path, { highWaterMark: CHUNK * 4 });
  for (const chunk of importChunks(options)) {
    if (!out.write(chunk)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rows: { type: 'string', default: '6000000' },
      players: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '7' },
      'well-formed': { type: 'boolean', default: false },
    },
  });
  if (positionals.length !== 1)
    throw new Error('usage: generate-import.mjs FILE [--rows N] [--players N] [--seed N]');
  const startedAt = Date.now();
  await writeImportFile(positionals[0], {
    rows: Number(values.rows),
    players: Number(values.players),
    seed: Number(values.seed),
    wellFormed: values['well-formed'],
  });
  process.stderr.write(`${values.rows} rows in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
