import { randomBytes } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { scopes } from './auth/principal.js';
import { SecretBox, sha256 } from './common/secrets.js';
import { Config, otherDevelopmentServiceKey } from './config/config.js';
import { Channel } from './consents/channels.js';
import { recordMarketingChanges } from './consents/marketing-statements.js';
import { Namespace, type NewSubject, streamOf, SubjectsService } from './consents/subjects.service.js';
import { type Act, universalActsJson } from './consents/universal/universal-acts.js';
import type { ConsentLevelName } from './consents/universal/universal-record.js';
import { PolicyConsentsService } from './consents/policies/policy-consents.service.js';
import { Brand } from './database/entities/brand.entity.js';
import { BrandHost } from './database/entities/brand-host.entity.js';
import { BrandProduct } from './database/entities/brand-product.entity.js';
import { Integration } from './database/entities/integration.entity.js';
import { Player } from './database/entities/player.entity.js';
import { ServiceClient } from './database/entities/service-client.entity.js';
import { WebhookSubscription } from './database/entities/webhook-subscription.entity.js';
import { createCustomFields } from './demo-custom-fields.js';
import { acceptPolicies, createPolicies } from './demo-policies.js';
import { completePlayers } from './demo-players.js';
import { newWebhookSecret } from './delivery/webhooks/webhook-signature.js';
import { PasswordHasher } from './players/password-hasher.js';

const casino = 1 << 1;
const sports = 1 << 2;
const lottery = 1 << 3;

/** Five players with different consents, as masks by channel; 1005 is self-excluded on top. */
const consents: Record<string, Partial<Record<keyof typeof Channel, number>>> = {
  '1001': {
    email: 1 | casino | sports,
    sms: 1 | casino,
    telephone: 1,
    postMail: 1,
    siteNotification: 1 | casino | sports | lottery,
  },
  '1002': { email: 1, pushNotification: 1 },
  '1003': { sms: 1 | lottery },
  '1004': {},
  '1005': { email: 1 | casino, telephone: 1 },
};

/** What players read in place of the products' names. */
const demoLabels = {
  casino: { en: 'Casino', de: 'Casino' },
  sports: { en: 'Sports betting', de: 'Sportwetten' },
  lottery: { en: 'Lottery', de: 'Lotterie' },
  bingo: { en: 'Bingo', de: 'Bingo' },
};

/** Ids of the demo data, which the reference page fills in. An anonymous visitor's ClientId would be drawn otherwise. */
export const demoIds = {
  clientId: '9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08',
  integration: 'int_demo',
  subscription: '019b8a00-0000-7000-8000-000000000001',
};
export const demoWebhookUrl = 'http://127.0.0.1:4000/webhooks';

/** Fills an empty development database, in one transaction; afterwards only sees to the demo client's key. */
export async function seedDemoData(app: INestApplicationContext): Promise<void> {
  const config = app.get(Config);
  await app.get(DataSource).transaction(async (manager) => {
    await manager.query('lock table brands in share row exclusive mode');
    if ((await manager.count(Brand)) === 0) {
      await createDemoData(manager);
      await completePlayers(manager, app.get(PasswordHasher, { strict: false }));
      await recordUniversalConsents(manager, app.get(SubjectsService, { strict: false }));
      await createCustomFields(manager);
      await createPolicies(manager);
      const visitor = Buffer.from(demoIds.clientId, 'hex');
      const policyConsents = app.get(PolicyConsentsService, { strict: false });
      await acceptPolicies(manager, policyConsents, Object.keys(consents), visitor);
      await createSubscription(manager, config);
    }
    const keyHash = sha256(config.DEMO_SERVICE_KEY);
    await manager.update(ServiceClient, { id: 'demo', brandId: 1 }, { keyHash });
  });
}

async function createDemoData(manager: EntityManager): Promise<void> {
  await createBrand(manager, 1, 'Demo Casino', 'demo.example', ['casino', 'sports', 'lottery', 'bingo'], {
    sportsbook: 'sports',
  });
  await manager.update(Brand, { id: 1 }, { colour: '#14532d', productLabels: demoLabels });
  await createBrand(manager, 2, 'Other Brand', 'other.example', ['casino', 'sports'], {});
  const client = { scopes: [...scopes], keyHash: randomBytes(32) };
  await manager.insert(ServiceClient, [
    { ...client, id: 'demo', brandId: 1, name: 'Demo client' },
    {
      ...client,
      id: 'demo2',
      brandId: 2,
      name: 'Demo client of the other brand',
      keyHash: sha256(otherDevelopmentServiceKey),
    },
  ]);
  await manager.insert(Integration, {
    id: demoIds.integration,
    brandId: 1,
    name: 'Demo site',
    origins: [],
  });
  for (const [playerId, masks] of Object.entries(consents)) await createPlayer(manager, playerId, masks);
  await manager.query(
    `select record_block_change(1, '1005', $1, 'system', 'demo', true, null, 'self-excluded in the demo', null, null, null, null)`,
    [uuidv7()],
  );
}

