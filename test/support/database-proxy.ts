import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Client } from 'pg';

/**
 * A wire between the application and its database that can be cut and held still, so that "the database is away" is real.
 */
export class DatabaseProxy {
  private readonly sockets = new Set<Socket>();
  private mode: 'open' | 'cut' | 'held' = 'open';

  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    /** The database's address by way of this proxy. */
    readonly url: string,
  ) {}

  static async start(databaseUrl: string): Promise<DatabaseProxy> {
    const { host, port, user, password, database } = new Client({ connectionString: databaseUrl });
    const target = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address() as AddressInfo;
    const proxy = new DatabaseProxy(
      server,
      `postgres://${user}:${password ?? ''}@127.0.0.1:${address.port}/${database}?sslmode=disable`,
    );
    server.on('connection', (client) => proxy.join(client, connect(target)));
    return proxy;
  }

  /** From now on every connection is reset, those that are there as well. */
  cut(): void {
    this.mode = 'cut';
    for (const socket of this.sockets) {
      if (socket.remoteAddress) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** From now on nothing passes, and nobody is told: a half-open network. */
  hold(): void {
    this.mode = 'held';
    for (const socket of this.sockets) socket.pause();
  }

  restore(): void {
    this.mode = 'open';
    for (const socket of this.sockets) socket.resume();
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket, database: Socket): void {
    if (this.mode === 'cut') {
      client.resetAndDestroy();
      database.destroy();
      return;
    }
    for (const [from, to] of [
      [client, database],
      [database, client],
    ] as const) {
      this.sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.on('data', (chunk) => to.write(chunk));
      if (this.mode === 'held') from.pause();
    }
  }
}
