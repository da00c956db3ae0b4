// Starts a CRM as a process of its own, and tells what it has heard.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from '../servers.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));

/**
 * @typedef {object} Heard
 * @property {string} playerId
 * @property {number} arrivedAt when the request had arrived, ms of the monotonic clock
 * @property {number} answeredAt when its 200 was written
 */

/**
 * @template T
 * @param {number} delayMs how long it takes to answer
 * @param {(crm: {origin: string, hear: (events?: number) => Promise<Heard[]>}) => Promise<T>} work `hear` answers what has come since it
 *   was last called, in the order of the answers, once these are so many
 * @returns {Promise<T>}
 */
export async function withCrm(delayMs, work) {
  const env = { DELAY_MS: String(delayMs) };
  const server = await startServer({ name: 'CRM', script: join(HERE, 'main.mjs'), cwd: HERE, env });
  const hear = async (events = 0) => {
    const answer = await fetch(`${server.origin}/${events}`);
    return parseJournal(await answer.text());
  };
  try {
    return await work({ origin: server.origin, hear });
  } finally {
    await server.stop();
  }
}

function parseJournal(text) {
  if (text === '') return [];
  return text.split('\n').map((line) => {
    const [playerId, arrivedAt, answeredAt] = line.split(' ');
    return { playerId, arrivedAt: Number(arrivedAt), answeredAt: Number(answeredAt) };
  });
}
