// The load generator, a process of its own: node load/main.mjs '<options as JSON>' prints its result as JSON.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../clock.mjs';
import { Connection } from './connection.mjs';
import { playerOf, requestsOf } from './requests.mjs';

const CONNECTIONS_LIMIT_MS = 10_000;
const DRAIN_LIMIT_MS = 30_000;

/** Six consents, each once, unless the request or the run says what else its answer must have in it. */
function isRightBody(body, answer = options.answer) {
  if (answer !== undefined) return body.includes(answer);
  try {
    const { consents } = JSON.parse(body.toString('utf8'));
    return consents.length === 6 && new Set(consents.map(({ type }) => type)).size === 6;
  } catch {
    return false;
  }
}

async function openConnections({ host, port, connections }, onBroken) {
  const all = Array.from({ length: connections }, () => new Connection(host, port, onBroken));
  const limit = sleep(CONNECTIONS_LIMIT_MS, undefined, { ref: false }).then(() => {
    throw new Error('the server takes no connections');
  });
  await Promise.race([Promise.all(all.map((connection) => connection.ready())), limit]);
  return all;
}

/** Whether it is what was asked for; of the body, only where the request itself says what must be in it. */
function isAnswer({ answer }, status, body) {
  return status === rightStatus && (answer === undefined || body.includes(answer));
}

/** The first one is shown: the rest is seldom another. */
function noteError(counts, status, body) {
  counts.errors += 1;
  counts.firstError ??= `${status} ${body.toString().slice(0, 200)}`;
}

/** As fast as the server answers: every connection sends the next request when it has the last one's answer. */
async function runClosed(options, next) {
  const counts = { answers: 0, errors: 0, rightBodies: 0 };
  let isOver = false;
  const all = await openConnections(options, () => {
    if (!isOver) counts.errors += 1;
  });
  const drive = (connection) => {
    let isFirst = true;
    let request = next();
    const onAnswer = (status, body) => {
      if (isOver) return;
      if (isAnswer(request, status, body)) counts.answers += 1;
      else noteError(counts, status, body);
      if (isFirst) {
        isFirst = false;
        counts.rightBodies += isRightBody(body, request.answer) ? 1 : 0;
      }
      request = next();
      connection.send(request.text, onAnswer);
    };
    connection.send(request.text, onAnswer);
  };
  all.forEach(drive);
  await sleep(options.warmupSeconds * 1000);
  const startedAt = performance.now();
  const before = counts.answers;
  await sleep(options.seconds * 1000);
  const seconds = (performance.now() - startedAt) / 1000;
  const answered = counts.answers - before;
  isOver = true;
  for (const connection of all) connection.close();
  return {
    perSecond: answered / seconds,
    answers: counts.answers,
    errors: counts.errors,
    firstError: counts.firstError,
    rightBodies: counts.rightBodies,
  };
}

/**
 * At a fixed rate, whatever the server does: a request that has to wait for a free connection has begun when it was due,
 * so that a stall counts for everything it held up.
 */
async function runOpen(options, next) {
  const { rate, requests } = options;
  const counts = { answers: 0, errors: 0, rightBodies: 0 };
  const latencies = new Float64Array(requests);
  const waiting = [];
  const all = await openConnections(options, () => {
    counts.errors += 1;
  });
  const free = [...all];
  const note = notesOf(options.journal);
  const dispatch = (connection, dueAt) => {
    const request = next();
    connection.send(request.text, (status, body) => {
      const answeredAt = performance.now();
      latencies[counts.answers + counts.errors] = answeredAt - dueAt;
      note.add(request.text, dueAt, answeredAt);
      if (isAnswer(request, status, body)) counts.answers += 1;
      else noteError(counts, status, body);
      if (counts.answers <= all.length && isRightBody(body, request.answer)) counts.rightBodies += 1;
      if (waiting.length > 0) dispatch(connection, waiting.shift());
      else free.push(connection);
    });
  };
  const startAt = performance.now() + 20;
  let sent = 0;
  const giveUpAt = startAt + (requests / rate) * 1000 + DRAIN_LIMIT_MS;
  while (counts.answers + counts.errors < requests && performance.now() < giveUpAt) {
    for (let dueAt = startAt + (sent * 1000) / rate; sent < requests && dueAt <= performance.now(); ) {
      const connection = free.shift();
      if (connection) dispatch(connection, dueAt);
      else waiting.push(dueAt);
      sent += 1;
      dueAt = startAt + (sent * 1000) / rate;
    }
    await sleep(1);
  }
  for (const connection of all) connection.close();
  note.write();
  return summaryOf(latencies, counts, requests);
}

/** Keeps a line for each request when there is a file for it: player, when it was due, when it was answered. */
function notesOf(file) {
  if (file === undefined) return { add: () => undefined, write: () => undefined };
  const lines = [];
  const offset = monotonicMs() - performance.now();
  return {
    add: (request, dueAt, answeredAt) =>
      lines.push(`${playerOf(request)} ${dueAt + offset} ${answeredAt + offset}\n`),
    write: () => writeFileSync(file, lines.join('')),
  };
}

function summaryOf(latencies, counts, requests) {
  const sorted = latencies.subarray(0, counts.answers + counts.errors).sort();
  const percentile = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const errors = counts.errors + requests - sorted.length;
  return { ...counts, errors, p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) };
}

const options = JSON.parse(process.argv[2]);
const rightStatus = options.status ?? 200;
const requests = requestsOf(options.plan);
let sent = 0;
const next = () => {
  sent += 1;
  return requests();
};
const result = options.rate ? await runOpen(options, next) : await runClosed(options, next);
process.stdout.write(`${JSON.stringify({ ...result, sent })}\n`);
process.exit(0);
