import { Injectable } from '@nestjs/common';
import { SecretBox } from '../../common/secrets.js';
import { Config } from '../../config/config.js';
import { Database } from '../../database/database.js';
import { Lane } from '../outbox-kinds.js';
import { releaseEntries } from '../outbox-statements.js';

/** Seconds; more than the 15 that a try takes at most. */
const leaseSeconds = 30;
const queuedAtOnce = 1000;

export interface WebhookJob {
  id: string;
  brandId: number;
  playerId: string;
  seq: string;
  changedAt: Date;
  /** The record that changed; null for a player's marketing consents. */
  targetId: string | null;
  /** Failed attempts so far. */
  attempts: number;
  messageId: string;
  subscriptionId: string;
  url: string;
  /** Newest first; two while a rotation lasts; none when they cannot be opened. */
  secrets: string[];
  failingSince: Date | null;
}

/** What a try came to, and what follows. */
export interface WebhookResult {
  status: number | null;
  error: string | null;
  /** The beginning of the receiver's answer. */
  answer: string | null;
  durationMs: number;
  delivered: boolean;
  parked: boolean;
  /** Milliseconds until the next try, where there is one. */
  delayMs: number;
  /** Why the subscription is switched off, if it is. */
  disable: string | null;
}

interface ClaimRow {
  id: string;
  brand_id: number;
  player_id: string;
  seq: string;
  created_at: Date;
  target_id: string | null;
  attempts: number;
  message_id: string;
  subscription_id: string;
  url: string;
  secret: Buffer;
  old_secret: Buffer | null;
  failing_since: Date | null;
}

const listBrands = {
  name: 'list_webhook_brands',
  text: `
    select b.id from brands b
    where exists (select from webhook_subscriptions s where s.brand_id = b.id and s.disabled_at is null)
      or exists (select from outbox o where o.brand_id = b.id and o.lane = ${Lane.webhookQueue} and o.parked_at is null
        and o.delivered_at is null)`,
};
const queue = { name: 'queue_webhooks', text: `select queue_webhooks($1, ${queuedAtOnce}) as taken` };
const claim = {
  name: 'claim_webhooks',
  text: `select * from claim_webhooks($1, $2, $3, $4, $5, $6, $7, make_interval(secs => ${leaseSeconds}))`,
};
const finish = {
  name: 'finish_webhook',
  text: `
    with entry as (
      update outbox set leased_until = null, last_status = $3, last_error = $4,
        attempts = least(attempts + case when $7 then 0 else 1 end, 32000),
        delivered_at = case when $7 then clock_timestamp() end,
        parked_at = case when $8 or not $7 and exists (
          select from webhook_subscriptions where id = $2 and disabled_at is not null) then clock_timestamp() end,
        next_attempt_at = clock_timestamp() + make_interval(secs => $9)
      where id = $1 returning id, brand_id, attempts
    ), noted as (
      insert into delivery_attempts (outbox_id, brand_id, attempt, attempted_at, duration_ms, status, error, answer)
      select id, brand_id, attempts + case when $7 then 1 else 0 end, clock_timestamp(), $6, $3, $4, $5 from entry
    )
    update webhook_subscriptions set
      failing_since = case when $7 then null else coalesce(failing_since, clock_timestamp()) end,
      disabled_at = case when $10::text is null then disabled_at else coalesce(disabled_at, clock_timestamp()) end,
      disabled_reason = coalesce(disabled_reason, $10::text)
    where id = $2 and ((failing_since is null) <> $7 or $10::text is not null)`,
};
const park = { name: 'park_webhooks', text: 'select park_webhooks($1, $2, $3)' };

/** The webhooks' rows of the outbox. */
@Injectable()
export class WebhookOutbox {
  private readonly secrets: SecretBox;

  constructor(
    private readonly database: Database,
    config: Config,
  ) {
    this.secrets = new SecretBox(config.SECRET_KEYS, 'webhook-secret');
  }

  /** Brands that have subscriptions. */
  async listBrands(): Promise<number[]> {
    const rows = await this.database.prepared<{ id: number }>(listBrands, []);
    return rows.map(({ id }) => id);
  }

  /** Makes webhooks of some of a brand's changes; answers whether there may be more. */
  async queue(brandId: number): Promise<boolean> {
    const [row] = await this.database.prepared<{ taken: number }>(queue, [brandId]);
    return row?.taken === queuedAtOnce;
  }

  /** Leases due webhooks, within the limits and with what is under way by subscription and by brand. */
  async claim(
    bySubscription: ReadonlyMap<string, number>,
    byBrand: ReadonlyMap<number, number>,
    limits: { perSubscription: number; perBrand: number; all: number },
  ): Promise<WebhookJob[]> {
    const rows = await this.database.prepared<ClaimRow>(claim, [
      [...bySubscription.keys()],
      [...bySubscription.values()],
      [...byBrand.keys()],
      [...byBrand.values()],
      limits.perSubscription,
      limits.perBrand,
      limits.all,
    ]);
    return rows.map((row) => this.toJob(row));
  }

  /** Gives back what was claimed and not begun. */
  async release(ids: string[]): Promise<void> {
    await this.database.prepared(releaseEntries, [ids]);
  }

  /** Writes down what a try came to, in one statement. A subscription that is switched off has nothing waiting any more. */
  async finish(
    job: Pick<WebhookJob, 'id' | 'brandId' | 'subscriptionId'>,
    result: WebhookResult,
  ): Promise<void> {
    await this.database.prepared(finish, [
      job.id,
      job.subscriptionId,
      result.status,
      result.error,
      result.answer,
      Math.round(result.durationMs),
      result.delivered,
      result.parked || result.disable !== null,
      result.delayMs / 1000,
      result.disable,
    ]);
    if (result.disable === null) return;
    await this.database.prepared(park, [job.brandId, job.subscriptionId, result.disable]);
  }

  private toJob(row: ClaimRow): WebhookJob {
    return {
      id: row.id,
      brandId: row.brand_id,
      playerId: row.player_id,
      seq: row.seq,
      changedAt: row.created_at,
      targetId: row.target_id,
      attempts: row.attempts,
      messageId: `msg_${row.message_id}`,
      subscriptionId: row.subscription_id,
      url: row.url,
      secrets: this.openSecrets(row),
      failingSince: row.failing_since,
    };
  }

  /** None when the newest cannot be opened: its key is no longer among SECRET_KEYS. */
  private openSecrets({ secret, old_secret: old }: ClaimRow): string[] {
    try {
      return [secret, old].flatMap((sealed) => (sealed ? [this.secrets.open(sealed)] : []));
    } catch {
      return [];
    }
  }
}
