import type { DataSourceOptions } from 'typeorm';
import { AccessToken } from './entities/access-token.entity.js';
import { AttemptCount } from './entities/attempt-count.entity.js';
import { Brand } from './entities/brand.entity.js';
import { BrandHost } from './entities/brand-host.entity.js';
import { BrandProduct } from './entities/brand-product.entity.js';
import { ConsentEvent } from './entities/consent-event.entity.js';
import { CustomField } from './entities/custom-field.entity.js';
import { DeliveryAttempt } from './entities/delivery-attempt.entity.js';
import { EventEvidence } from './entities/event-evidence.entity.js';
import { IdempotencyKey } from './entities/idempotency-key.entity.js';
import { Integration } from './entities/integration.entity.js';
import { MarketingAsk } from './entities/marketing-ask.entity.js';
import { LoginChallenge } from './entities/login-challenge.entity.js';
import { MarketingState } from './entities/marketing-state.entity.js';
import { OutboxEntry } from './entities/outbox-entry.entity.js';
import { Player } from './entities/player.entity.js';
import { PlayerBlocks } from './entities/player-blocks.entity.js';
import { PlayerChange } from './entities/player-change.entity.js';
import { PlayerCode } from './entities/player-code.entity.js';
import { PlayerCredentials } from './entities/player-credentials.entity.js';
import { PlayerCustomField } from './entities/player-custom-field.entity.js';
import { PlayerLink } from './entities/player-link.entity.js';
import { Policy } from './entities/policy.entity.js';
import { PolicyConsent } from './entities/policy-consent.entity.js';
import { PolicyText } from './entities/policy-text.entity.js';
import { PolicyVersion } from './entities/policy-version.entity.js';
import { ReconciliationRun } from './entities/reconciliation-run.entity.js';
import { ServiceClient } from './entities/service-client.entity.js';
import { Session } from './entities/session.entity.js';
import { StatementTexts } from './entities/statement-texts.entity.js';
import { Subject } from './entities/subject.entity.js';
import { UniversalConsent } from './entities/universal-consent.entity.js';
import { WebhookSubscription } from './entities/webhook-subscription.entity.js';
import { InitialSchema1764000000001 } from './migrations/1764000000001-initial-schema.js';
import { MarketingConsentFunctions1764000000002 } from './migrations/1764000000002-marketing-consent-functions.js';
import { DeliveryFunctions1764000000003 } from './migrations/1764000000003-delivery-functions.js';
import { UniversalConsents1764000000004 } from './migrations/1764000000004-universal-consents.js';
import { Policies1764000000005 } from './migrations/1764000000005-policies.js';
import { Players1764000000006 } from './migrations/1764000000006-players.js';
import { Unsubscribe1764000000007 } from './migrations/1764000000007-unsubscribe.js';
import { PlayerCodes1764000000008 } from './migrations/1764000000008-player-codes.js';
import { PlayerLinks1764000000009 } from './migrations/1764000000009-player-links.js';

export const entities = [
  AccessToken,
  AttemptCount,
  Brand,
  BrandHost,
  BrandProduct,
  ConsentEvent,
  CustomField,
  DeliveryAttempt,
  EventEvidence,
  IdempotencyKey,
  Integration,
  MarketingAsk,
  LoginChallenge,
  MarketingState,
  OutboxEntry,
  Player,
  PlayerBlocks,
  PlayerChange,
  PlayerCode,
  PlayerCredentials,
  PlayerCustomField,
  PlayerLink,
  Policy,
  PolicyConsent,
  PolicyText,
  PolicyVersion,
  ReconciliationRun,
  ServiceClient,
  Session,
  StatementTexts,
  Subject,
  UniversalConsent,
  WebhookSubscription,
];

export const migrations = [
  InitialSchema1764000000001,
  MarketingConsentFunctions1764000000002,
  DeliveryFunctions1764000000003,
  UniversalConsents1764000000004,
  Policies1764000000005,
  Players1764000000006,
  Unsubscribe1764000000007,
  PlayerCodes1764000000008,
  PlayerLinks1764000000009,
];

/**
 * Everything on this pool looks something up by a key. A statement that was planned while a table was empty must not read
 * all of it when it is full.
 */
const lookUps = '-c enable_seqscan=off';

/** The one place that says how the service talks to PostgreSQL. Times in milliseconds. */
export function dataSourceOptions(url: string, poolSize: number): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    entities,
    migrations,
    migrationsTransactionMode: 'each',
    poolSize,
    applicationName: 'player-consent',
    connectTimeoutMS: 5000,
    // The driver's message can hold personal data: our filter decides what is logged.
    logging: false,
    poolErrorHandler: () => undefined,
    extra: {
      statement_timeout: 15_000,
      query_timeout: 20_000,
      keepAlive: true,
      allowExitOnIdle: false,
      options: lookUps,
    },
  };
}
