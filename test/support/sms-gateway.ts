import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './crm-server.js';

interface SentSms {
  to: string;
  text: string;
}

/** An SMS gateway that takes everything, and knows which codes went where. */
export class SmsGateway {
  readonly messages: SentSms[] = [];
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        this.messages.push(JSON.parse(text) as SentSms);
        response.writeHead(200).end();
      });
    });
  }

  /** Its address, for SMS_URL. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The code of the n-th message to a number, which may yet have to arrive. */
  async code(number: string, nth = 1): Promise<string> {
    const to = `+${number.replace('-', '')}`;
    const sent = await eventually(() => this.messages.filter((message) => message.to === to)[nth - 1]);
    const [code] = /\d{6}/.exec(sent.text) ?? [];
    if (code === undefined) throw new Error('a message without a code');
    return code;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
