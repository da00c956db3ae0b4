// A CRM, a process of its own: answers every event with 200 after DELAY_MS and keeps who was concerned and when.
import { createServer } from 'node:http';
import { monotonicMs } from '../clock.mjs';

const delayMs = Number(process.env.DELAY_MS ?? 0);
/** One line an event: player, when its request had arrived, when its 200 was written. */
let journal = [];
/** Whoever asked for more events than there are yet. */
let asked = null;

function finish(response, playerId, arrivedAt) {
  response.writeHead(200, { 'content-length': 0 }).end();
  journal.push(`${playerId} ${arrivedAt} ${monotonicMs()}`);
  if (asked && journal.length >= asked.events) handOver(asked.response);
}

function take(request, response) {
  const arrivedAt = monotonicMs();
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { user_id: playerId } = JSON.parse(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    if (delayMs > 0) setTimeout(finish, delayMs, response, playerId, arrivedAt);
    else finish(response, playerId, arrivedAt);
  });
}

/** GET /<events> hands the journal over once it has so many lines, and begins a new one. */
function handOver(response) {
  response.end(journal.join('\n'));
  journal = [];
  asked = null;
}

const server = createServer((request, response) => {
  if (request.method === 'PUT') take(request, response);
  else {
    asked = { events: Number(request.url?.slice(1)), response };
    if (journal.length >= asked.events) handOver(response);
  }
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`http://127.0.0.1:${port}`);
});
