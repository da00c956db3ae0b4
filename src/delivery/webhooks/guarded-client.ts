import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector, Client } from 'undici';
import { type AllowedSubnets, isForbiddenAddress } from './address-rules.js';
import { codeOf, DeliveryFailure } from './delivery-failure.js';
import { Exchange, type ReceiverAnswer } from './exchange.js';
import { makeResolver, type ResolveName } from './resolve-name.js';
import { parseWebhookUrl } from './webhook-url.js';

const maxHeaderBytes = 16_384;
/** A connection is kept for a burst to one receiver and not longer: receivers drop idle ones without a word. */
const keepAliveMs = 1000;
/** Milliseconds for each address of a receiver but the last. */
const attemptMs = 1000;

export interface GuardedClientOptions {
  allowed: AllowedSubnets;
  resolve?: ResolveName;
  /** Default false. */
  requireHttps?: boolean;
  /** Milliseconds for everything, from resolving the name to the end of the answer. Default 15,000. */
  timeoutMs?: number;
  /** Bytes of the answer's body that are kept; where it goes on, the connection is cut. Default 1,024. */
  maxAnswerBytes?: number;
  /** PEM of the authorities to trust in place of Node's own. */
  ca?: string;
}

/** A connection to one origin for one message at a time, so that cutting it touches no other message. */
interface Line {
  origin: string;
  client: Client;
  /** undici does not end a connection that is being made; this does. */
  opening: AbortController;
}

/**
 * Posts to addresses that strangers gave. A connection is only ever made to an address that was judged in the same
 * breath, redirects are answers like others, and no proxy of the environment is asked.
 */
export class GuardedClient {
  private readonly lines = new Set<Line>();
  /** Lines without a message, by origin. */
  private readonly idle = new Map<string, Line[]>();
  private readonly exchanges = new Set<Exchange>();
  private readonly resolve: ResolveName;
  private readonly timeoutMs: number;
  private isClosed = false;

  constructor(private readonly options: GuardedClientOptions) {
    this.resolve = options.resolve ?? makeResolver();
    this.timeoutMs = options.timeoutMs ?? 15_000;
  }

  /** Connections that are open or being made. */
  get connections(): number {
    return this.lines.size;
  }

  /** Sends one message; throws DeliveryFailure when no whole answer came in time. */
  async post(url: string, headers: Record<string, string>, body: string): Promise<ReceiverAnswer> {
    const { origin, pathname, search } = this.parse(url);
    if (this.isClosed) throw new DeliveryFailure('closed');
    const line = this.takeIdle(origin) ?? this.open(origin);
    const exchange = new Exchange(this.timeoutMs, this.options.maxAnswerBytes ?? 1024);
    this.exchanges.add(exchange);
    try {
      line.client.dispatch({ path: pathname + search, method: 'POST', headers, body }, exchange);
      return await exchange.answer;
    } finally {
      this.exchanges.delete(exchange);
      if (exchange.isWhole && !this.isClosed) this.keep(line);
      else void this.cut(line);
    }
  }

  /** Cuts every connection; what is under way fails with `closed`. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const exchange of this.exchanges) exchange.fail(new DeliveryFailure('closed'));
    await Promise.all([...this.lines].map((line) => this.cut(line)));
  }

  private parse(url: string): URL {
    try {
      return parseWebhookUrl(url, this.options.requireHttps ?? false);
    } catch {
      throw new DeliveryFailure('address_refused');
    }
  }

  private open(origin: string): Line {
    const opening = new AbortController();
    const client = new Client(origin, {
      connect: this.connector(opening.signal),
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const line = { origin, client, opening };
    client.on('disconnect', () => {
      if (this.idle.get(origin)?.includes(line)) void this.cut(line);
    });
    this.lines.add(line);
    return line;
  }

  private takeIdle(origin: string): Line | undefined {
    const line = this.idle.get(origin)?.at(-1);
    if (line) this.leaveIdle(line);
    return line;
  }

  private keep(line: Line): void {
    this.idle.set(line.origin, [...(this.idle.get(line.origin) ?? []), line]);
  }

  private leaveIdle(line: Line): void {
    const others = this.idle.get(line.origin)?.filter((other) => other !== line) ?? [];
    if (others.length > 0) this.idle.set(line.origin, others);
    else this.idle.delete(line.origin);
  }

  private async cut(line: Line): Promise<void> {
    this.lines.delete(line);
    this.leaveIdle(line);
    const destroyed = line.client.destroy();
    line.opening.abort();
    await destroyed;
  }

  /** The one way to a socket. An address in the URL is judged here, since nothing looks it up. */
  private connector(signal: AbortSignal): buildConnector.connector {
    const openSocket = buildConnector({
      lookup: this.lookup,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: attemptMs,
      timeout: this.timeoutMs,
      signal,
      ca: this.options.ca,
      // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED has no say.
      rejectUnauthorized: true,
    });
    return (options, callback) => {
      const { hostname } = options;
      const isAddress = isIP(hostname) !== 0;
      if (isAddress && isForbiddenAddress(hostname, this.options.allowed))
        return process.nextTick(callback, new DeliveryFailure('address_refused'), null);
      // RFC 6066: the name is sent without its final dot.
      const servername = isAddress ? undefined : hostname.replace(/\.$/, '');
      openSocket({ ...options, servername }, callback);
    };
  }

  /** Answers the socket's own question, so that it connects to the very addresses that were judged. */
  private readonly lookup: LookupFunction = (hostname, _options, callback) => {
    this.judge(hostname).then(
      (addresses) => callback(null, addresses),
      (failure: DeliveryFailure) => callback(failure, []),
    );
  };

  private async judge(hostname: string): Promise<LookupAddress[]> {
    const addresses = await this.resolve(hostname).catch((error: unknown) => {
      throw new DeliveryFailure('name_not_found', codeOf(error));
    });
    if (addresses.length === 0) throw new DeliveryFailure('name_not_found');
    if (addresses.some((address) => isForbiddenAddress(address, this.options.allowed)))
      throw new DeliveryFailure('address_refused');
    return addresses.map((address) => ({ address, family: isIP(address) }));
  }
}
