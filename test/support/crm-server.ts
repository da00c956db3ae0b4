import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the CRM got it. */
export interface CrmRequest {
  /** Milliseconds since 1970. */
  at: number;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: { user_id: string; timestamp: string; origin: string };
}

/** A CRM that can be told how to answer: with a status, or `hang` and `reset` instead of one. */
export type CrmBehaviour = number | 'hang' | 'reset';

/** The CRM at the other end, over real HTTP. */
export class CrmServer {
  readonly requests: CrmRequest[] = [];
  behave: (request: CrmRequest) => CrmBehaviour = () => 200;
  /** Milliseconds before each answer. */
  delayMs = 0;
  /** Whether answers begin and never end. */
  isEndless = false;
  private server?: Server;
  private port = 0;

  /** Listens on a free port, or the one it had before. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on('end', () => {
        const body = JSON.parse(text) as CrmRequest['body'];
        const { method = '', url = '', headers } = request;
        const seen = { at: Date.now(), method, path: url, headers, body };
        this.requests.push(seen);
        this.answer(this.behave(seen), response);
      });
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve) ?? resolve(undefined));
  }

  /** Those about one player. */
  about(playerId: string): CrmRequest[] {
    return this.requests.filter(({ body }) => body.user_id === playerId);
  }

  private answer(behaviour: CrmBehaviour, response: ServerResponse): void {
    if (behaviour === 'hang') return;
    if (behaviour === 'reset') {
      response.destroy();
      return;
    }
    setTimeout(() => {
      response.writeHead(behaviour, { 'content-type': 'application/json' });
      if (this.isEndless) response.write('{');
      else response.end('{}');
    }, this.delayMs);
  }
}

/** Waits until `check` answers something other than undefined, null or false; rejects after `limitMs`. */
export async function eventually<T>(check: () => T | Promise<T>, limitMs = 10_000): Promise<NonNullable<T>> {
  const giveUpAt = Date.now() + limitMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > giveUpAt) throw new Error(`it did not happen within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
