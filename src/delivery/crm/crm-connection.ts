import { type buildConnector, Client, type Dispatcher } from 'undici';

/** What came of a try; `status` is null when there was no answer. */
export interface CrmAnswer {
  status: number | null;
  /** A word for why there was no answer, such as `timeout`; null when there was one. */
  error: string | null;
}

/** A request that has its answer by `endsAt`, by the clock that nobody sets. */
export interface CrmRequest {
  path: string;
  headers: string[];
  body: string;
  endsAt: number;
  settle(answer: CrmAnswer): void;
}

const keepAliveMs = 30_000;
const answerLimitBytes = 16_384;

/** A connection that is kept, and the request that is under way on it: one at a time. Connects, and again, when it is needed. */
export class CrmConnection implements Dispatcher.DispatchHandler {
  private readonly client: Client;
  private request: CrmRequest | null = null;
  private controller: Dispatcher.DispatchController | null = null;
  private isGivenUp = false;
  private bytes = 0;

  /** @param whenFree told each time that a request is over */
  constructor(
    private readonly origin: string,
    connect: buildConnector.connector,
    private readonly whenFree: (connection: CrmConnection) => void,
  ) {
    // Whoever sends sees to the time limits: timers for each request would cost a fifth of it.
    this.client = new Client(origin, {
      connect,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: keepAliveMs,
    });
  }

  send(request: CrmRequest): void {
    this.request = request;
    this.controller = null;
    this.isGivenUp = false;
    this.bytes = 0;
    const { path, headers, body } = request;
    // Written out: of what is put together by `...` the engine makes requests that outlive their answers.
    this.client.dispatch({ origin: this.origin, path, method: 'PUT', headers, body }, this);
  }

  /** Gives up what should have its answer by now; what waits for the connection to be made is not sent any more. */
  endLate(now: number): void {
    if (!this.request || this.isGivenUp || this.request.endsAt > now) return;
    this.isGivenUp = true;
    this.request.settle({ status: null, error: 'timeout' });
    this.controller?.abort(new Error('timeout'));
  }

  async close(): Promise<void> {
    await this.client.destroy();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.isGivenUp) controller.abort(new Error('timeout'));
  }

  onResponseStart(_controller: unknown, statusCode: number): void {
    if (statusCode >= 200) this.request?.settle({ status: statusCode, error: null });
  }

  /** The answer says nothing more; a body that is long costs its connection, nothing else. */
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > answerLimitBytes) controller.abort(new Error('the answer is too long'));
  }

  onResponseEnd(): void {
    this.end();
  }

  onResponseError(_controller: unknown, error: unknown): void {
    this.request?.settle({ status: null, error: reasonOf(error) });
    this.end();
  }

  /**
   * Free in the next turn of the event loop, as undici's own pools have it: until then it looks whether the server says more
   * than it was asked, which would be taken for the answer to the next request; and it must not be given one while it fails.
   */
  private end(): void {
    this.request = null;
    setImmediate(() => this.whenFree(this));
  }
}

const reasons: [RegExp, string][] = [
  [/TIMEOUT|TIMEDOUT|Abort/i, 'timeout'],
  [/ECONNREFUSED/, 'connection refused'],
  [/ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_CLOSED|UND_ERR_DESTROYED/, 'connection lost'],
  [/ENOTFOUND|EAI_AGAIN/, 'name not found'],
  [/CERT|TLS|SSL|SELF_SIGNED|ALTNAME/i, 'certificate not accepted'],
  [/HTTPParser|HPE_|UND_ERR|INVALID/, 'not HTTP'],
];

/** A word for a failure; never its message, which can hold an address. */
export function reasonOf(error: unknown): string {
  const { code, name, errors } = error as { code?: unknown; name?: unknown; errors?: unknown };
  const inner = Array.isArray(errors) ? (errors[0] as { code?: unknown } | undefined)?.code : undefined;
  const text = [code, inner, name].filter((part) => typeof part === 'string').join(' ');
  return reasons.find(([pattern]) => pattern.test(text))?.[1] ?? 'failed';
}
