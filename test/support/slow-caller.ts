import { request, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

/** A caller who takes as much of an answer as it likes. */
export class SlowCaller {
  private readonly chunks: Buffer[] = [];
  private waiting: () => void = () => undefined;
  private isOver = false;
  /** Whether the connection broke before the answer's end. */
  isBroken = false;

  private constructor(
    private readonly outgoing: ClientRequest,
    private readonly incoming: IncomingMessage,
  ) {
    incoming.on('end', () => this.finish());
    incoming.on('aborted', () => (this.isBroken = true));
    incoming.on('error', () => (this.isBroken = true));
    incoming.on('close', () => this.finish());
  }

  /** Resolves with the answer's head. Nothing of its body has been taken then. */
  static call(
    url: string,
    path: string,
    { token, body, headers = {} }: { token: string; body: string; headers?: Record<string, string> },
  ): Promise<SlowCaller> {
    return new Promise((resolve, reject) => {
      const all = { 'x-auth-token': token, 'content-type': 'application/json', ...headers };
      const outgoing = request(
        new URL(path, url),
        { method: 'POST', agent: false, headers: all },
        (incoming) => {
          incoming.pause();
          resolve(new SlowCaller(outgoing, incoming));
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  get status(): number {
    return this.incoming.statusCode ?? 0;
  }

  get headers(): IncomingHttpHeaders {
    return this.incoming.headers;
  }

  /** Takes so many bytes, or what there is until the end; answers the text that they are. */
  async take(bytes: number): Promise<string> {
    for (let left = bytes; left > 0 && !this.isOver; ) {
      const chunk = this.incoming.read(Math.min(left, this.incoming.readableLength || left)) as Buffer | null;
      if (chunk) {
        this.chunks.push(chunk);
        left -= chunk.length;
      } else await new Promise<void>((resolve) => this.wait(resolve));
    }
    return this.text;
  }

  /** Takes everything; answers the whole text. */
  takeAll(): Promise<string> {
    return this.take(Number.POSITIVE_INFINITY);
  }

  /** What was taken so far. */
  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }

  get raw(): Buffer {
    return Buffer.concat(this.chunks);
  }

  hangUp(): void {
    this.outgoing.destroy();
  }

  private wait(resolve: () => void): void {
    this.waiting = resolve;
    this.incoming.once('readable', resolve);
  }

  private finish(): void {
    this.isOver = true;
    this.waiting();
  }
}
