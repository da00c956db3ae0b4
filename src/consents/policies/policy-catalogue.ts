import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { AppError } from '../../common/errors.js';
import { Database } from '../../database/database.js';
import {
  chooseLanguage,
  currentVersion,
  lastMaterialVersion,
  type PolicyType,
  type PublishedVersion,
} from './policy.js';

/** A publication elsewhere is seen within a second. */
const maxAgeMs = 500;
const rememberedPolicies = 10_000;
/** Texts that never change, of 5 MB at most each. */
const rememberedTextBytes = 32_000_000;

/** A policy as readers need it: with what is published. */
export interface KnownPolicy {
  id: string;
  brandId: number;
  name: string;
  type: PolicyType;
  defaultLanguage: string;
  domainId: string | null;
  /** In the order they take effect. */
  published: PublishedVersion[];
}

/** A text of a published version, ready to be sent. */
export interface PublishedText {
  language: string;
  html: string;
  /** The hash of the text, and its version: the same words may be published again. */
  etag: string;
  /** The answer of `GET /api/policyconsent/policy`. */
  body: Buffer;
}

const findPolicy = {
  name: 'find_policy',
  text: `
    select p.id, p.brand_id, p.name, p.type, p.default_language, p.domain_id, coalesce((
      select json_agg(json_build_object('version', v.version, 'isMaterial', v.is_material, 'effectiveAt', v.effective_at,
        'languages', (select json_agg(t.language order by t.language) from policy_texts t
          where t.brand_id = v.brand_id and t.policy_id = v.policy_id and t.version = v.version)) order by v.effective_at)
      from policy_versions v
      where v.brand_id = p.brand_id and v.policy_id = p.id and v.effective_at is not null), '[]') as versions
    from policies p where p.id = $1`,
};
const findText = {
  name: 'find_policy_text',
  text: `
    select html, encode(html_hash, 'hex') as hash from policy_texts
    where brand_id = $1 and policy_id = $2 and version = $3 and language = $4`,
};

/** What the brand's settings name, or else its oldest policy of the type that is of no site in particular. */
const findChoice = {
  name: 'find_brand_policy',
  text: `
    select coalesce(
      (select case $2 when 'Privacy' then b.privacy_policy_id else b.terms_policy_id end from brands b where b.id = $1),
      (select p.id from policies p where p.brand_id = $1 and p.type = $2 and p.domain_id is null
       order by p.created_at, p.id limit 1)) as id`,
};

interface PolicyRow {
  id: string;
  brand_id: number;
  name: string;
  type: PolicyType;
  default_language: string;
  domain_id: string | null;
  versions: { version: string; isMaterial: boolean; effectiveAt: string; languages: string[] | null }[];
}

interface RememberedPolicy {
  readAt: number;
  policy: Promise<KnownPolicy | null>;
  /** The same, as soon as it has been read. */
  known: KnownPolicy | null;
}

/** Policies and their published texts, from memory: at most half a second old, so that hot reads cost no round trip. */
@Injectable()
export class PolicyCatalogue {
  private readonly policies = new Map<string, RememberedPolicy>();
  private readonly choices = new Map<string, { readAt: number; id: Promise<string | null> }>();
  private readonly texts = new Map<string, PublishedText>();
  private textBytes = 0;

  constructor(private readonly database: Database) {}

  /** The policy of an id, of whatever brand; null for an unknown one, or what is no id. */
  find(given: string): Promise<KnownPolicy | null> {
    // However it is written it is one policy, to be remembered and forgotten once.
    const id = given.toLowerCase();
    const known = this.policies.get(id);
    if (known && Date.now() - known.readAt < maxAgeMs) return known.policy;
    if (!isUUID(id)) return Promise.resolve(null);
    const entry: RememberedPolicy = { readAt: Date.now(), policy: this.read(id), known: null };
    if (this.policies.size >= rememberedPolicies) this.policies.clear();
    this.policies.set(id, entry);
    const drop = () => {
      if (this.policies.get(id) === entry) this.policies.delete(id);
    };
    entry.policy.then((policy) => {
      entry.known = policy;
      if (!policy) drop();
    }, drop);
    return entry.policy;
  }

  /** As find; not_found when there is none. */
  async get(id: string): Promise<KnownPolicy> {
    const policy = await this.find(id);
    if (!policy) throw new AppError('not_found', 'there is no such policy');
    return policy;
  }

