import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { AppError, invalidField } from '../../common/errors.js';
import { Policy } from '../../database/entities/policy.entity.js';
import { PolicyText } from '../../database/entities/policy-text.entity.js';
import { PolicyVersion } from '../../database/entities/policy-version.entity.js';
import {
  canonicalLanguage,
  chooseLanguage,
  isVersionName,
  type PolicyType,
  type PolicyView,
  type TextFormat,
} from './policy.js';
import { PolicyCatalogue } from './policy-catalogue.js';
import { hasWords, UnreadableText } from './policy-html.js';
import { PolicyTextWorker } from './policy-text-worker.js';

export interface NewPolicy {
  name: string;
  type: PolicyType;
  defaultLanguage: string;
  domainId: string | null;
}

export interface DraftedVersion {
  version: string;
  isMaterial: boolean;
  effectiveFrom: Date | null;
  texts: { language: string; format: TextFormat; text: string }[];
}

/** Writes policies: creates, drafts, publishes. What is published never changes. */
@Injectable()
export class PoliciesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalogue: PolicyCatalogue,
    private readonly worker: PolicyTextWorker,
  ) {}

  /** A new policy, with the draft of its first version if one is given. */
  async create(
    brandId: number,
    { defaultLanguage, ...policy }: NewPolicy,
    first?: DraftedVersion,
  ): Promise<PolicyView> {
    const language = requireLanguage('DefaultLanguage', defaultLanguage);
    const texts = first && (await this.compileTexts(first.texts, language));
    const id = uuidv7();
    await this.dataSource.transaction(async (manager) => {
      await manager.insert(Policy, { id, brandId, ...policy, defaultLanguage: language });
      if (first && texts) await writeDraft(manager, { brandId, policyId: id }, first, texts);
    });
    return this.get(brandId, id);
  }

  /** The brand's policies, oldest first. */
  list(brandId: number): Promise<PolicyView[]> {
    return readPolicies(this.dataSource.manager, brandId, null);
  }

  /** One policy of the brand; not_found otherwise. */
  async get(brandId: number, id: string): Promise<PolicyView> {
    const [policy] = isUUID(id) ? await readPolicies(this.dataSource.manager, brandId, id) : [];
    if (!policy) throw new AppError('not_found', 'there is no such policy');
    return policy;
  }

  /** Makes a draft, in place of an earlier draft of that version; conflict when the version is published. */
  async draft(brandId: number, id: string, drafted: DraftedVersion): Promise<PolicyView> {
    const { defaultLanguage } = await this.get(brandId, id);
    const texts = await this.compileTexts(drafted.texts, defaultLanguage);
    await this.dataSource.transaction(async (manager) => {
      await lockPolicy(manager, brandId, id);
      await writeDraft(manager, { brandId, policyId: id }, drafted, texts);
    });
    return this.get(brandId, id);
  }

  /** Publishes a draft; conflict when it is published already, not_found when there is none. */
  async publish(brandId: number, id: string, version: string): Promise<PolicyView> {
    const policy = await this.get(brandId, id);
    const known = policy.versions.find((one) => one.version === version);
    if (!known) throw new AppError('not_found', 'there is no such version');
    const [row] = await this.dataSource.query<[{ at: Date | null }]>(
      'select publish_policy_version($1, $2, $3) as at',
      [brandId, id, version],
    );
    this.catalogue.forget(id);
    if (row.at === null) throw new AppError('conflict', `version ${version} is published already`);
    return this.get(brandId, id);
  }

  /** The compiled texts of a version, published or not, by language; not_found when there is no such version. */
  async getTexts(brandId: number, policyId: string, version: string): Promise<Map<string, string>> {
    const texts = isVersionName(version)
      ? await this.dataSource.manager.findBy(PolicyText, { brandId, policyId, version })
      : [];
    if (texts.length === 0) throw new AppError('not_found', `there is no version ${version}`);
    return new Map(texts.map(({ language, html }) => [language, html]));
  }

  /** Two versions' texts in one language, that which serves best of those both have; not_found when either is not there. */
  async getTextPair(
    brandId: number,
    id: string,
    [from, to]: [from: string, to: string],
    language?: string,
  ): Promise<{ language: string; from: string; to: string }> {
    const { defaultLanguage } = await this.get(brandId, id);
    const older = await this.getTexts(brandId, id, from);
    const newer = await this.getTexts(brandId, id, to);
    const common = [...newer.keys()].filter((tag) => older.has(tag));
    const chosen = chooseLanguage(common, language, defaultLanguage) ?? defaultLanguage;
    return { language: chosen, from: older.get(chosen) ?? '', to: newer.get(chosen) ?? '' };
  }

  /** Texts as they are kept; invalid_input names one that is empty, of no language, or of one that comes twice. */
  private async compileTexts(texts: DraftedVersion['texts'], defaultLanguage: string): Promise<KeptText[]> {
    const languages = texts.map(({ language }, index) =>
      requireLanguage(`Texts[${index}].Language`, language),
    );
    for (const [index, language] of languages.entries()) {
      const field = `Texts[${index}].Language`;
      if (languages.indexOf(language) < index)
        throw invalidField(field, `${field}: the language ${language} comes twice`);
    }
    if (!languages.includes(defaultLanguage))
      throw invalidField('Texts', `Texts must hold one in the policy's default language, ${defaultLanguage}`);
    const compiled: KeptText[] = [];
    for (const [index, { format, text: source }] of texts.entries()) {
      const { html, hash: htmlHash } = await this.compileText(`Texts[${index}].Text`, format, source);
      compiled.push({ language: languages[index] ?? defaultLanguage, format, source, html, htmlHash });
    }
    return compiled;
  }

  private async compileText(
    field: string,
    format: TextFormat,
    source: string,
  ): Promise<{ html: string; hash: Buffer }> {
    try {
      const compiled = await this.worker.compile(format, source);
      if (hasWords(compiled.html)) return compiled;
    } catch (error) {
      if (error instanceof UnreadableText) throw invalidField(field, `${field}: ${error.message}`);
      throw error;
    }
    throw invalidField(field, `${field}: nothing is left of the text once it is made safe`);
  }
}

