import type { Dispatcher } from 'undici';
import { DeliveryFailure, failureOf } from './delivery-failure.js';

/** More than any honest receiver sends before its answer. */
const maxInformational = 10;

export interface ReceiverAnswer {
  status: number;
  /** The beginning of the answer's body as text that PostgreSQL can store. */
  answer: string;
  /** The Retry-After header as it came. */
  retryAfter: string | null;
  /** Milliseconds from the start of the attempt. */
  durationMs: number;
}

/** One message and what comes back; settles once, whatever the receiver does. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Rejects with a DeliveryFailure. */
  readonly answer: Promise<ReceiverAnswer>;
  /** Whether the answer came to its end, so that the connection can carry another. */
  isWhole = false;
  private readonly startedAt = performance.now();
  private readonly deadline: NodeJS.Timeout;
  private readonly chunks: Buffer[] = [];
  private bytes = 0;
  private informational = 0;
  private status = 0;
  private retryAfter: string | null = null;
  private resolve: (answer: ReceiverAnswer) => void;
  private reject: (failure: DeliveryFailure) => void;

  constructor(
    timeoutMs: number,
    private readonly maxAnswerBytes: number,
  ) {
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.deadline = setTimeout(() => this.fail(new DeliveryFailure('timeout')), timeoutMs);
  }

  // undici knows a handler of this kind by this method.
  onRequestStart(): void {}

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) {
      this.informational += 1;
      if (this.informational > maxInformational) this.fail(new DeliveryFailure('protocol'));
      return;
    }
    this.status = status;
    this.retryAfter = [headers['retry-after']].flat()[0] ?? null;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.bytes > this.maxAnswerBytes) return;
    this.chunks.push(chunk.subarray(0, this.maxAnswerBytes - this.bytes));
    this.bytes += chunk.length;
    if (this.bytes > this.maxAnswerBytes) this.succeed();
  }

  onResponseEnd(): void {
    this.isWhole = true;
    this.succeed();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  /** Ends the exchange from outside, or does nothing when it has ended. */
  fail(error: Error): void {
    clearTimeout(this.deadline);
    const { reason, code } = failureOf(error);
    this.reject(new DeliveryFailure(reason, code, this.elapsed()));
  }

  private succeed(): void {
    clearTimeout(this.deadline);
    const isCut = this.bytes > this.maxAnswerBytes;
    // `stream` leaves out the half character that a cut may end in.
    const text = new TextDecoder().decode(Buffer.concat(this.chunks), { stream: isCut });
    this.resolve({
      status: this.status,
      answer: text.replaceAll('\0', ''),
      retryAfter: this.retryAfter,
      durationMs: this.elapsed(),
    });
  }

  private elapsed(): number {
    return Math.round(performance.now() - this.startedAt);
  }
}
