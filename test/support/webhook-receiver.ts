import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { UniversalRecord } from './universal.js';

/** What one carries: the record of a universal consent, or all consents of a player. */
type WebhookData = Omit<UniversalRecord, 'CustomUserId'> & {
  CustomUserId: string;
  Sequence: number;
  consents: { type: string; opted_in: boolean; products?: string[] }[];
};

/** A webhook as its receiver got it. */
export interface ReceivedWebhook {
  at: number;
  id: string;
  headers: IncomingHttpHeaders;
  text: string;
  body: {
    type: string;
    timestamp: string;
    data: WebhookData;
  };
}

export interface ReceiverAnswer {
  status: number;
  headers?: Record<string, string>;
  text?: string;
}

/** Somebody else's server that takes webhooks. */
export class WebhookReceiver {
  readonly webhooks: ReceivedWebhook[] = [];
  behave: (webhook: ReceivedWebhook) => ReceiverAnswer | 'hang' | 'reset' = () => ({ status: 204 });
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on('end', () => {
        const { headers } = request;
        const webhook = {
          at: Date.now(),
          id: String(headers['webhook-id']),
          headers,
          text,
          body: JSON.parse(text) as ReceivedWebhook['body'],
        };
        this.webhooks.push(webhook);
        const answer = this.behave(webhook);
        if (answer === 'hang') return;
        if (answer === 'reset') response.destroy();
        else response.writeHead(answer.status, answer.headers).end(answer.text);
      });
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/webhooks`;
  }

  /** Those about one player, in the order they came. */
  about(playerId: string): ReceivedWebhook[] {
    return this.webhooks.filter(({ body }) => body.data.CustomUserId === playerId);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
