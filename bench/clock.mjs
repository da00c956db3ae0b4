/** Milliseconds of the system's monotonic clock, which all processes of a machine share. @returns {number} */
export function monotonicMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}
