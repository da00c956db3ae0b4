import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { CodeOrigin } from '../common/derived-codes.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { OutboxSignal } from '../database/outbox-signal.js';
import { DeliveryMetrics } from './delivery-metrics.js';
import { reportClaimFailure } from './claim-failure.js';
import { LaneWorker } from './lane-worker.js';
import { isPermanentMailFailure } from './mail/mail-transport.js';
import { type MailedLink, type MessageJob, MessageTransports } from './message-transports.js';
import { Lane, OutboxKind, outboxKindName } from './outbox-kinds.js';
import { releaseEntries, removeEntries } from './outbox-statements.js';
import { afterMessageFailure, systemClock } from './schedule.js';
import { isPermanentSmsFailure } from './sms/sms-transport.js';

const pollEveryMs = 500;
/** Seconds; more than any try takes. */
const leaseSeconds = 60;
const placesPerLane = 4;

/** A mail to one person. What the template names besides brand and address of the service stands in `variables`. */
export interface MailToQueue {
  brandId: number;
  playerId: string;
  to: string;
  template: string;
  /** Falls back to the brand's language, then to English. */
  language: string;
  variables: Record<string, string>;
  /** The link in it, which the template names `link_path`: no table holds its secret. */
  link?: MailedLink;
}

/** A text message: its text, or the name of one that is worded when it is sent. */
export type SmsToQueue = {
  brandId: number;
  playerId: string;
  to: string;
} & (
  | { text: string }
  | {
      message: string;
      /** Falls back to the brand's language, then to English. */
      language: string;
      variables: Record<string, string>;
      /** What the code in it is worked out from: no table holds the code itself. */
      code?: CodeOrigin;
    }
);

const insert = `
  insert into outbox (brand_id, player_id, kind, lane, message_id, detail) values ($1, $2, $3, $4, $5, $6)`;
const claim = {
  name: 'claim_messages',
  text: `
    with due as materialized (
      select d.id from brands b
      cross join lateral (
        select o.id, o.next_attempt_at from outbox o
        where o.brand_id = b.id and o.lane = $1 and o.parked_at is null and o.delivered_at is null
          and o.next_attempt_at <= now() and (o.leased_until is null or o.leased_until < now())
        order by o.next_attempt_at, o.id limit $2 for update of o skip locked) d
      order by d.next_attempt_at limit $2
    ), leased as (
      update outbox o set leased_until = clock_timestamp() + make_interval(secs => ${leaseSeconds})
      where o.id = any (array(select id from due))
      returning o.*
    )
    select l.id, l.kind, l.created_at as "changedAt", l.attempts, l.message_id as "messageId", l.detail,
      b.name as "brandName", b.default_language as "brandLanguage"
    from leased l join brands b on b.id = l.brand_id order by l.id`,
};
const putOff = {
  name: 'put_off_message',
  text: `
    update outbox set attempts = attempts + 1, leased_until = null, last_error = $2,
      parked_at = case when $3::float8 is null then clock_timestamp() end,
      next_attempt_at = clock_timestamp() + make_interval(secs => coalesce($3, 0)) where id = $1`,
};

/** Mails and text messages: queued in the transaction of what they are about, sent from the outbox. */
@Injectable()
export class MessagesService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Messages');
  private readonly workers = [Lane.mail, Lane.sms].map(
    (lane) =>
      new LaneWorker<MessageJob>({
        places: placesPerLane,
        ahead: 0,
        claim: (limit) => this.database.prepared<MessageJob>(claim, [lane, limit]),
        deliver: (job) => this.deliver(job),
        onClaimFailure: (error) => reportClaimFailure(this.logger, error),
        release: async (jobs) => {
          await this.database.prepared(releaseEntries, [jobs.map(({ id }) => id)]);
        },
      }),
  );
  private timer?: NodeJS.Timeout;
  private stopListening: () => void = () => undefined;

  constructor(
    private readonly database: Database,
    private readonly signal: OutboxSignal,
    private readonly transports: MessageTransports,
    private readonly metrics: DeliveryMetrics,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.runsDeliveries) return;
    const wake = () => {
      for (const worker of this.workers) worker.wake();
    };
    this.timer = setInterval(wake, pollEveryMs);
    this.stopListening = this.signal.listen((_, news) => {
      if (news === 'anything') wake();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopListening();
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }

  /** Queues a mail in the caller's transaction, whose end the caller signals (OutboxSignal). */
  async queueMail(manager: EntityManager, { brandId, playerId, ...detail }: MailToQueue): Promise<void> {
    await manager.query(insert, [brandId, playerId, OutboxKind.mail, Lane.mail, uuidv7(), detail]);
  }

  /** Queues a text message in the caller's transaction, whose end the caller signals (OutboxSignal). */
  async queueSms(manager: EntityManager, { brandId, playerId, ...detail }: SmsToQueue): Promise<void> {
    await manager.query(insert, [brandId, playerId, OutboxKind.sms, Lane.sms, uuidv7(), detail]);
  }

  private async deliver(job: MessageJob): Promise<void> {
    const kind = outboxKindName(job.kind);
    try {
      await this.transports.send(job);
    } catch (error) {
      const isFinal = isPermanentMailFailure(error) || isPermanentSmsFailure(error);
      const next = isFinal ? { step: 'park' as const } : afterMessageFailure(job.attempts + 1, systemClock);
      const delay = next.step === 'park' ? null : next.delay / 1000;
      this.metrics.count(kind, delay === null ? 'parked' : 'failed', job.changedAt);
      // Neither transport's errors hold anything about a person.
      const reason = error instanceof Error ? error.message : 'failed';
      if (delay === null) this.logger.warn({ msg: `${kind} parked: ${reason}`, delivery: job.id });
      await this.database.prepared(putOff, [job.id, reason, delay]);
      return;
    }
    this.metrics.count(kind, 'delivered', job.changedAt);
    await this.database.prepared(removeEntries, [[job.id]]);
  }
}
