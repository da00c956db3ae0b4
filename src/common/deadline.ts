/** Resolves when the work has ended, however it did, or after so many milliseconds; never rejects. */
export async function settleWithin(work: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  const settled = work.then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([settled, limit]);
  clearTimeout(timer);
}
