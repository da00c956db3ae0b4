// Comparing on a machine that others share: in turns, and by the median of the ratios of neighbours.

/** @param {readonly number[]} values @returns {number} */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {readonly number[]} ours @param {readonly number[]} theirs of the same rounds */
export function medianRatio(ours, theirs) {
  return median(ours.map((value, round) => value / theirs[round]));
}

/**
 * Measures every contestant once a round, forwards and backwards by turns (ABC CBA …), so that what drifts hits all alike.
 * @template {{name: string}} Contestant
 * @param {readonly Contestant[]} contestants
 * @param {number} rounds
 * @param {(contestant: Contestant, round: number) => Promise<number>} measure
 * @returns {Promise<Record<string, number[]>>} by name, one value a round
 */
export async function inTurns(contestants, rounds, measure) {
  /** @type {Record<string, number[]>} */
  const results = Object.fromEntries(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 ? [...contestants].reverse() : contestants;
    for (const contestant of order) results[contestant.name].push(await measure(contestant, round));
  }
  return results;
}
