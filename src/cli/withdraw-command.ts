import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BrandsService } from '../brands/brands.service.js';
import {
  BulkWithdrawalService,
  type WithdrawalResult,
  type WithdrawnChannel,
} from '../consents/import/bulk-withdrawal.service.js';
import { type IdFormat, idFormats } from '../consents/import/id-reader.js';
import { positiveInteger } from './brand-commands.js';
import { withServices } from './context.js';
import { Exit, Progress, print } from './terminal.js';
import { toChannel } from './unsubscribe-commands.js';

interface WithdrawOptions {
  brand: number;
  channel: WithdrawnChannel;
  format?: IdFormat;
  source: string;
  dryRun?: boolean;
}

/** `withdraw FILE --channel …`: the consent of a list of players. */
export function addWithdrawCommand(program: Command, isJson: () => boolean): void {
  program
    .command('withdraw')
    .description('withdraw the consent of a list of players; may be repeated without effect')
    .argument('<file>', 'an id on each line, or CSV with a column player_id')
    .requiredOption('--channel <channel>', 'the channel, or all', (text) =>
      text === 'all' ? text : toChannel(text),
    )
    .option('--brand <id>', 'the brand', positiveInteger, 1)
    .addOption(
      new Option('--format <format>', 'ids or csv; without it, by the name of the file').choices(idFormats),
    )
    .option('--source <text>', 'your word for why, kept with each event', 'withdraw')
    .option('--dry-run', 'only say what would happen')
    .action((file: string, options: WithdrawOptions) => withdraw(file, options, isJson()));
}

async function withdraw(file: string, options: WithdrawOptions, json: boolean): Promise<void> {
  const { brand, channel, source } = options;
  if (source.length === 0 || source.length > 100 || /\p{Cc}/u.test(source))
    throw new InvalidArgumentError('--source takes a text of at most 100 characters.');
  const { size } = await stat(file).catch(() => {
    throw new InvalidArgumentError(`There is no file ${file}.`);
  });
  await withServices(async (app) => {
    await app.get(BrandsService).get(brand);
    const input = createReadStream(file, { highWaterMark: 1 << 16 });
    const progress = new Progress(!json);
    const result = await app.get(BulkWithdrawalService).run(input, {
      brandId: brand,
      actor: 'operator:cli',
      source,
      channel,
      format: options.format ?? (/\.csv$/i.test(file) ? 'csv' : 'ids'),
      dryRun: options.dryRun ?? false,
      onProgress: (phase, rows, total) => {
        if (phase === 'reading')
          progress.show('reading MB', Math.round(input.bytesRead / 1e6), Math.ceil(size / 1e6));
        else progress.show(options.dryRun ? 'comparing' : 'withdrawing', rows, total ?? rows);
      },
    });
    progress.stop();
    print(json, result, (answer) => summary(answer, options.dryRun ?? false));
    if (result.rejected > 0) process.exitCode = Exit.rejects;
  });
}

function summary(result: WithdrawalResult, isDryRun: boolean): string {
  const number = (value: number) => value.toLocaleString('en');
  return [
    `${number(result.players)} players: ${number(result.withdrawn)} consents ${isDryRun ? 'would be ' : ''}withdrawn, ` +
      `${number(result.unchanged)} were out already, ${number(result.rejected)} lines rejected`,
    ...result.rejects.slice(0, 10).map(({ line, reason }) => `  line ${line}: ${reason}`),
  ].join('\n');
}
