import { Webhook } from 'standardwebhooks';
import { eventually } from './crm-server.js';
import type { Answer, CallOptions, TestApp } from './test-app.js';
import type { ReceivedWebhook } from './webhook-receiver.js';

/** A subscription as everybody with the scope reads it. */
export interface PrintedSubscription {
  Id: string;
  WebhookUrl: string;
  CustomUserId: string | null;
  Reference: string | null;
  ConsentType: string | null;
  Created: string;
  FailingSince: string | null;
  DisabledAt: string | null;
  DisabledReason: string | null;
}

export type NewSubscription = PrintedSubscription & { Secret: string };

/** A webhook and its tries as the log has them. */
export interface PrintedDelivery {
  Id: string;
  MessageId: string;
  Status: string;
  Created: string;
  NextAttempt: string | null;
  Attempts: {
    AttemptedAt: string;
    Status: number | null;
    Error: string | null;
    Answer: string | null;
    DurationMs: number;
  }[];
}

export const subscribePath = '/api/universalconsent/subscribe';
export const subscriptionsPath = '/api/universalconsent/subscriptions';

/** The routes of subscriptions. */
export function subscriptionRoutes(app: TestApp) {
  const ofOne =
    (method: string, suffix: string) =>
    (id: string, options: CallOptions = {}): Promise<Answer> =>
      app.call(method, `${subscriptionsPath}/${id}${suffix}`, options);
  const list = (options: CallOptions = {}): Promise<Answer> => app.call('GET', subscriptionsPath, options);
  const remove = ofOne('DELETE', '');
  return {
    subscribe: (body: unknown, options: CallOptions = {}): Promise<Answer> =>
      app.call('POST', subscribePath, { body, ...options }),
    list,
    remove,
    ping: ofOne('POST', '/ping'),
    rotateSecret: ofOne('POST', '/rotate-secret'),
    deliveries: (id: string, query = '', options: CallOptions = {}): Promise<Answer> =>
      app.call('GET', `${subscriptionsPath}/${id}/deliveries${query}`, options),
    redeliver: (id: string, options: CallOptions = {}): Promise<Answer> =>
      app.call('POST', `/api/deliveries/${id}/redeliver`, options),
    removeAll: async (options: CallOptions = {}): Promise<void> => {
      for (const { Id } of (await list(options)).as<PrintedSubscription[]>()) await remove(Id, options);
    },
  };
}

/** Whether somebody else's implementation of Standard Webhooks accepts it under a secret. */
export function isSignedWith(secret: string, { text, headers }: ReceivedWebhook): boolean {
  try {
    new Webhook(secret).verify(text, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

/** Waits until every change has become its webhooks and every webhook has been tried. */
export async function settleWebhooks(app: TestApp): Promise<void> {
  await eventually(async () => {
    const [row] = await app.sql<{ waiting: number }>(
      `select count(*)::integer as waiting from outbox
       where kind in (3, 4) and attempts = 0 and parked_at is null and delivered_at is null`,
    );
    return row?.waiting === 0;
  });
}
