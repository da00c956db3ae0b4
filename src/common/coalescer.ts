import { isNativeError } from 'node:util/types';

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

export interface CoalescerOptions {
  /** Items in one run at most. */
  maxItems: number;
  /** Runs under way at once at most; what arrives meanwhile waits and makes the next run larger. */
  maxRuns: number;
}

/**
 * Gathers what arrives within one turn of the event loop into one call of `run`, which answers an array in the same
 * order: one round trip to the database where there would be one per request. An entry of that array may be an Error,
 * which then fails its own item alone.
 */
export class Coalescer<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private runs = 0;
  private scheduled = false;

  constructor(
    private readonly run: (items: Item[]) => Promise<(Result | Error)[]>,
    private readonly options: CoalescerOptions,
  ) {}

  /** Queues one item and answers its own result. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled || this.runs >= this.options.maxRuns) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.start();
    });
  }

  private start(): void {
    while (this.waiting.length > 0 && this.runs < this.options.maxRuns) {
      const batch = this.waiting.splice(0, this.options.maxItems);
      this.runs++;
      void this.settle(batch).finally(() => {
        this.runs--;
        if (this.waiting.length > 0) this.schedule();
      });
    }
  }

  private async settle(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.run(batch.map((entry) => entry.item));
      batch.forEach((entry, index) => {
        const result = results[index];
        if (isNativeError(result)) entry.reject(result);
        else entry.resolve(result as Result);
      });
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    }
  }
}
