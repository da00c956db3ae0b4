import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { AppError, invalidField } from '../../common/errors.js';
import { SecretBox } from '../../common/secrets.js';
import { Config } from '../../config/config.js';
import { Database } from '../../database/database.js';
import { WebhookSubscription } from '../../database/entities/webhook-subscription.entity.js';
import { isTaken } from '../schedule.js';
import { parseAllowedSubnets } from './address-rules.js';
import { type WebhookAttempt, WebhookSender } from './webhook-sender.js';
import { newWebhookSecret } from './webhook-signature.js';
import { checkWebhookUrl, WebhookUrlRefused } from './webhook-url.js';

const rotationMs = 86_400_000;

/** What a subscription is about; what is absent matches everything. */
export interface SubscriptionCriteria {
  customUserId?: string;
  reference?: string;
  consentType?: string;
}

/** A webhook of a subscription, with its tries. */
export interface SubscriptionDelivery {
  id: string;
  messageId: string;
  status: 'pending' | 'parked' | 'delivered';
  createdAt: Date;
  /** When it is tried next; null unless it is pending. */
  nextAttemptAt: Date | null;
  attempts: {
    attempted_at: string;
    duration_ms: number;
    status: number | null;
    error: string | null;
    answer: string | null;
  }[];
}

interface DeliveryRow {
  id: string;
  message_id: string;
  created_at: Date;
  next_attempt_at: Date;
  parked_at: Date | null;
  delivered_at: Date | null;
  attempts: SubscriptionDelivery['attempts'];
}

/** Tries of a webhook that are shown: more than the schedule has, so that somebody must have asked for the rest. */
const shownAttempts = 50;

/** Parameters: brand, subscription, id to stay below, limit. Newest first. */
const listDeliveries = {
  name: 'list_subscription_deliveries',
  text: `
    select o.id, o.message_id, o.created_at, o.next_attempt_at, o.parked_at, o.delivered_at, t.attempts
    from (
      select * from outbox where brand_id = $1 and subscription_id = $2 and id < $3 order by id desc limit $4) o
    cross join lateral (
      select coalesce(json_agg(a order by a.attempted_at desc), '[]') as attempts
      from (select attempted_at, duration_ms, status, error, answer from delivery_attempts
            where brand_id = $1 and outbox_id = o.id order by attempted_at desc limit ${shownAttempts}) a) t
    order by o.id desc`,
};

/** Who is told of a brand's consent updates. */
@Injectable()
export class SubscriptionsService {
  private readonly secrets: SecretBox;

  constructor(
    @InjectRepository(WebhookSubscription) private readonly subscriptions: Repository<WebhookSubscription>,
    private readonly sender: WebhookSender,
    private readonly database: Database,
    private readonly config: Config,
  ) {
    this.secrets = new SecretBox(config.SECRET_KEYS, 'webhook-secret');
  }

  /** Creates a subscription; the secret is never shown again. An address that webhooks may not go to is invalid_input. */
  async create(
    brandId: number,
    url: string,
    criteria: SubscriptionCriteria,
  ): Promise<{ subscription: WebhookSubscription; secret: string }> {
    const rules = {
      requireHttps: this.config.isProduction,
      allowed: parseAllowedSubnets(this.config.WEBHOOK_ALLOWED_SUBNETS),
    };
    const checked = await checkWebhookUrl(url, rules).catch((error: unknown) => {
      if (error instanceof WebhookUrlRefused) throw invalidField('WebhookUrl', error.message);
      throw error;
    });
    const secret = newWebhookSecret();
    const { customUserId = null, reference = null, consentType = null } = criteria;
    const id = uuidv7();
    const own = { id, brandId, url: checked.href, secret: this.secrets.seal(secret) };
    await this.subscriptions.insert({ ...own, customUserId, reference, consentType });
    return { subscription: await this.get(brandId, id), secret };
  }

  /** The brand's subscriptions, oldest first. */
  list(brandId: number): Promise<WebhookSubscription[]> {
    return this.subscriptions.find({ where: { brandId }, order: { id: 'ASC' } });
  }

  /** One subscription; not_found when the brand has none of that id. */
  async get(brandId: number, id: string): Promise<WebhookSubscription> {
    const found = await this.subscriptions.findOneBy({ id, brandId });
    if (!found) throw new AppError('not_found', 'there is no such subscription');
    return found;
  }

  /** A page of a subscription's webhooks of the last 30 days, newest first; not_found when the brand has none of that id. */
  async listDeliveries(
    brandId: number,
    id: string,
    limit: number,
    cursor = '9223372036854775807',
  ): Promise<{ deliveries: SubscriptionDelivery[]; next: string | null }> {
    await this.get(brandId, id);
    if (!/^[1-9]\d{0,18}$/.test(cursor) || BigInt(cursor) > 9223372036854775807n)
      throw invalidField('cursor', 'cursor must be the one of an earlier page');
    const rows = await this.database.prepared<DeliveryRow>(listDeliveries, [brandId, id, cursor, limit + 1]);
    const page = rows.slice(0, limit);
    return {
      deliveries: page.map(toDelivery),
      next: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
    };
  }

  /** Ends a subscription; what waits for it goes with it, and its log. */
  async remove(brandId: number, id: string): Promise<void> {
    await this.subscriptions.manager.transaction(async (manager) => {
      // Nobody makes webhooks of the brand meanwhile.
      await manager.query('select pg_advisory_xact_lock(2008, $1)', [brandId]);
      const { affected } = await manager.delete(WebhookSubscription, { id, brandId });
      if (affected === 0) throw new AppError('not_found', 'there is no such subscription');
      await manager.query('delete from outbox where brand_id = $1 and subscription_id = $2', [brandId, id]);
    });
  }

  /** Gives a new secret; the old one signs along for 24 hours. */
  async rotateSecret(brandId: number, id: string): Promise<{ secret: string; oldSecretUntil: Date }> {
    const { secret: oldSecret } = await this.get(brandId, id);
    const secret = newWebhookSecret();
    const oldSecretUntil = new Date(Date.now() + rotationMs);
    await this.subscriptions.update(
      { id, brandId },
      { secret: this.secrets.seal(secret), oldSecret, oldSecretUntil },
    );
    return { secret, oldSecretUntil };
  }

  /** Sends a webhook of type `ping` at once. One that arrives switches a subscription on again that was switched off. */
  async ping(brandId: number, id: string): Promise<WebhookAttempt> {
    const subscription = await this.get(brandId, id);
    const { secret, oldSecret, oldSecretUntil, url } = subscription;
    const old = oldSecret && oldSecretUntil && oldSecretUntil.getTime() > Date.now() ? [oldSecret] : [];
    const secrets = [secret, ...old].map((sealed) => this.secrets.open(sealed));
    const attempt = await this.sender.send(
      { messageId: `msg_${uuidv7()}`, url, secrets },
      { type: 'ping', timestamp: new Date().toISOString(), data: {} },
    );
    if (isTaken(attempt.status))
      await this.subscriptions.update(
        { id, brandId },
        { failingSince: null, disabledAt: null, disabledReason: null },
      );
    return attempt;
  }
}

function toDelivery(row: DeliveryRow): SubscriptionDelivery {
  const status = row.delivered_at ? 'delivered' : row.parked_at ? 'parked' : 'pending';
  return {
    id: row.id,
    messageId: `msg_${row.message_id}`,
    status,
    createdAt: row.created_at,
    nextAttemptAt: status === 'pending' ? row.next_attempt_at : null,
    attempts: row.attempts,
  };
}
