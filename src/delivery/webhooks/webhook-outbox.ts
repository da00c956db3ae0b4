import { Injectable } from '@nestjs/common';
import { SecretBox } from '../../common/secrets.js';
import { Config } from '../../config/config.js';
import { Database } from '../../database/database.js';
import { releaseEntries } from '../outbox-statements.js';

/** Seconds; more than the 15 that a try takes at most. */
const leaseSeconds = 30;
const queuedAtOnce = 1000;
const parkedAtOnce = 5000;

export interface WebhookJob {
  id: string;
  brandId: number;
  playerId: string;
  seq: string;
  changedAt: Date;
  /** Failed attempts so far. */
  attempts: number;
  messageId: string;
  subscriptionId: string;
  url: string;
  /** Newest first; two while a rotation lasts. */
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
  text: 'select distinct brand_id as id from webhook_subscriptions where disabled_at is null',
};
const queue = { name: 'queue_webhooks', text: `select queue_webhooks($1, ${queuedAtOnce}) as taken` };
const claim = {
  name: 'claim_webhooks',
  text: `select * from claim_webhooks($1, $2, $3, $4, make_interval(secs => ${leaseSeconds}))`,
};
const finish = {
  name: 'finish_webhook',
  text: `
    with entry as (
      update outbox set leased_until = null, last_status = $3, last_error = $4,
        attempts = least(attempts + case when $7 then 0 else 1 end, 32000),
        delivered_at = case when $7 then clock_timestamp() end,
        parked_at = case when $8 then clock_timestamp() end,
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
const park = {
  name: 'park_webhooks',
  text: `
    update outbox set parked_at = clock_timestamp(), leased_until = null, last_error = $2
    where id = any (array(
      select id from outbox where brand_id = $3 and subscription_id = $1 and parked_at is null and delivered_at is null
      limit ${parkedAtOnce} for update skip locked))`,
};

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

  /** Makes webhooks of a brand's changes; answers how many changes it took. */
  async queue(brandId: number): Promise<number> {
    let taken = 0;
    for (;;) {
      const [row] = await this.database.prepared<{ taken: number }>(queue, [brandId]);
      taken += row?.taken ?? 0;
      if ((row?.taken ?? 0) < queuedAtOnce) return taken;
    }
  }

  /** Leases due webhooks: of each subscription at most so many that, with what is under way, there are `perSubscription`. */
  async claim(
    underWay: ReadonlyMap<string, number>,
    perSubscription: number,
    limit: number,
  ): Promise<WebhookJob[]> {
    const rows = await this.database.prepared<ClaimRow>(claim, [
      [...underWay.keys()],
      [...underWay.values()],
      perSubscription,
      limit,
    ]);
    return rows.map((row) => ({
      id: row.id,
      brandId: row.brand_id,
      playerId: row.player_id,
      seq: row.seq,
      changedAt: row.created_at,
      attempts: row.attempts,
      messageId: `msg_${row.message_id}`,
      subscriptionId: row.subscription_id,
      url: row.url,
      secrets: [row.secret, row.old_secret].flatMap((sealed) => (sealed ? [this.secrets.open(sealed)] : [])),
      failingSince: row.failing_since,
    }));
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
    const statement = { ...park, values: [job.subscriptionId, result.disable, job.brandId] };
    while ((await this.database.pool.query(statement)).rowCount === parkedAtOnce);
  }
}
