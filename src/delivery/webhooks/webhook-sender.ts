import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { parseAllowedSubnets } from './address-rules.js';
import { DeliveryFailure } from './delivery-failure.js';
import { GuardedClient } from './guarded-client.js';
import type { WebhookBody } from './webhook-records.service.js';
import { signWebhook } from './webhook-signature.js';

/** What one try came to. */
export interface WebhookAttempt {
  status: number | null;
  error: string | null;
  answer: string | null;
  /** The Retry-After header. */
  retryAfter: string | null;
  durationMs: number;
}

/** Signs webhooks as Standard Webhooks has it and posts them, to public addresses only. */
@Injectable()
export class WebhookSender implements OnApplicationShutdown {
  private readonly client: GuardedClient;

  constructor(config: Config) {
    this.client = new GuardedClient({
      allowed: parseAllowedSubnets(config.WEBHOOK_ALLOWED_SUBNETS),
      requireHttps: config.isProduction,
    });
  }

  /** Posts one webhook once; never rejects. */
  async send(
    { messageId, url, secrets }: { messageId: string; url: string; secrets: string[] },
    content: WebhookBody,
  ): Promise<WebhookAttempt> {
    const body = JSON.stringify(content);
    const timestamp = Math.floor(Date.now() / 1000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'player-consent',
      'webhook-id': messageId,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signWebhook({ id: messageId, timestamp, body, secrets }),
    };
    try {
      const { status, answer, retryAfter, durationMs } = await this.client.post(url, headers, body);
      return { status, error: null, answer, retryAfter, durationMs };
    } catch (error) {
      const failure = error instanceof DeliveryFailure ? error : new DeliveryFailure('unknown');
      const { reason, durationMs } = failure;
      return { status: null, error: reason, answer: null, retryAfter: null, durationMs };
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
  }
}
