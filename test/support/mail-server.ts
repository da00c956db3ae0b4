import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A mail as the server took it. */
export interface TakenMail {
  from: string;
  to: string[];
  isEncrypted: boolean;
  source: Buffer;
}

/** What the server does instead of taking a mail; a refusal is `451 text`. */
export interface MailServerBehaviour {
  greeting?: string;
  sender?: string;
  recipient?: string;
  /** Called with the number of the mail, from 1, when it has come whole. 'hang' never answers, 'drop' hangs up. */
  data?: (count: number) => string | undefined;
  /** Nobody may send without them. */
  login?: { user: string; password: string };
  /** Offers STARTTLS, or speaks TLS from the first byte. */
  tls?: { when: 'offered' | 'at once'; cert: string; key: string };
}

/** A refusal as smtp-server takes it; undefined takes the step. */
function refusal(text: string | undefined): Error | undefined {
  if (text === undefined) return undefined;
  return Object.assign(new Error(text.slice(4)), { responseCode: Number(text.slice(0, 3)) });
}

/** A real SMTP server on a port of its own, that keeps what it takes. */
export class MailServer {
  readonly taken: TakenMail[] = [];
  /** Mails that came whole, taken or not. */
  arrived = 0;
  connections = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server: SMTPServer;
  private port = 0;

  private constructor(private readonly behaviour: MailServerBehaviour) {
    this.server = new SMTPServer(this.options());
    this.server.on('error', () => undefined);
    this.server.server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  static async start(behaviour: MailServerBehaviour = {}): Promise<MailServer> {
    const started = new MailServer(behaviour);
    await new Promise<void>((resolve) => started.server.listen(0, '127.0.0.1', resolve));
    started.port = (started.server.server.address() as AddressInfo).port;
    return started;
  }

  get url(): string {
    return `${this.behaviour.tls?.when === 'at once' ? 'smtps' : 'smtp'}://127.0.0.1:${this.port}`;
  }

  get openConnections(): number {
    return this.sockets.size;
  }

  /** Hangs up on everyone. */
  dropAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    // Under TLS the server must end its sockets itself: tearing them from below it can crash the process.
    if (!this.behaviour.tls) this.dropAll();
    await new Promise<void>((resolve) => this.server.close(resolve));
  }

  private options(): SMTPServerOptions {
    const { greeting, sender, recipient, login, tls } = this.behaviour;
    return {
      secure: tls?.when === 'at once',
      cert: tls?.cert,
      key: tls?.key,
      disabledCommands: [...(tls ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])],
      allowInsecureAuth: true,
      disableReverseLookup: true,
      closeTimeout: 100,
      onConnect: (_session, callback) => callback(refusal(greeting)),
      onMailFrom: (_address, _session, callback) => callback(refusal(sender)),
      onRcptTo: (_address, _session, callback) => callback(refusal(recipient)),
      onAuth: ({ username, password }, _session, callback) => {
        const isRight = username === login?.user && password === login?.password;
        callback(isRight ? null : refusal(`535 not ${username}`), { user: username });
      },
      onData: (stream, { envelope, secure }, callback) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          this.arrived += 1;
          const answer = this.behaviour.data?.(this.arrived);
          if (answer === 'hang') return;
          if (answer === 'drop') return this.dropAll();
          if (answer === undefined) {
            this.taken.push({
              from: envelope.mailFrom ? envelope.mailFrom.address : '',
              to: envelope.rcptTo.map(({ address }) => address),
              isEncrypted: secure,
              source: Buffer.concat(chunks),
            });
          }
          callback(refusal(answer) ?? null);
        });
      },
    };
  }
}

/** A TCP server that only does what it is told, for what no honest mail server does. */
export async function startTcpServer(
  talk: (socket: Socket) => void,
): Promise<{ port: number; connections: () => number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server: Server = createServer((socket) => {
    count += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    talk(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => count,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
