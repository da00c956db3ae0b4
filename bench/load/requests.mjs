// The requests of a run, for players that no run repeats before it has asked for all.
import { readFileSync } from 'node:fs';
import { bodyFrom, writeAt } from '../consents.mjs';
import { randomFrom } from '../random.mjs';

/** Larger than any number of players here, so that it has no divisor in common with one. */
const STEP = 2_147_483_647;

/**
 * @typedef {object} RequestPlan of GETs of players or, with a body, of POSTs; or else of `pathsFile`, `tokens`, `bodies` or `writes`
 * @property {string} [idsFile] one player id a line
 * @property {number} seed
 * @property {Record<string, string>} headers
 * @property {string} host
 * @property {string} [body] of a POST; without it a GET
 * @property {string} [pathsFile] one path a line, to GET in random order; after a tab, a part of its right answer
 * @property {{path: string, file: string}} [tokens] GETs of one path, with the session of a line each, in random order
 * @property {{path: string, file: string}} [bodies] POSTs to one path, a line of JSON each, in random order
 * @property {{before: string, after: string, idsFile: string, template: string[], run: string}} [batches] POSTs of as many events
 *   as the template has gaps, whose ids no other request has, each to the path of another player
 * @property {string} [formsFile] one path a line, to POST `form` to, each once before any comes again
 * @property {string} [form] urlencoded
 * @property {{path: string, template: string, subjects: number, from: number}} [writes] POSTs of consents.mjs, and how many
 *   of them came before
 */

/**
 * @typedef {object} Request
 * @property {string} text all of it
 * @property {string} [answer] a part of its right answer
 */

/** @param {string} request the text of one about a player @returns {string} whom it is about */
export function playerOf(request) {
  const from = request.indexOf('/userconsents/') + '/userconsents/'.length;
  return request.slice(from, request.indexOf(' ', from));
}

/**
 * @param {RequestPlan} plan
 * @returns {() => Request} the next one
 */
export function requestsOf(plan) {
  if (plan.pathsFile) return readsOf(plan);
  if (plan.tokens) return sessionsOf(plan);
  if (plan.bodies) return postsOf(plan);
  if (plan.batches) return batchesOf(plan);
  if (plan.formsFile) return formsOf(plan);
  return plan.writes ? writesOf(plan) : playersOf(plan);
}

const linesOf = (headers) => Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);

function readsOf({ pathsFile, seed, headers, host }) {
  const after = ` HTTP/1.1\r\n${linesOf({ Host: host, ...headers }).join('')}\r\n`;
  const requests = readFileSync(pathsFile, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  const random = randomFrom(seed);
  return () => {
    const [path, answer] = requests[Math.floor(random() * requests.length)];
    return { text: `GET ${path}${after}`, answer };
  };
}

/** A random line of a file each time. */
function linesFrom(file, seed) {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const random = randomFrom(seed);
  return () => lines[Math.floor(random() * lines.length)];
}

function sessionsOf({ tokens: { path, file }, seed, host }) {
  const next = linesFrom(file, seed);
  return () => ({ text: `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nx-auth-token: ${next()}\r\n\r\n` });
}

function postsOf({ bodies: { path, file }, seed, host }) {
  const before = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: `;
  const next = linesFrom(file, seed);
  return () => {
    const body = next();
    return { text: `${before}${body.length}\r\n\r\n${body}` };
  };
}

function batchesOf({ batches: { before, after, idsFile, template, run }, seed, headers, host }) {
  const all = linesOf({ Host: host, ...headers, 'Content-Type': 'application/json' }).join('');
  const next = stepThrough(readFileSync(idsFile, 'utf8').trimEnd().split('\n'), randomFrom(seed));
  let batch = 0;
  return () => {
    batch += 1;
    const body = template.join(`${run}-${String(batch).padStart(7, '0')}`);
    return {
      text: `POST ${before}${next()}${after} HTTP/1.1\r\n${all}Content-Length: ${body.length}\r\n\r\n${body}`,
    };
  };
}

function formsOf({ formsFile, form, seed, host }) {
  const type = { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': String(form.length) };
  const after = ` HTTP/1.1\r\n${linesOf({ Host: host, ...type }).join('')}\r\n${form}`;
  const next = stepThrough(readFileSync(formsFile, 'utf8').trimEnd().split('\n'), randomFrom(seed));
  return () => ({ text: `POST ${next()}${after}` });
}

/** Every item once, from a random one on, before any comes again: a change must find something to change. */
function stepThrough(items, random) {
  const step = STEP % items.length;
  let at = Math.floor(random() * items.length);
  return () => {
    at = (at + step) % items.length;
    return items[at];
  };
}

function writesOf({ writes: { path, template, subjects, from }, headers, host }) {
  const all = linesOf({ Host: host, ...headers, 'Content-Type': 'application/json' }).join('');
  const before = `POST ${path} HTTP/1.1\r\n${all}Content-Length: `;
  const bodyOf = bodyFrom(template);
  let i = from;
  return () => {
    const body = bodyOf(writeAt(i, subjects));
    i += 1;
    return { text: `${before}${body.length}\r\n\r\n${body}` };
  };
}

function playersOf({ idsFile, seed, headers, host, body }) {
  const ids = readFileSync(idsFile, 'utf8').trimEnd().split('\n');
  const payload = body === undefined ? '' : body;
  const lines = linesOf({
    Host: host,
    ...headers,
    ...(body !== undefined && {
      'Content-Type': 'application/json',
      'Content-Length': String(payload.length),
    }),
  });
  const before = `${body === undefined ? 'GET' : 'POST'} /userconsents/`;
  const after = ` HTTP/1.1\r\n${lines.join('')}\r\n${payload}`;
  const random = randomFrom(seed);
  if (body === undefined) return () => ({ text: before + ids[Math.floor(random() * ids.length)] + after });
  const next = stepThrough(ids, random);
  return () => ({ text: before + next() + after });
}
