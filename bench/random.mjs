/**
 * mulberry32: small, fast and the same on every machine.
 * @param {number} seed
 * @returns {() => number} numbers in [0, 1)
 */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * A picker of weighted values in constant time.
 * @template T
 * @param {readonly (readonly [T, number])[]} weighted value and weight, any unit
 * @returns {(r: number) => T} takes a number in [0, 1)
 */
export function weightedPicker(weighted) {
  const slots = 1024;
  const total = weighted.reduce((sum, [, weight]) => sum + weight, 0);
  /** @type {T[]} */
  const table = [];
  let reached = 0;
  for (const [value, weight] of weighted) {
    reached += weight;
    while (table.length < Math.round((reached / total) * slots)) table.push(value);
  }
  return (r) => table[(r * slots) | 0];
}
