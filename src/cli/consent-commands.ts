import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { BrandsService } from '../brands/brands.service.js';
import { ConsentExportService } from '../consents/consent-export.service.js';
import { ConsentImportService } from '../consents/import/consent-import.service.js';
import type { ImportResult, Reject } from '../consents/import/import-tally.js';
import { importColumns, type ImportFormat } from '../consents/import/row-reader.js';
import { LedgerService } from '../consents/ledger.service.js';
import { SeedService } from '../consents/seed.service.js';
import { positiveInteger } from './brand-commands.js';
import { withServices } from './context.js';
import { Exit, Progress, print } from './terminal.js';

interface ImportOptions {
  brand: number;
  format?: ImportFormat;
  dryRun?: boolean;
  rejects?: string;
}

const formats = () =>
  new Option('--format <format>', 'csv or ndjson; without it, by the name of the file').choices([
    'csv',
    'ndjson',
  ]);

export function addConsentCommands(program: Command, isJson: () => boolean): void {
  program
    .command('import')
    .description('import data')
    .command('consents')
    .description('import a file of consents; may be repeated without effect')
    .argument('<file>', `CSV (${importColumns.join(',')}) or NDJSON with the same keys`)
    .option('--brand <id>', 'the brand', positiveInteger, 1)
    .addOption(formats())
    .option('--dry-run', 'only say what would happen')
    .option(
      '--rejects <file>',
      'write rows that were not taken here, with line and reason, to mend and import again',
    )
    .action((file: string, options: ImportOptions) => importConsents(file, options, isJson()));
  program
    .command('export')
    .description('export data')
    .command('consents')
    .description('export all consents of a brand as they are now, as import takes them')
    .option('--brand <id>', 'the brand', positiveInteger, 1)
    .addOption(formats().default('csv'))
    .option('--output <file>', 'where to; without it, standard output')
    .action((options: { brand: number; format: ImportFormat; output?: string }) =>
      withServices(async (app) => {
        const output = options.output === undefined ? process.stdout : await openForWriting(options.output);
        const rows = await app.get(ConsentExportService).run(options.brand, options.format, output);
        if (output !== process.stdout) {
          output.end();
          await finished(output);
          print(isJson(), { rows }, () => `${rows} rows written to ${options.output}`);
        }
      }),
    );
  program
    .command('seed')
    .description('add made-up players with consents, to try the service at size')
    .requiredOption('--players <number>', 'how many', positiveInteger)
    .option('--brand <id>', 'the brand', positiveInteger, 1)
    .action((options: { players: number; brand: number }) =>
      withServices(async (app) => {
        const progress = new Progress(!isJson());
        await app
          .get(SeedService)
          .run(options.brand, options.players, (done) => progress.show('seeding', done, options.players));
        progress.stop();
        print(
          isJson(),
          { players: options.players },
          () => `${options.players} players added to brand ${options.brand}`,
        );
      }),
    );
}

export function addLedgerCommands(program: Command, isJson: () => boolean): void {
  program
    .command('ledger')
    .description('the record of all changes')
    .command('verify')
    .description(
      'prove that every chain of events is whole, agrees with the current state, and that no evidence was altered',
    )
    .option('--brand <id>', 'one brand; without it, all', positiveInteger)
    .action((options: { brand?: number }) => verifyLedger(options.brand, isJson()));
}

async function importConsents(file: string, options: ImportOptions, json: boolean): Promise<void> {
  const format = options.format ?? (/\.(ndjson|jsonl)$/i.test(file) ? 'ndjson' : 'csv');
  const { size } = await stat(file).catch(() => {
    throw new InvalidArgumentError(`There is no file ${file}.`);
  });
  await withServices(async (app) => {
    await app.get(BrandsService).get(options.brand);
    const input = createReadStream(file, { highWaterMark: 1 << 16 });
    const rejects =
      options.rejects === undefined ? null : new RejectsFile(await openForWriting(options.rejects), format);
    const progress = new Progress(!json);
    const result = await app.get(ConsentImportService).run(input, {
      brandId: options.brand,
      actor: 'operator:cli',
      format,
      dryRun: options.dryRun ?? false,
      onReject: (reject) => rejects?.write(reject),
      onProgress: (phase, rows, total) => {
        if (phase === 'reading')
          progress.show('reading MB', Math.round(input.bytesRead / 1e6), Math.ceil(size / 1e6));
        else progress.show(options.dryRun ? 'comparing' : 'applying', rows, total ?? rows);
      },
    });
    progress.stop();
    await rejects?.end();
    print(json, result, (answer) => summary(answer, options));
    if (result.rejected > 0) process.exitCode = Exit.rejects;
  });
}

function summary(result: ImportResult, options: ImportOptions): string {
  const number = (value: number) => value.toLocaleString('en');
  const lines = [
    `${number(result.rows)} rows: ${number(result.applied)} ${options.dryRun ? 'would be applied' : 'applied'}, ` +
      `${number(result.unchanged)} unchanged, ${number(result.stale)} older than what is recorded, ${number(result.rejected)} rejected`,
    ...result.rejects.slice(0, 10).map(({ line, reason }) => `  line ${line}: ${reason}`),
  ];
  const more = result.rejected - Math.min(10, result.rejects.length);
  if (more > 0) lines.push(`  … and ${number(more)} more`);
  if (result.rejected > 0) {
    lines.push(
      options.rejects
        ? `All rejected rows: ${options.rejects}`
        : 'Use --rejects FILE to have all of them in a file.',
    );
  }
  return lines.join('\n');
}

/** Rejected rows in the form they came in, with `line` and `reason` beside, which a later import passes over. */
class RejectsFile {
  constructor(
    private readonly output: WriteStream,
    private readonly format: ImportFormat,
  ) {
    if (format === 'csv') this.output.write(`${importColumns.join(',')},line,reason\n`);
  }

  write({ line, reason, row }: Reject): void {
    if (this.format === 'ndjson') {
      this.output.write(
        `${JSON.stringify(typeof row === 'string' ? { row, line, reason } : { ...row, line, reason })}\n`,
      );
      return;
    }
    const values = typeof row === 'string' ? [row] : importColumns.map((name) => row[name]);
    const cells = [...values, ...Array<string>(importColumns.length - values.length).fill(''), line, reason];
    this.output.write(`${cells.map(quoteCell).join(',')}\n`);
  }

  async end(): Promise<void> {
    this.output.end();
    await finished(this.output);
  }
}

async function openForWriting(path: string): Promise<WriteStream> {
  const output = createWriteStream(path);
  await once(output, 'open').catch(() => {
    throw new InvalidArgumentError(`${path} cannot be written.`);
  });
  return output;
}

function quoteCell(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

async function verifyLedger(brand: number | undefined, json: boolean): Promise<void> {
  await withServices(async (app) => {
    const report = await app.get(LedgerService).verify(brand);
    const broken = report.brokenLinks + report.gaps + report.differingStates + report.alteredEvidence;
    print(json, report, () =>
      [
        `${report.events} events of ${report.players} players`,
        `  links where "before" is not the last "after": ${report.brokenLinks}`,
        `  gaps in a player's numbering: ${report.gaps}`,
        `  players whose state is not the sum of their events: ${report.differingStates}`,
        `  altered evidence: ${report.alteredEvidence} (erased: ${report.erasedEvidence})`,
        broken === 0 ? 'The ledger is whole.' : 'THE LEDGER IS BROKEN.',
      ].join('\n'),
    );
    if (broken > 0) process.exitCode = Exit.failed;
  });
}
