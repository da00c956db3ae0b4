import { describe, expect, it } from '@jest/globals';
import { Coalescer } from './coalescer.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A run that is ended by hand, to see what waits for it. */
function manualRuns<Item>() {
  const runs: {
    items: Item[];
    finish: (results: (string | Error)[]) => void;
    fail: (error: unknown) => void;
  }[] = [];
  const run = (items: Item[]) =>
    new Promise<(string | Error)[]>((finish, fail) => {
      runs.push({ items, finish, fail });
    });
  return { runs, run };
}

describe('Coalescer', () => {
  it('makes one run of what arrives within one turn, and answers each its own result', async () => {
    const batches: number[][] = [];
    const coalescer = new Coalescer<number, string>(
      async (items) => {
        batches.push(items);
        return items.map((item) => `#${item}`);
      },
      { maxItems: 10, maxRuns: 1 },
    );
    const answers = await Promise.all([1, 2, 3].map((item) => coalescer.add(item)));
    expect(answers).toEqual(['#1', '#2', '#3']);
    expect(await coalescer.add(4)).toBe('#4');
    expect(batches).toEqual([[1, 2, 3], [4]]);
  });

  it('cuts what is more than a run may hold', async () => {
    const sizes: number[] = [];
    const coalescer = new Coalescer<number, number>(
      async (items) => {
        sizes.push(items.length);
        return items;
      },
      { maxItems: 4, maxRuns: 8 },
    );
    const items = Array.from({ length: 10 }, (_, index) => index);
    expect(await Promise.all(items.map((item) => coalescer.add(item)))).toEqual(items);
    expect(sizes).toEqual([4, 4, 2]);
  });

  it('lets what arrives while all runs are under way wait, and takes it together', async () => {
    const { runs, run } = manualRuns<number>();
    const coalescer = new Coalescer<number, string>(run, { maxItems: 100, maxRuns: 2 });
    const first = coalescer.add(1);
    await turn();
    const second = coalescer.add(2);
    await turn();
    const rest = [3, 4, 5].map((item) => coalescer.add(item));
    await turn();
    await turn();
    expect(runs.map(({ items }) => items)).toEqual([[1], [2]]);
    runs[1]?.finish(['two']);
    expect(await second).toBe('two');
    await turn();
    await turn();
    expect(runs.map(({ items }) => items)).toEqual([[1], [2], [3, 4, 5]]);
    runs[2]?.finish(['a', 'b', 'c']);
    expect(await Promise.all(rest)).toEqual(['a', 'b', 'c']);
    runs[0]?.finish(['one']);
    expect(await first).toBe('one');
  });
});

describe('a run that fails', () => {
  it('fails one item alone when its result is an error', async () => {
    const coalescer = new Coalescer<number, number>(
      async (items) => items.map((item) => (item === 2 ? new Error('not two') : item)),
      { maxItems: 10, maxRuns: 1 },
    );
    const settled = await Promise.allSettled([1, 2, 3].map((item) => coalescer.add(item)));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('fails every item of a run that fails, and none of the next', async () => {
    const { runs, run } = manualRuns<number>();
    const coalescer = new Coalescer<number, string>(run, { maxItems: 2, maxRuns: 1 });
    const outcomes = [1, 2, 3].map((item) =>
      coalescer.add(item).then(
        (result) => result,
        (error: Error) => error.message,
      ),
    );
    await turn();
    runs[0]?.fail(new Error('away'));
    await turn();
    await turn();
    runs[1]?.finish(['three']);
    expect(await Promise.all(outcomes)).toEqual(['away', 'away', 'three']);
  });

  it('takes a run that throws at once for one that fails', async () => {
    const coalescer = new Coalescer<number, number>(
      () => {
        throw new Error('at once');
      },
      { maxItems: 2, maxRuns: 1 },
    );
    await expect(coalescer.add(1)).rejects.toThrow('at once');
    await expect(coalescer.add(2)).rejects.toThrow('at once');
  });
});
