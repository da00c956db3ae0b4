import { setMaxListeners } from 'node:events';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent } from 'undici';

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
/** Requests of so many milliseconds have their end together. */
const deadlineSharedMs = 1000;
const connectTimeoutMs = 5000;
const mostConnections = 128;
const keepAliveMs = 30_000;
const answerLimitBytes = 16_384;

/** Speaks to the CRMs of all brands over connections that are kept. */
@Injectable()
export class CrmClient implements OnApplicationShutdown {
  private shared = AbortSignal.abort();
  private sharedAt = Number.NEGATIVE_INFINITY;
  private readonly agent = new Agent({
    connections: mostConnections,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: keepAliveMs,
    connect: { timeout: connectTimeoutMs },
  });

  /** Tells the CRM once; never rejects. */
  async tell({ baseUrl, apiKey }: CrmAddress, message: CrmMessage): Promise<CrmAnswer> {
    try {
      const { origin, pathname } = new URL(baseUrl);
      const { statusCode, body } = await this.agent.request({
        origin,
        path: `${pathname.replace(/\/+$/, '')}/v2/integration/user/${message.path}`,
        method: 'PUT',
        signal: this.deadline(),
        headers: { 'content-type': 'application/json', ...(apiKey !== null && { 'x-api-key': apiKey }) },
        body: JSON.stringify({
          user_id: message.userId,
          timestamp: message.changedAt.toISOString(),
          origin: message.origin,
        }),
      });
      // The answer says nothing more; a body that is long or slow costs its connection, nothing else.
      body.dump({ limit: answerLimitBytes }).catch(() => undefined);
      return { status: statusCode, error: null };
    } catch (error) {
      return { status: null, error: reasonOf(error) };
    }
  }

  /** Over everything: the wait for a connection, and an answer that trickles in. A timer each would cost a fifth of a request. */
  private deadline(): AbortSignal {
    const now = performance.now();
    if (now - this.sharedAt > deadlineSharedMs) {
      this.shared = AbortSignal.timeout(timeoutMs + deadlineSharedMs);
      setMaxListeners(0, this.shared);
      this.sharedAt = now;
    }
    return this.shared;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
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
