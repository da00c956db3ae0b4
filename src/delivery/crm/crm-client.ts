import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, type Dispatcher } from 'undici';

/** Where a brand's CRM is, and how it knows us. */
export interface CrmAddress {
  baseUrl: string;
  apiKey: string | null;
}

/** What the CRM is told: somebody has changed. It then reads what it needs. */
export interface CrmMessage {
  path: 'consents' | 'blocks';
  userId: string;
  origin: string;
  changedAt: Date;
}

/** What came of a try; `status` is null when there was no answer. */
export interface CrmAnswer {
  status: number | null;
  /** A word for why there was no answer, such as `timeout`; null when there was one. */
  error: string | null;
}

const timeoutMs = 15_000;
/** How often requests are looked for that have had their time: a timer each would cost a fifth of a request. */
const sweepEveryMs = 1000;
const connectTimeoutMs = 5000;
const mostConnections = 128;
const keepAliveMs = 30_000;
const answerLimitBytes = 16_384;

/** An address as undici wants it. */
interface Target {
  origin: string;
  path: string;
  headers: string[];
}

/** Speaks to the CRMs of all brands over connections that are kept. */
@Injectable()
export class CrmClient implements OnApplicationShutdown {
  /**
   * Requests under way, each in a place of its own. The tables of a Set refer to one another when they are replaced: one that is
   * not collected yet keeps requests that are over, and collecting them took a twentieth of the time of sending.
   */
  private readonly underWay: (Exchange | null)[] = [];
  private readonly free: number[] = [];
  private readonly targets = new WeakMap<CrmAddress, Target>();
  private readonly sweep = setInterval(() => this.endLate(), sweepEveryMs).unref();
  private readonly agent = new Agent({
    connections: mostConnections,
    // The sweep sees to both.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    connect: { timeout: connectTimeoutMs },
  });

  /** Tells the CRM once; never rejects. */
  tell(address: CrmAddress, message: CrmMessage): Promise<CrmAnswer> {
    const place = this.free.pop() ?? this.underWay.length;
    const exchange = new Exchange(performance.now() + timeoutMs, () => this.leave(place, exchange));
    this.underWay[place] = exchange;
    try {
      const { origin, path, headers } = this.targetOf(address);
      const body = JSON.stringify({
        user_id: message.userId,
        timestamp: message.changedAt.toISOString(),
        origin: message.origin,
      });
      // Written out: of what is put together by `...` the engine makes requests that outlive their answers.
      const request = { origin, path: path + message.path, method: 'PUT' as const, headers, body };
      this.agent.dispatch(request, exchange);
    } catch (error) {
      exchange.onResponseError(null, error);
    }
    return exchange.answer;
  }

  private targetOf(address: CrmAddress): Target {
    const known = this.targets.get(address);
    if (known) return known;
    const { origin, pathname } = new URL(address.baseUrl);
    const target = {
      origin,
      path: `${pathname.replace(/\/+$/, '')}/v2/integration/user/`,
      headers: [
        ...['content-type', 'application/json'],
        ...(address.apiKey === null ? [] : ['x-api-key', address.apiKey]),
      ],
    };
    this.targets.set(address, target);
    return target;
  }

  private leave(place: number, exchange: Exchange): void {
    if (this.underWay[place] !== exchange) return;
    this.underWay[place] = null;
    this.free.push(place);
  }

  /** Over everything: the wait for a connection, and an answer that trickles in. */
  private endLate(): void {
    const now = performance.now();
    for (const exchange of this.underWay) if (exchange && exchange.endsAt <= now) exchange.giveUp();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.sweep);
    await this.agent.destroy();
  }
}

/** One request and what comes of it: undici's plainest interface, since its others build a stream for each answer. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly answer: Promise<CrmAnswer>;
  private settle: (answer: CrmAnswer) => void = () => undefined;
  private controller: Dispatcher.DispatchController | null = null;
  private isGivenUp = false;
  private bytes = 0;

  constructor(
    readonly endsAt: number,
    private readonly whenOver: () => void,
  ) {
    this.answer = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.isGivenUp) controller.abort(new Error('timeout'));
  }

  onResponseStart(_controller: unknown, statusCode: number): void {
    if (statusCode >= 200) this.settle({ status: statusCode, error: null });
  }

  /** The answer says nothing more; a body that is long costs its connection, nothing else. */
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > answerLimitBytes) controller.abort(new Error('the answer is too long'));
  }

  onResponseEnd(): void {
    this.whenOver();
  }

  onResponseError(_controller: unknown, error: unknown): void {
    this.settle({ status: null, error: reasonOf(error) });
    this.whenOver();
  }

  /** Its time is over. What waits for a connection is not sent any more. */
  giveUp(): void {
    if (this.isGivenUp) return;
    this.isGivenUp = true;
    this.settle({ status: null, error: 'timeout' });
    this.controller?.abort(new Error('timeout'));
  }
}

const reasons: [RegExp, string][] = [
  [/TIMEOUT|TIMEDOUT|Abort/i, 'timeout'],
  [/ECONNREFUSED/, 'connection refused'],
  [/ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_CLOSED|UND_ERR_DESTROYED/, 'connection lost'],
  [/ENOTFOUND|EAI_AGAIN/, 'name not found'],
  [/CERT|TLS|SSL|SELF_SIGNED|ALTNAME/i, 'certificate not accepted'],
  [/HPE_|UND_ERR|INVALID/, 'not HTTP'],
];

/** A word for a failure; never its message, which can hold an address. */
function reasonOf(error: unknown): string {
  const { code, name, errors } = error as { code?: unknown; name?: unknown; errors?: unknown };
  const inner = Array.isArray(errors) ? (errors[0] as { code?: unknown } | undefined)?.code : undefined;
  const text = [code, inner, name].filter((part) => typeof part === 'string').join(' ');
  return reasons.find(([pattern]) => pattern.test(text))?.[1] ?? 'failed';
}