async function createBrand(
  manager: EntityManager,
  id: number,
  name: string,
  origin: string,
  products: string[],
  productAliases: Record<string, string>,
): Promise<void> {
  const productsMask = products.reduce((mask, _product, index) => mask | (1 << (index + 1)), 0);
  await manager.insert(Brand, { id, name, origin, productsMask, productAliases });
  await manager.insert(BrandHost, { host: origin, brandId: id });
  await manager.insert(
    BrandProduct,
    products.map((product, position) => ({ brandId: id, bit: position + 1, name: product, position })),
  );
}

async function createPlayer(
  manager: EntityManager,
  playerId: string,
  masks: Partial<Record<keyof typeof Channel, number>>,
): Promise<void> {
  // A withdrawal that changes nothing still creates the player.
  const changes = Object.entries({ email: 0, ...masks }) as [keyof typeof Channel, number][];
  const repeat = <T>(value: T) => changes.map(() => value);
  await manager.query(recordMarketingChanges.text, [
    1,
    true,
    false,
    [uuidv7()],
    ['system'],
    [null],
    [null],
    repeat(1),
    repeat(playerId),
    changes.map(([channel]) => Channel[channel]),
    changes.map(([, mask]) => mask),
    repeat(null),
    repeat('demo'),
  ]);
  await manager.insert(Player, {
    brandId: 1,
    playerId,
    origin: 'demo.example',
    currency: 'EUR',
    language: 'en',
  });
}

/** What two players and a visitor of the web site have said. */
async function recordUniversalConsents(manager: EntityManager, subjects: SubjectsService): Promise<void> {
  const clientId = Buffer.from(demoIds.clientId, 'hex');
  const visitor: NewSubject = {
    namespace: Namespace.anonymous,
    clientId,
    customUserId: null,
    playerId: streamOf(clientId),
  };
  const player = (id: string) => subjects.derive(1, id, true);
  const call = ['callback', 'Call', JSON.stringify({ text: 'Call me back' })] as const;
  const banner = ['cookies', 'Banner', null] as const;
  const acts = [
    universalAct(player('1001'), 'All', ...call),
    universalAct(player('1002'), 'None', ...call),
    universalAct(player('1001'), 'Partial', ...banner),
    universalAct(visitor, 'Partial', ...banner),
    universalAct(visitor, 'All', ...call),
  ];
  // One by one, so that the list has them in this order.
  for (const act of acts)
    await manager.query('select from record_universal_consents($1, $2)', [1, universalActsJson([act])]);
}

function universalAct(
  subject: NewSubject,
  level: ConsentLevelName,
  reference: string,
  consentType: string,
  metadata: string | null,
): Act {
  const { customUserId } = subject;
  const isOperator = customUserId !== null;
  const given = {
    brandId: 1,
    customUserId,
    isOperator,
    level,
    reference,
    consentType,
    metadata,
    uri: 'https://demo.example/offers',
    actor: isOperator ? 'client:demo' : `integration:${demoIds.integration}`,
    source: 'demo',
    fingerprint: {
      ip: '203.0.113.7',
      proxifiedIp: '203.0.113.0',
      userAgent: 'Mozilla/5.0 (demo)',
      origin: isOperator ? null : 'https://demo.example',
      city: null,
      state: null,
      country: 'GB',
    },
  };
  return { given, subject };
}

/** A subscription to try the routes with. It is off: nobody listens there yet. */
async function createSubscription(manager: EntityManager, config: Config): Promise<void> {
  await manager.insert(WebhookSubscription, {
    id: demoIds.subscription,
    brandId: 1,
    url: demoWebhookUrl,
    consentType: 'Call',
    secret: new SecretBox(config.SECRET_KEYS, 'webhook-secret').seal(newWebhookSecret()),
    disabledAt: new Date(),
    disabledReason: 'the demo: a ping that arrives switches it on',
  });
}
