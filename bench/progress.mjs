// What is going on, on standard error, with the time since the start.
const startedAt = performance.now();

/** @param {string} text */
export function say(text) {
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  process.stderr.write(`[${String(seconds).padStart(4)} s] ${text}\n`);
}
