import { type Command, InvalidArgumentError, Option } from 'commander';
import { DataSource } from 'typeorm';
import { BrandsService } from '../brands/brands.service.js';
import { DeliveriesService, type DeliveryStatus, deliveryStatuses } from '../delivery/deliveries.service.js';
import { MessagesService } from '../delivery/messages.service.js';
import { type OutboxKindName, outboxKindNames } from '../delivery/outbox-kinds.js';
import { positiveInteger } from './brand-commands.js';
import { withServices } from './context.js';
import { print, table } from './terminal.js';

const shownAtOnce = 50;

interface ListOptions {
  brand: number;
  status: DeliveryStatus;
  kind?: OutboxKindName;
  limit: number;
  cursor?: string;
}

/** `deliveries list | redeliver | test-mail`: what leaves the service, and what does not. */
export function addDeliveryCommands(program: Command, isJson: () => boolean): void {
  const deliveries = program
    .command('deliveries')
    .description('what leaves: CRM events, webhooks, mails, text messages');
  addList(deliveries, isJson);
  addRedeliver(deliveries, isJson);
  deliveries
    .command('test-mail')
    .description('send a mail that says that mail works; the running service delivers it')
    .requiredOption('--brand <id>', 'the brand', positiveInteger)
    .requiredOption('--to <address>', 'who gets it')
    .option('--language <code>', 'such as de; without it, the language of the brand')
    .action((options: { brand: number; to: string; language?: string }) =>
      withServices(async (app) => {
        if (!/^[^\s@]+@[^\s@]+$/.test(options.to))
          throw new InvalidArgumentError('--to takes one mail address.');
        const brand = await app.get(BrandsService).get(options.brand);
        const language = options.language ?? brand.defaultLanguage;
        const mail = { brandId: brand.id, playerId: 'operator', to: options.to, template: 'test', language };
        await app
          .get(DataSource)
          .transaction((manager) => app.get(MessagesService).queueMail(manager, { ...mail, variables: {} }));
        print(
          isJson(),
          { queued: 1 },
          () => 'queued: `deliveries list --kind mail` shows it until it has left',
        );
      }),
    );
}

function addList(deliveries: Command, isJson: () => boolean): void {
  deliveries
    .command('list')
    .description('list what waits, what was given up, or webhooks that have arrived')
    .requiredOption('--brand <id>', 'the brand', positiveInteger)
    .addOption(new Option('--status <status>', 'which').choices(deliveryStatuses).default('pending'))
    .addOption(new Option('--kind <kind>', 'only this kind').choices(outboxKindNames))
    .option('--limit <number>', 'how many', positiveInteger, shownAtOnce)
    .option('--cursor <cursor>', 'go on after an earlier page')
    .action(({ brand, ...query }: ListOptions) =>
      withServices(async (app) => {
        await app.get(BrandsService).get(brand);
        const page = await app.get(DeliveriesService).list(brand, query);
        print(isJson(), page, ({ deliveries: found, next }) => {
          const rows = found.map((delivery) => ({
            id: delivery.id,
            kind: delivery.kind,
            player: delivery.playerId,
            since: delivery.createdAt.toISOString(),
            attempts: delivery.attempts,
            'next attempt': delivery.nextAttemptAt?.toISOString() ?? '',
            'last answer': String(delivery.lastStatus ?? delivery.lastError ?? ''),
          }));
          return next ? `${table(rows)}\nmore: --cursor ${next}` : table(rows);
        });
      }),
    );
}

function addRedeliver(deliveries: Command, isJson: () => boolean): void {
  deliveries
    .command('redeliver')
    .description('try deliveries again at once; the running service does it')
    .requiredOption('--brand <id>', 'the brand', positiveInteger)
    .argument('<ids...>', 'as `deliveries list` prints them')
    .action((ids: string[], options: { brand: number }) =>
      withServices(async (app) => {
        const wrong = ids.find((id) => !/^[1-9]\d{0,17}$/.test(id));
        if (wrong !== undefined) throw new InvalidArgumentError(`${wrong} is not the id of a delivery.`);
        const service = app.get(DeliveriesService);
        for (const id of ids) await service.redeliver(options.brand, id);
        print(isJson(), { due: ids }, () => `due now: ${ids.join(', ')}`);
      }),
    );
}