/** A text as the table has it. */
interface KeptText {
  language: string;
  format: TextFormat;
  source: string;
  html: string;
  htmlHash: Buffer;
}

function requireLanguage(field: string, text: string): string {
  const language = canonicalLanguage(text);
  if (language === null) throw invalidField(field, `${field} must be a language, such as en or pt-BR`);
  return language;
}

/** Puts a draft in the place of an earlier one; conflict when the version is published. The policy must be locked. */
async function writeDraft(
  manager: EntityManager,
  policy: { brandId: number; policyId: string },
  { version, isMaterial, effectiveFrom }: DraftedVersion,
  texts: KeptText[],
): Promise<void> {
  const key = { ...policy, version };
  const known = await manager.findOneBy(PolicyVersion, key);
  if (known?.publishedAt)
    throw new AppError('conflict', `version ${version} is published and never changes: take a new one`);
  if (known) await manager.delete(PolicyVersion, key);
  await manager.insert(PolicyVersion, { ...key, isMaterial, effectiveFrom });
  for (const text of texts) await manager.insert(PolicyText, { ...key, ...text });
}

async function lockPolicy(manager: EntityManager, brandId: number, id: string): Promise<void> {
  await manager.query('select 1 from policies where brand_id = $1 and id = $2 for update', [brandId, id]);
}

interface PolicyRow {
  id: string;
  name: string;
  type: PolicyType;
  default_language: string;
  domain_id: string | null;
  created_at: Date;
}

interface VersionRow {
  policy_id: string;
  version: string;
  is_material: boolean;
  effective_from: Date | null;
  created_at: Date;
  published_at: Date | null;
  effective_at: Date | null;
  languages: string[];
}

async function readPolicies(
  manager: EntityManager,
  brandId: number,
  id: string | null,
): Promise<PolicyView[]> {
  const policies = await manager.query<PolicyRow[]>(
    `select id, name, type, default_language, domain_id, created_at from policies
     where brand_id = $1 and ($2::uuid is null or id = $2) order by id`,
    [brandId, id],
  );
  const versions = await manager.query<VersionRow[]>(
    `select v.policy_id, v.version, v.is_material, v.effective_from, v.created_at, v.published_at, v.effective_at,
       array(select t.language from policy_texts t
         where t.brand_id = v.brand_id and t.policy_id = v.policy_id and t.version = v.version order by t.language) as languages
     from policy_versions v where v.brand_id = $1 and v.policy_id = any ($2) order by v.effective_at nulls last, v.created_at`,
    [brandId, policies.map((row) => row.id)],
  );
  return policies.map((row) => ({
    id: row.id,
    brandId,
    name: row.name,
    type: row.type,
    defaultLanguage: row.default_language,
    domainId: row.domain_id,
    createdAt: row.created_at,
    versions: versions
      .filter(({ policy_id: policyId }) => policyId === row.id)
      .map((version) => ({
        version: version.version,
        isMaterial: version.is_material,
        languages: version.languages,
        createdAt: version.created_at,
        effectiveFrom: version.effective_from,
        publishedAt: version.published_at,
        effectiveAt: version.effective_at,
      })),
  }));
}