  /**
   * The policy whose current version a brand's players must have accepted; null when there is none. A new setting or policy is
   * seen within half a second.
   */
  async findBrandPolicy(brandId: number, type: 'TermsOfService' | 'Privacy'): Promise<KnownPolicy | null> {
    const key = `${type} ${brandId}`;
    const known = this.choices.get(key);
    const isFresh = known !== undefined && Date.now() - known.readAt < maxAgeMs;
    const entry = isFresh ? known : { readAt: Date.now(), id: this.readChoice(brandId, type) };
    this.choices.set(key, entry);
    if (!isFresh) entry.id.catch(() => this.choices.delete(key));
    const id = await entry.id;
    return id === null ? null : this.find(id);
  }

  /** Drops what is remembered of a policy, after a change of it. */
  forget(id: string): void {
    this.policies.delete(id.toLowerCase());
  }

  /** The current version; not_found while nothing is in force. */
  getCurrent(policy: KnownPolicy, at = new Date()): PublishedVersion {
    const current = currentVersion(policy.published, at);
    if (!current) throw new AppError('not_found', 'no version of this policy is in force');
    return current;
  }

  /** From when on consents count: since the last version that asked everybody again took effect. */
  countsSince(policy: KnownPolicy, at = new Date()): Date | null {
    return lastMaterialVersion(policy.published, at)?.effectiveAt ?? null;
  }

  /** The text of a published version in the language that serves best; not_found when it has none. */
  async getText(
    policy: KnownPolicy,
    { version, languages }: PublishedVersion,
    language?: string,
  ): Promise<PublishedText> {
    const chosen = chooseLanguage(languages, language, policy.defaultLanguage);
    if (chosen === null) throw new AppError('not_found', 'this version has no text');
    const key = keyOf(policy, version, chosen);
    const known = this.texts.get(key);
    if (known) return known;
    const [row] = await this.database.prepared<{ html: string; hash: string }>(findText, [
      policy.brandId,
      policy.id,
      version,
      chosen,
    ]);
    if (!row) throw new AppError('not_found', 'this version has no text');
    const { id: Id, name: Name, type: Type } = policy;
    const body = Buffer.from(JSON.stringify({ Id, Name, Type, Version: version, CompiledHtml: row.html }));
    const text = {
      language: chosen,
      html: row.html,
      etag: `"${row.hash}.${encodeURIComponent(version)}"`,
      body,
    };
    this.remember(key, text);
    return text;
  }

  /** The current text, as getText answers it, if that takes no waiting; else null. The id is in small letters. */
  peekText(id: string, language?: string): PublishedText | null {
    const entry = this.policies.get(id);
    if (!entry?.known || Date.now() - entry.readAt >= maxAgeMs) return null;
    const policy = entry.known;
    const current = currentVersion(policy.published, new Date());
    if (!current) return null;
    const chosen = chooseLanguage(current.languages, language, policy.defaultLanguage);
    return (chosen !== null && this.texts.get(keyOf(policy, current.version, chosen))) || null;
  }

  private remember(key: string, text: PublishedText): void {
    if (this.textBytes + 3 * text.body.length > rememberedTextBytes) {
      this.texts.clear();
      this.textBytes = 0;
    }
    this.texts.set(key, text);
    this.textBytes += 3 * text.body.length;
  }

  private async readChoice(brandId: number, type: string): Promise<string | null> {
    const [row] = await this.database.prepared<{ id: string | null }>(findChoice, [brandId, type]);
    return row?.id ?? null;
  }

  private async read(id: string): Promise<KnownPolicy | null> {
    const [row] = await this.database.prepared<PolicyRow>(findPolicy, [id]);
    if (!row) return null;
    return {
      id: row.id,
      brandId: row.brand_id,
      name: row.name,
      type: row.type,
      defaultLanguage: row.default_language,
      domainId: row.domain_id,
      published: row.versions.map(({ version, isMaterial, effectiveAt, languages }) => ({
        version,
        isMaterial,
        effectiveAt: new Date(effectiveAt),
        languages: languages ?? [],
      })),
    };
  }
}

/** Neither an id nor a language has a space in it. */
function keyOf({ id }: KnownPolicy, version: string, language: string): string {
  return `${id} ${language} ${version}`;
}
