import { connect, type Socket } from 'node:net';

/** A connection whose bytes the test writes itself, for what no HTTP client would send. */
export class RawConnection {
  private readonly chunks: Buffer[] = [];
  private readonly ended: Promise<void>;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => this.chunks.push(chunk));
    socket.on('error', () => undefined);
    this.ended = new Promise((resolve) => socket.on('close', () => resolve()));
  }

  static open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => resolve(new RawConnection(socket)));
      socket.once('error', reject);
    });
  }

  /** Lines of a head (the empty one after them is added), and what follows it. */
  write(lines: string[], body: string | Buffer = ''): void {
    this.socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)]));
  }

  /** Bytes as they are. */
  writeBytes(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** What has come so far. */
  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }

  /** Resolves with all that has come once it matches; rejects when the connection ends without. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) {
      const more = new Promise<boolean>((resolve) => this.socket.once('data', () => resolve(true)));
      if (!(await Promise.race([more, this.ended])) && !pattern.test(this.text))
        throw new Error(`the connection ended after: ${this.text}`);
    }
    return this.text;
  }

  /** Resolves with all that came, when the other side has closed. */
  async untilClosed(): Promise<string> {
    await this.ended;
    return this.text;
  }

  hangUp(): void {
    this.socket.destroy();
  }
}
