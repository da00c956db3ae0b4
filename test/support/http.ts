import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** What came back, whole. */
export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface HttpRequest {
  method: string;
  /** Sent as it is, query included: nothing is normalised on the way. */
  path: string;
  headers: Record<string, string | string[]>;
  body?: string | Buffer;
}

/** A plain HTTP/1.1 client that sends exactly what it is given, over kept-alive connections. */
export class HttpClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(
    private readonly host: string,
    private readonly port: number,
  ) {}

  send({ method, path, headers, body }: HttpRequest): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
      const outgoing = request(
        {
          host: this.host,
          port: this.port,
          agent: this.agent,
          method,
          path,
          headers: { ...length, ...headers },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () =>
            resolve({
              status: incoming.statusCode ?? 0,
              headers: incoming.headers,
              text: Buffer.concat(chunks).toString('utf8'),
            }),
          );
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
