#!/usr/bin/env -S node --max-old-space-size=128
import 'reflect-metadata';
import { Command, CommanderError } from 'commander';
import { AppError } from '../common/errors.js';
import { ConfigError } from '../config/config.js';
import { addBrandCommands, addClientCommands, addSessionCommands } from './brand-commands.js';
import { addConsentCommands, addLedgerCommands } from './consent-commands.js';
import { migrateDatabase } from './context.js';
import { addDeliveryCommands } from './delivery-commands.js';
import { addIntegrationCommands } from './integration-commands.js';
import { addPolicyCommands } from './policy-commands.js';
import { Exit, print } from './terminal.js';
import { addUnsubscribeCommands } from './unsubscribe-commands.js';
import { addWithdrawCommand } from './withdraw-command.js';

const program = new Command('player-consent')
  .description('Operate the consent service. Uses the same environment as the service itself.')
  .option('--json', 'answer in JSON, for machines')
  .exitOverride()
  .showHelpAfterError();
const isJson = () => program.opts<{ json?: boolean }>().json === true;

program
  .command('migrate')
  .description('bring the database up to this release')
  .action(async () => {
    const applied = await migrateDatabase();
    print(isJson(), { applied }, () =>
      applied.length > 0 ? `applied: ${applied.join(', ')}` : 'the database is up to date',
    );
  });
addConsentCommands(program, isJson);
addLedgerCommands(program, isJson);
addBrandCommands(program, isJson);
addClientCommands(program, isJson);
addIntegrationCommands(program, isJson);
addSessionCommands(program, isJson);
addPolicyCommands(program, isJson);
addDeliveryCommands(program, isJson);
addUnsubscribeCommands(program, isJson);
addWithdrawCommand(program, isJson);

function optionEverywhere(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride();
    if (child.commands.length === 0) {
      child.option('--json', 'answer in JSON, for machines').hook('preAction', () => {
        if (child.opts<{ json?: boolean }>().json) program.setOptionValue('json', true);
      });
    }
    optionEverywhere(child);
  }
}
optionEverywhere(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.code === 'commander.invalidArgument' || error.code === '')
      process.stderr.write(`${error.message}\n`);
    return error.exitCode === 0 ? Exit.done : Exit.usage;
  }
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return 78;
  }
  if (error instanceof AppError) {
    process.stderr.write(`${error.fields.map(({ message }) => message).join('\n') || error.message}\n`);
    return error.code === 'invalid_input' || error.code === 'malformed_body' ? Exit.usage : Exit.failed;
  }
  process.stderr.write(`failed: ${error instanceof Error ? error.message : 'unknown'}\n`);
  return Exit.failed;
}
