import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Random } from './random.js';

/** A request as a receiver got it. */
export interface Arrival<Body> {
  /** Milliseconds since 1970. */
  at: number;
  headers: IncomingHttpHeaders;
  body: Body;
  /** What it was answered; null as long as it was not. */
  status: number | null;
}

/** Out of 100 requests; the rest are answered 200. */
const failures = { status500: 12, reset: 10, hang: 4 };
const slowestMs = 40;

/**
 * A real HTTP server that answers 200 or 500 after a while, resets the connection or hangs: by the seed, what the request
 * is about and how often that has come.
 */
export class FlakyReceiver<Body> {
  readonly arrivals: Arrival<Body>[] = [];
  private readonly underWay = new Set<ServerResponse>();
  private readonly seen = new Map<string, number>();
  private isCalm = false;
  private server: Server;

  /** @param subjectOf what the requests that are one delivery's attempts have in common */
  constructor(
    private readonly seed: number,
    private readonly name: string,
    private readonly subjectOf: (body: Body) => string,
  ) {}

  async start(): Promise<void> {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      this.underWay.add(response);
      response.on('close', () => this.underWay.delete(response));
      request.on('error', () => undefined);
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Body;
        const arrival: Arrival<Body> = { at: Date.now(), headers: request.headers, body, status: null };
        this.arrivals.push(arrival);
        this.answer(arrival, response);
      });
    });
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Requests that have no answer yet and whose connection is open. */
  get deliveriesUnderWay(): number {
    return this.underWay.size;
  }

  /** From now on it answers 200 only, and what hangs ends. */
  calm(): void {
    this.isCalm = true;
    for (const response of this.underWay) response.destroy();
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve) ?? resolve(undefined));
  }

  private answer(arrival: Arrival<Body>, response: ServerResponse): void {
    const send = (status: number) => {
      if (response.destroyed) return;
      arrival.status = status;
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    };
    if (this.isCalm) {
      send(200);
      return;
    }
    const subject = this.subjectOf(arrival.body);
    const times = (this.seen.get(subject) ?? 0) + 1;
    this.seen.set(subject, times);
    const random = new Random(this.seed, this.name, subject, times);
    const percent = random.between(0, 100);
    if (percent < failures.hang) return;
    const isReset = percent < failures.hang + failures.reset;
    const isFailure = percent < failures.hang + failures.reset + failures.status500;
    setTimeout(
      () => (isReset ? response.destroy() : send(isFailure ? 500 : 200)),
      random.between(0, slowestMs),
    );
  }
}
