import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { AppError } from '../../common/errors.js';
import type { TextChange } from './policy-diff.js';
import { UnreadableText } from './policy-html.js';
import { type TextJob, type TextOutcome, type TextTasks, textTasks } from './policy-text-thread.js';
import type { TextFormat } from './policy.js';

/** Beside what is this short everything else of a request takes longer, whatever it says. */
const shortLength = 2000;
const maxWaiting = 50;
const idleMs = 30_000;
const maxHeapMb = 256;

// Sources are run by tests alone, which build before they start.
const threadFile = new URL(
  import.meta.url.endsWith('.ts')
    ? '../../../dist/src/consents/policies/policy-text-thread.js'
    : './policy-text-thread.js',
  import.meta.url,
);

/**
 * Compiles and compares texts. What is long, or made to take long, is done in a thread of its own, one after the other, so that
 * nobody else's request waits for it; after ten seconds it is given up.
 */
@Injectable()
export class PolicyTextWorker implements OnModuleDestroy {
  /** How long one task may take, in milliseconds. */
  limitMs = 10_000;

  private thread: Worker | null = null;
  private idle: NodeJS.Timeout | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  /** A text as it is shown and agreed to. Rejects with UnreadableText. */
  async compile(format: TextFormat, text: string): Promise<{ html: string; hash: Buffer }> {
    const { html, hash } = await this.run('compile', [format, text]);
    return { html, hash: Buffer.from(hash) };
  }

  /** The newer of two compiled texts, with what changed marked in it. */
  diffHtml(from: string, to: string): Promise<string> {
    return this.run('diffHtml', [from, to]);
  }

  /** What changed from one compiled text to another, in plain text. */
  diffTexts(from: string, to: string): Promise<TextChange[]> {
    return this.run('diffTexts', [from, to]);
  }

  async onModuleDestroy(): Promise<void> {
    await this.end();
  }

  private async run<Name extends keyof TextTasks>(
    task: Name,
    input: Parameters<TextTasks[Name]>,
  ): Promise<ReturnType<TextTasks[Name]>> {
    type Result = ReturnType<TextTasks[Name]>;
    const length = input.reduce((sum, text) => sum + text.length, 0);
    if (length <= shortLength) return (textTasks[task] as (...given: unknown[]) => Result)(...input);
    if (this.waiting >= maxWaiting) throw new AppError('unavailable');
    this.waiting++;
    const turn = this.last.then(() => this.runInThread({ task, input }));
    this.last = turn.catch(() => undefined);
    try {
      const outcome = await turn;
      if ('unreadable' in outcome)
        throw task === 'compile' ? new UnreadableText(outcome.unreadable) : new AppError('unavailable');
      return outcome.result as Result;
    } finally {
      this.waiting--;
    }
  }

  private async runInThread(job: TextJob): Promise<TextOutcome> {
    clearTimeout(this.idle);
    const thread = (this.thread ??= this.start());
    const over = new AbortController();
    const giveUp = () => over.abort();
    const limit = setTimeout(giveUp, this.limitMs);
    thread.once('exit', giveUp).ref();
    try {
      const answered = once(thread, 'message', { signal: over.signal }) as Promise<[TextOutcome]>;
      thread.postMessage(job);
      const [outcome] = await answered;
      return outcome;
    } catch {
      // The limit, or the memory: nothing else ends a thread but the application.
      await this.end();
      return { unreadable: 'the text takes too long to read' };
    } finally {
      clearTimeout(limit);
      thread.off('exit', giveUp).unref();
      this.idle = setTimeout(() => void this.end(), idleMs).unref();
    }
  }

  private start(): Worker {
    const thread = new Worker(threadFile, { resourceLimits: { maxOldGenerationSizeMb: maxHeapMb } });
    // Whoever waits for an answer hears of it.
    return thread.on('error', () => undefined);
  }

  private async end(): Promise<void> {
    clearTimeout(this.idle);
    const { thread } = this;
    this.thread = null;
    await thread?.terminate();
  }
}
