import { randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { scopes } from './auth/principal.js';
import { sha256 } from './common/secrets.js';
import { otherDevelopmentServiceKey } from './config/config.js';
import { Channel } from './consents/channels.js';
import { recordMarketingChanges } from './consents/marketing-statements.js';
import { Brand } from './database/entities/brand.entity.js';
import { BrandProduct } from './database/entities/brand-product.entity.js';
import { Player } from './database/entities/player.entity.js';
import { ServiceClient } from './database/entities/service-client.entity.js';

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

/** Fills an empty development database, in one transaction; afterwards only sees to the demo client's key. */
export async function seedDemoData(dataSource: DataSource, serviceKey: string): Promise<void> {
  await dataSource.transaction(async (manager) => {
    await manager.query('lock table brands in share row exclusive mode');
    if ((await manager.count(Brand)) === 0) await createDemoData(manager);
    const keyHash = sha256(serviceKey);
    await manager.update(ServiceClient, { id: 'demo', brandId: 1 }, { keyHash });
  });
}

async function createDemoData(manager: EntityManager): Promise<void> {
  await createBrand(manager, 1, 'Demo Casino', 'demo.example', ['casino', 'sports', 'lottery', 'bingo'], {
    sportsbook: 'sports',
  });
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
