import { resolve } from 'node:path';
import { Inject, Injectable, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { Agent, request } from 'undici';
import { Config } from '../../config/config.js';
import { checkMessageId, writeMessageFile } from '../message-file.js';

const maxConnections = 8;
const defaultSmsTimeout = 15_000;
/** Refusals of the message itself. A wrong address or token of ours is mended, and then the message goes. */
const final = new Set([400, 413, 422]);

/** Overrides the milliseconds that one message may take. */
export const smsTimeout = Symbol('smsTimeout');

export interface OutgoingSms {
  to: string;
  text: string;
  /** Opaque and the same at every try, so that the gateway can drop repeats: letters, digits, dots, dashes, underscores. */
  id: string;
}

/** Why a message did not go. It holds no number and nothing of the text or of the gateway's answer. */
export class SmsFailure extends Error {
  constructor(
    message: string,
    readonly isPermanent = false,
  ) {
    super(message);
  }
}

/** Whether the gateway would refuse the same message again. */
export function isPermanentSmsFailure(error: unknown): boolean {
  return error instanceof SmsFailure && error.isPermanent;
}

/** Hands text messages to the gateway at SMS_URL; without it, writes them to DATA_DIR/sms. */
@Injectable()
export class SmsTransport implements OnApplicationShutdown {
  private readonly folder: string;
  private readonly agent = new Agent({ connections: maxConnections });

  constructor(
    private readonly config: Config,
    @Optional() @Inject(smsTimeout) private readonly timeout: number = defaultSmsTimeout,
  ) {
    this.folder = resolve(config.DATA_DIR, 'sms');
  }

  /**
   * Resolves when the gateway has taken the message, or its file is there.
   *
   * @throws SmsFailure when it was not taken, or nobody knows whether it was: see isPermanentSmsFailure
   */
  async send({ to, text, id }: OutgoingSms): Promise<void> {
    checkMessageId(id);
    const content = JSON.stringify({ to, text, id });
    if (this.config.SMS_URL === undefined) return writeMessageFile(this.folder, `${id}.json`, content);
    const status = await this.post(this.config.SMS_URL, id, content);
    if (status >= 200 && status < 300) return;
    throw new SmsFailure(`SMS gateway ${status}`, final.has(status));
  }

  /** Finishes what is under way and closes the connections. */
  async onApplicationShutdown(): Promise<void> {
    await this.agent.close();
  }

  /** The gateway's status; it alone says whether the message was taken. */
  private async post(url: string, id: string, content: string): Promise<number> {
    const { SMS_TOKEN } = this.config;
    try {
      const { statusCode, body } = await request(url, {
        method: 'POST',
        dispatcher: this.agent,
        signal: AbortSignal.timeout(this.timeout),
        headers: {
          'content-type': 'application/json',
          'idempotency-key': id,
          ...(SMS_TOKEN === undefined ? {} : { authorization: `Bearer ${SMS_TOKEN}` }),
        },
        body: content,
      });
      // Read so that the connection can be used again; a long or slow body costs it that, nothing else.
      body.dump({ limit: 65_536 }).catch(() => undefined);
      return statusCode;
    } catch (error) {
      const { name, code } = error as { name?: unknown; code?: unknown };
      if (name === 'TimeoutError') throw new SmsFailure('SMS gateway timeout');
      throw new SmsFailure(`SMS gateway connection lost${typeof code === 'string' ? ` (${code})` : ''}`);
    }
  }
}
