import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds that a turn of the event loop takes when nobody else has anything to do. */
const quietTurnMs = 2;
const longestPauseMs = 20;

/**
 * Between two pieces of something long: lets everybody else have a turn, and where they needed it, as much time again. So
 * a stream gives way to interactive requests and runs at full speed when there are none.
 */
export async function giveWay(signal?: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  await nextTurn();
  const turnMs = performance.now() - startedAt;
  if (turnMs > quietTurnMs && !signal?.aborted) await sleep(Math.min(turnMs, longestPauseMs));
}
