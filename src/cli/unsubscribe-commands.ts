import { type Command, InvalidArgumentError } from 'commander';
import { BrandsService } from '../brands/brands.service.js';
import { type CrmChannel, crmChannels, isCrmChannel } from '../consents/channels.js';
import { SampleMailService } from '../unsubscribe/sample-mail.service.js';
import { type LinkToMint, UnsubscribeLinksService } from '../unsubscribe/unsubscribe-links.service.js';
import { positiveInteger } from './brand-commands.js';
import { withServices } from './context.js';
import { print } from './terminal.js';

interface LinkOptions {
  brand: number;
  player: string;
  channel: CrmChannel;
  product?: string;
  campaign?: string;
}

/** `unsubscribe-links create | test-mail`: links that withdraw consent, and a mail to see whether they work. */
export function addUnsubscribeCommands(program: Command, isJson: () => boolean): void {
  const links = program
    .command('unsubscribe-links')
    .description('links of marketing messages, by which players withdraw');
  addLinkOptions(links.command('create'))
    .description('make a link, as POST /unsubscribe-links does')
    .action((options: LinkOptions) =>
      withServices(async (app) => {
        await app.get(BrandsService).get(options.brand);
        const [url = ''] = await app.get(UnsubscribeLinksService).create(options.brand, [toLink(options)]);
        print(isJson(), { player_id: options.player, url }, (answer) => answer.url);
      }),
    );
  addLinkOptions(links.command('test-mail'))
    .description('send a sample of a marketing mail, with List-Unsubscribe and List-Unsubscribe-Post')
    .requiredOption('--to <address>', 'who gets it')
    .action((options: LinkOptions & { to: string }) =>
      withServices(async (app) => {
        if (!/^[^\s@]+@[^\s@]+$/.test(options.to))
          throw new InvalidArgumentError('--to takes one mail address.');
        await app.get(BrandsService).get(options.brand);
        const url = await app.get(SampleMailService).send(options.brand, options.to, toLink(options));
        print(isJson(), { sent: 1, url }, () => `sent, with the link\n${url}`);
      }),
    );
}

function addLinkOptions(command: Command): Command {
  return command
    .requiredOption('--player <id>', 'whose consent the link withdraws')
    .option('--channel <channel>', `of: ${crmChannels.join(' ')}`, toChannel, 'email')
    .option('--product <name>', 'one product; without it, the whole channel')
    .option('--campaign <text>', 'your word for the mailing, kept with the event')
    .option('--brand <id>', 'the brand', positiveInteger, 1);
}

/** The name of one of the CRM's channels, given on the command line. */
export function toChannel(text: string): CrmChannel {
  if (!isCrmChannel(text)) throw new InvalidArgumentError(`It must be one of ${crmChannels.join(', ')}.`);
  return text;
}

function toLink({ player, channel, product, campaign }: LinkOptions): LinkToMint {
  return {
    player_id: player,
    channel,
    ...(product !== undefined && { product }),
    ...(campaign !== undefined && { campaign }),
  };
}
