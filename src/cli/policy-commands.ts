import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BrandsService } from '../brands/brands.service.js';
import { DtoPipe } from '../common/validation.pipe.js';
import { PoliciesService } from '../consents/policies/policies.service.js';
import {
  type PolicyType,
  type PolicyView,
  policyTypes,
  type TextFormat,
  textFormats,
  versionStatesOf,
} from '../consents/policies/policy.js';
import { PolicyTextWorker } from '../consents/policies/policy-text-worker.js';
import { CreatePolicyDto, DraftVersionDto, toDraftedVersion } from '../policy-consent/policies.dto.js';
import { positiveInteger } from './brand-commands.js';
import { withServices } from './context.js';
import { toChangedLines } from './changed-lines.js';
import { print, table } from './terminal.js';

interface PublishOptions {
  brand: number;
  version: string;
  text: string[];
  format?: TextFormat;
  minor?: boolean;
  from?: string;
  create?: string;
  type?: PolicyType;
  defaultLanguage: string;
}

/** `policies list | publish | diff`. */
export function addPolicyCommands(program: Command, isJson: () => boolean): void {
  const policies = program.command('policies').description('what people must agree to, version by version');
  policies
    .command('list')
    .description('list the policies of a brand')
    .requiredOption('--brand <id>', 'the brand', positiveInteger)
    .action(({ brand }: { brand: number }) =>
      withServices(async (app) => {
        await app.get(BrandsService).get(brand);
        print(isJson(), await app.get(PoliciesService).list(brand), (all) => table(all.map(toRow)));
      }),
    );
  addPublish(policies, isJson);
  policies
    .command('diff')
    .description('show what changed from one version to another, drafts included')
    .requiredOption('--brand <id>', 'the brand', positiveInteger)
    .argument('<policy>', 'its id')
    .argument('<from>', 'the older version')
    .argument('<to>', 'the newer version')
    .option('--language <tag>', "in which language; without it, the policy's own")
    .action(
      (id: string, from: string, to: string, { brand, language }: { brand: number; language?: string }) =>
        withServices(async (app) => {
          const texts = await app.get(PoliciesService).getTextPair(brand, id, [from, to], language);
          const changes = await app.get(PolicyTextWorker).diffTexts(texts.from, texts.to);
          print(isJson(), changes, () =>
            toChangedLines(changes, process.stdout.isTTY && !process.env.NO_COLOR),
          );
        }),
    );
}

function addPublish(policies: Command, isJson: () => boolean): void {
  policies
    .command('publish')
    .description('write a version and publish it, of a policy there is or of a new one (--create)')
    .requiredOption('--brand <id>', 'the brand', positiveInteger)
    .argument('[policy]', 'its id')
    .requiredOption('--version <name>', 'such as 2.0')
    .requiredOption(
      '--text <language=file>',
      'a text, such as en=terms.en.md; once for each language',
      (text: string, before: string[] = []) => [...before, text],
    )
    .addOption(
      new Option('--format <format>', 'without it, by the names of the files: .md is markdown').choices(
        textFormats,
      ),
    )
    .option('--minor', 'nobody is asked again: older consents carry over')
    .option('--from <date>', 'in force from this day or instant; without it, at once')
    .option('--create <name>', 'the name of a new policy')
    .addOption(new Option('--type <type>', 'of the new policy').choices(policyTypes))
    .option('--default-language <tag>', 'of the new policy', 'en')
    .action((id: string | undefined, options: PublishOptions) => publish(id, options, isJson()));
}

async function publish(id: string | undefined, options: PublishOptions, json: boolean): Promise<void> {
  if ((id === undefined) === (options.create === undefined))
    throw new InvalidArgumentError('Give either the id of a policy or --create with the name of a new one.');
  const { Name, Type, DefaultLanguage } =
    options.create === undefined
      ? { Name: '', Type: policyTypes[0], DefaultLanguage: '' }
      : await validate(CreatePolicyDto, {
          Name: options.create,
          Type: options.type,
          DefaultLanguage: options.defaultLanguage,
        });
  const draft = toDraftedVersion(await readVersion(options));
  await withServices(async (app) => {
    const { brand, version } = options;
    await app.get(BrandsService).get(brand);
    const service = app.get(PoliciesService);
    const policy = { name: Name, type: Type, defaultLanguage: DefaultLanguage, domainId: null };
    const drafted =
      id === undefined ? await service.create(brand, policy, draft) : await service.draft(brand, id, draft);
    const published = await service.publish(brand, drafted.id, version);
    const state = stateOf(published, version);
    print(json, { id: drafted.id, version, ...state }, ({ effectiveAt }) => {
      const asked = draft.isMaterial ? 'everybody is asked again' : 'nobody is asked again';
      return `policy ${drafted.id}\nversion ${version} is ${state.state}, in force from ${effectiveAt}: ${asked}`;
    });
  });
}

/** The version as the API takes it, with the texts out of their files. */
async function readVersion(options: PublishOptions): Promise<DraftVersionDto> {
  const Texts = await Promise.all(
    options.text.map(async (pair) => {
      const [, language, file] = /^([A-Za-z0-9-]+)=(.+)$/.exec(pair) ?? [];
      if (language === undefined || file === undefined)
        throw new InvalidArgumentError('--text takes a language and a file, such as en=terms.en.md.');
      const Text = await readFile(file, 'utf8').catch(() => {
        throw new InvalidArgumentError(`There is no file ${file}.`);
      });
      const Format = options.format ?? (/\.(md|markdown)$/i.test(file) ? 'markdown' : 'html');
      return { Language: language, Format, Text };
    }),
  );
  return validate(DraftVersionDto, {
    Version: options.version,
    Material: options.minor !== true,
    EffectiveFrom: options.from ?? null,
    Texts,
  });
}

async function validate<T>(metatype: new () => T, value: object): Promise<T> {
  return (await new DtoPipe().transform(value, { type: 'body', metatype })) as T;
}

function stateOf(policy: PolicyView, version: string): { state: string; effectiveAt: string } {
  const index = policy.versions.findIndex((one) => one.version === version);
  return {
    state: versionStatesOf(policy, new Date())[index] ?? 'draft',
    effectiveAt: policy.versions[index]?.effectiveAt?.toISOString() ?? '',
  };
}

function toRow(policy: PolicyView): Record<string, string> {
  const states = versionStatesOf(policy, new Date());
  const inState = (state: string) =>
    policy.versions.filter((_version, index) => states[index] === state).map(({ version }) => version);
  return {
    id: policy.id,
    type: policy.type,
    name: policy.name,
    site: policy.domainId ?? '',
    current: inState('current').join(' '),
    scheduled: inState('scheduled').join(' '),
    drafts: inState('draft').join(' '),
  };
}
