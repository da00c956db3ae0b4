// The requests of a run as text, for players that no run repeats before it has asked for all.
import { readFileSync } from 'node:fs';
import { randomFrom } from '../random.mjs';

/** Larger than any number of players here, so that it has no divisor in common with one. */
const STEP = 2_147_483_647;

/**
 * @typedef {object} RequestPlan
 * @property {string} idsFile one player id a line
 * @property {number} seed
 * @property {Record<string, string>} headers
 * @property {string} host
 * @property {string} [body] of a POST; without it a GET
 */

/** @param {string} request as `requestsOf` makes them @returns {string} whom it is about */
export function playerOf(request) {
  const from = request.indexOf('/userconsents/') + '/userconsents/'.length;
  return request.slice(from, request.indexOf(' ', from));
}

/**
 * @param {RequestPlan} plan
 * @returns {() => string} the next request
 */
export function requestsOf({ idsFile, seed, headers, host, body }) {
  const ids = readFileSync(idsFile, 'utf8').trimEnd().split('\n');
  const payload = body === undefined ? '' : body;
  const lines = Object.entries({
    Host: host,
    ...headers,
    ...(body !== undefined && {
      'Content-Type': 'application/json',
      'Content-Length': String(payload.length),
    }),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const before = `${body === undefined ? 'GET' : 'POST'} /userconsents/`;
  const after = ` HTTP/1.1\r\n${lines.join('')}\r\n${payload}`;
  const random = randomFrom(seed);
  if (body === undefined) return () => before + ids[Math.floor(random() * ids.length)] + after;
  // A change must find something to change: every player at most once a run.
  const step = STEP % ids.length;
  let at = Math.floor(random() * ids.length);
  return () => {
    at = (at + step) % ids.length;
    return before + ids[at] + after;
  };
}
