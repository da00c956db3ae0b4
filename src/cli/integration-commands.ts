import type { Command } from 'commander';
import { NewIntegrationDto } from '../admin/integrations.dto.js';
import { BrandsService } from '../brands/brands.service.js';
import { IntegrationsService } from '../brands/integrations.service.js';
import { DtoPipe } from '../common/validation.pipe.js';
import { list, positiveInteger } from './brand-commands.js';
import { withServices } from './context.js';
import { print, table } from './terminal.js';

export function addIntegrationCommands(program: Command, isJson: () => boolean): void {
  const integrations = program
    .command('integrations')
    .description('ids under which sites and apps send consents without a credential');
  integrations
    .command('create')
    .description('create an integration; prints its id')
    .requiredOption('--brand <id>', 'the brand it sends to', positiveInteger)
    .requiredOption('--name <name>', 'what it is called')
    .option('--origins <urls>', 'the pages that may use it, separated by commas; without it, any', list)
    .action(async (options: { brand: number; name: string; origins?: string[] }) => {
      const given = { Name: options.name, Origins: options.origins ?? [] };
      const { Name, Origins = [] } = (await new DtoPipe().transform(given, {
        type: 'body',
        metatype: NewIntegrationDto,
      })) as NewIntegrationDto;
      await withServices(async (app) => {
        await app.get(BrandsService).get(options.brand);
        const created = await app.get(IntegrationsService).create(options.brand, Name, Origins);
        print(isJson(), created, ({ id }) => `integration ${id}`);
      });
    });
  integrations
    .command('list')
    .description('list the integrations of a brand')
    .requiredOption('--brand <id>', 'the brand', positiveInteger)
    .action((options: { brand: number }) =>
      withServices(async (app) => {
        const all = await app.get(IntegrationsService).list(options.brand);
        const rows = all.map(({ id, name, origins, createdAt }) => ({
          id,
          name,
          origins: origins.join(' '),
          created: createdAt.toISOString(),
        }));
        print(isJson(), rows, table);
      }),
    );
  integrations
    .command('revoke')
    .description('revoke an integration: running instances refuse it within 5 seconds')
    .requiredOption('--brand <id>', 'the brand', positiveInteger)
    .argument('<integration>', 'its id')
    .action((id: string, options: { brand: number }) =>
      withServices(async (app) => {
        await app.get(IntegrationsService).revoke(options.brand, id);
        print(isJson(), { revoked: id }, () => `integration ${id} revoked`);
      }),
    );
}
