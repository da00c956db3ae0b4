import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls';

/** What a receiver does with a connection once a whole request is there. */
export type Behaviour = (socket: Socket) => void;

/** A whole answer that leaves the connection open. */
export function answer(status: number, body = '', headers: Record<string, string> = {}): Behaviour {
  const lines = Object.entries({ ...headers, 'content-length': String(Buffer.byteLength(body)) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return (socket) => socket.write(`HTTP/1.1 ${status} -\r\n${head}\r\n${body}`);
}

/** Bytes as they stand. */
export function bytes(...parts: (string | Buffer)[]): Behaviour {
  return (socket) => {
    for (const part of parts) socket.write(part);
  };
}

/** Goes on and on: `first` at once, then `part` every `pauseMs` milliseconds, or as fast as it is taken with 0. */
export function endless(first: string, part: string, pauseMs: number): Behaviour {
  return (socket) => {
    socket.write(first);
    const go = () => {
      while (!socket.destroyed) {
        const isTaken = socket.write(part);
        if (pauseMs > 0) return void setTimeout(go, pauseMs);
        if (!isTaken) return void socket.once('drain', go);
      }
    };
    go();
  };
}

/** Whether a request is all there, or begins as a TLS handshake, so that no more of it can be read. */
function isWhole(received: string): boolean {
  const [head = '', ...rest] = received.split('\r\n\r\n');
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  return (
    received.startsWith('\x16') || (length !== undefined && rest.join('\r\n\r\n').length >= Number(length))
  );
}

/** A server on a real socket that counts what reaches it. */
export class Receiver {
  connections = 0;
  /** Heads and bodies of the requests that came whole. */
  readonly requests: string[] = [];
  /** Addresses of this machine that were connected to. */
  readonly localAddresses: (string | undefined)[] = [];
  /** The TLS server names that were asked for; false for none. */
  readonly serverNames: (string | false | null)[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  private constructor(
    private readonly behave: Behaviour,
    tls?: TlsOptions,
  ) {
    this.server = tls ? createTlsServer(tls, (socket) => this.serve(socket)) : createServer();
    this.server.on('connection', (socket: Socket) => {
      this.count(socket);
      if (!tls) this.serve(socket);
    });
    this.server.on('tlsClientError', () => undefined);
  }

  static async start(behave: Behaviour, host = '127.0.0.1', tls?: TlsOptions): Promise<Receiver> {
    const receiver = new Receiver(behave, tls);
    await new Promise<void>((resolve, reject) => {
      receiver.server.once('error', reject);
      receiver.server.listen({ port: 0, host, ipv6Only: true }, resolve);
    });
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private count(socket: Socket): void {
    this.connections++;
    this.localAddresses.push(socket.localAddress);
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
  }

  private serve(socket: Socket | TLSSocket): void {
    if ('servername' in socket) this.serverNames.push(socket.servername);
    let received = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (!isWhole(received)) return;
      this.requests.push(received);
      received = '';
      this.behave(socket);
    });
  }
}
