import type { INestApplicationContext } from '@nestjs/common';
import { isUUID } from 'class-validator';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { scopes } from '../auth/principal.js';
import { ServiceClientsService } from '../auth/service-clients.service.js';
import { SessionsService } from '../auth/sessions.service.js';
import { BrandChangesDto } from '../admin/brands.dto.js';
import { type BrandChanges, BrandsService } from '../brands/brands.service.js';
import { DtoPipe } from '../common/validation.pipe.js';
import { withServices } from './context.js';
import { print, table } from './terminal.js';

/** A whole number above zero given on the command line. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 2_147_483_647)
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}

/** Items separated by commas. */
export const list = (text: string): string[] => text.split(',').filter((item) => item !== '');

async function readSettings(text = '{}', products?: string[]): Promise<BrandChanges> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidArgumentError(
      'The settings must be JSON, such as \'{"productsRequiredOn":["email","sms"]}\'.',
    );
  }
  if (products && typeof value === 'object') value = { ...value, products };
  return (await new DtoPipe().transform(value, { type: 'body', metatype: BrandChangesDto })) as BrandChanges;
}

export function addBrandCommands(program: Command, isJson: () => boolean): void {
  const brands = program.command('brands').description('create, list and set brands');
  brands
    .command('create')
    .description('create a brand; prints its first key, with scope admin, this once')
    .requiredOption('--name <name>', 'what it is called')
    .option('--id <number>', 'its id; without it, the next free one', positiveInteger)
    .option('--products <names>', 'its catalogue, separated by commas', list)
    .option('--settings <json>', 'further settings, as PATCH /api/brands/:id takes them')
    .action(async (options: { name: string; id?: number; products?: string[]; settings?: string }) => {
      const changes = await readSettings(options.settings, options.products);
      await withServices(async (app) => {
        const brand = await app.get(BrandsService).create(options.name, changes, options.id);
        const client = await app.get(ServiceClientsService).create(brand.id, 'first client', [...scopes]);
        const answer = { id: brand.id, client_id: client.id, key: client.key };
        print(
          isJson(),
          answer,
          ({ id, client_id, key }) => `brand ${id} created\nclient ${client_id}\nkey    ${key}`,
        );
      });
    });
  brands
    .command('list')
    .description('list all brands')
    .action(() =>
      withServices(async (app) => {
        const all = await app.get(BrandsService).list();
        print(isJson(), all, (rows) =>
          table(
            rows.map(({ id, name, origin, products, crm }) => ({
              id,
              name,
              origin,
              products: products.join(','),
              crm: crm.enabled ? 'on' : 'off',
            })),
          ),
        );
      }),
    );
  brands
    .command('set')
    .description('change settings of a brand, as PATCH /api/brands/:id takes them')
    .argument('<id>', 'the brand', positiveInteger)
    .argument('<json>', 'such as \'{"crm":{"enabled":true,"baseUrl":"https://crm.example"}}\'')
    .action(async (id: number, json: string) => {
      const changes = await readSettings(json);
      await withServices(async (app) => {
        const brand = await app.get(BrandsService).update(id, changes);
        print(isJson(), brand, (view) => JSON.stringify(view, null, 2));
      });
    });
}

export function addClientCommands(program: Command, isJson: () => boolean): void {
  const clients = program.command('clients').description('service clients and their keys');
  clients
    .command('create')
    .description('create a client; prints its key this once')
    .requiredOption('--brand <id>', 'the brand it is bound to', positiveInteger)
    .requiredOption('--name <name>', 'what it is called')
    .requiredOption('--scopes <names>', `separated by commas, of: ${scopes.join(' ')}`, list)
    .action(async (options: { brand: number; name: string; scopes: string[] }) => {
      if (options.scopes.length === 0) throw new InvalidArgumentError('Name at least one scope.');
      const unknown = options.scopes.filter((scope) => !(scopes as readonly string[]).includes(scope));
      if (unknown.length > 0) throw new InvalidArgumentError(`Unknown scope: ${unknown.join(', ')}.`);
      await withServices(async (app) => {
        await app.get(BrandsService).get(options.brand);
        const client = await app
          .get(ServiceClientsService)
          .create(options.brand, options.name, options.scopes);
        print(isJson(), client, ({ id, key }) => `client ${id}\nkey    ${key}`);
      });
    });
  clients
    .command('list')
    .description('list the clients of a brand')
    .requiredOption('--brand <id>', 'the brand', positiveInteger)
    .action((options: { brand: number }) =>
      withServices(async (app) => {
        const all = await app.get(ServiceClientsService).list(options.brand);
        const rows = all.map(({ id, name, scopes: own, createdAt }) => ({
          id,
          name,
          scopes: own.join(' '),
          created: createdAt.toISOString(),
        }));
        print(isJson(), rows, table);
      }),
    );
  clients
    .command('revoke')
    .description('revoke a client: running instances refuse it within 5 seconds')
    .requiredOption('--brand <id>', 'the brand', positiveInteger)
    .argument('<client>', 'its id')
    .action((id: string, options: { brand: number }) =>
      withServices(async (app) => {
        await app.get(ServiceClientsService).revoke(options.brand, id);
        print(isJson(), { revoked: id }, () => `client ${id} revoked`);
      }),
    );
}

export function addSessionCommands(program: Command, isJson: () => boolean): void {
  const sessions = program.command('sessions').description("players' sessions");
  sessions
    .command('list')
    .description('list the live sessions of a player, the newest first; their tokens are nowhere shown')
    .requiredOption('--player <id>', 'whose')
    .option('--brand <id>', 'the brand; without it, all brands that know the player', positiveInteger)
    .action((options: { player: string; brand?: number }) =>
      withServices(async (app) => {
        const { player, brand } = options;
        const all = app.get(BrandsService);
        const brands = brand === undefined ? await all.list() : [await all.get(brand)];
        const rows = await Promise.all(brands.map(({ id }) => listSessions(app, id, player)));
        print(isJson(), rows.flat(), table);
      }),
    );
  sessions
    .command('revoke')
    .description('end one session by its id, or all of a player')
    .requiredOption('--brand <id>', 'the brand', positiveInteger)
    .option('--player <id>', 'all sessions of this player')
    .option('--id <uuid>', 'this session')
    .action(async (options: { brand: number; player?: string; id?: string }) => {
      const { brand, player, id } = options;
      if ((player === undefined) === (id === undefined))
        throw new InvalidArgumentError('Give either --player or --id.');
      if (id !== undefined && !isUUID(id))
        throw new InvalidArgumentError('--id takes the id of a session, a UUID.');
      await withServices(async (app) => {
        const service = app.get(SessionsService);
        const ended =
          player === undefined
            ? await service.end(brand, id ?? '').then(() => 1)
            : await service.endAll(brand, player);
        print(isJson(), { ended }, () => `${ended} session${ended === 1 ? '' : 's'} ended`);
      });
    });
}

async function listSessions(app: INestApplicationContext, brand: number, player: string) {
  const sessions = await app.get(SessionsService).list(brand, player);
  return sessions.map(({ id, createdAt, seenAt, expiresAt }) => ({
    brand,
    id,
    created: createdAt.toISOString(),
    seen: seenAt.toISOString(),
    expires: expiresAt.toISOString(),
  }));
}
