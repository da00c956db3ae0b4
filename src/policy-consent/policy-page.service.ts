import { fileURLToPath } from 'node:url';
import { Injectable } from '@nestjs/common';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import type { PublishedVersion } from '../consents/policies/policy.js';
import { type KnownPolicy, PolicyCatalogue } from '../consents/policies/policy-catalogue.js';
import { findLanguage, readerLanguages, type ReaderLanguages } from '../pages/languages.js';
import { type Page, PageTemplates } from '../pages/page-templates.js';
import { PolicyChanges } from './policy-changes.js';
import type { PolicyPageQuery } from './policy-page.dto.js';
import { policyPageVariables } from './policy-page.view.js';

/** What is shown of a policy: a version, and since which other one its changes are marked. */
interface Choice {
  policy: KnownPolicy;
  /** Those in force until now, oldest first. */
  versions: PublishedVersion[];
  shown: PublishedVersion;
  since: PublishedVersion | null;
}

/** The page of a policy, for people. */
@Injectable()
export class PolicyPageService {
  private readonly pages = new PageTemplates(fileURLToPath(new URL('./pages/', import.meta.url)));

  constructor(
    private readonly policies: PolicyCatalogue,
    private readonly changes: PolicyChanges,
    private readonly brands: BrandCatalogue,
  ) {}

  /** The page that was asked for; what is not there, or not to be seen yet, is one and the same page. */
  async show(id: string, query: PolicyPageQuery, acceptLanguage: string | undefined): Promise<Page> {
    const lang = typeof query.lang === 'string' ? query.lang : undefined;
    const reader = readerLanguages(lang, acceptLanguage);
    const [asked] = readerLanguages(lang, undefined).wanted;
    const choice = await this.choose(id, query);
    return choice ? this.render(choice, reader, asked) : this.pages.renderNotFound(reader);
  }

  private async choose(id: string, query: PolicyPageQuery): Promise<Choice | null> {
    const now = new Date();
    const policy = await this.policies.find(id);
    const versions = (policy?.published ?? []).filter(({ effectiveAt }) => effectiveAt <= now);
    const find = (version: unknown) => versions.findIndex((each) => each.version === version);
    const place = query.version === undefined ? versions.length - 1 : find(query.version);
    const shown = versions[place];
    const sincePlace = query.since === undefined ? -1 : find(query.since);
    const since = versions[sincePlace] ?? null;
    if (!policy || !shown || (query.since !== undefined && !since) || sincePlace >= place) return null;
    return { policy, versions, shown, since };
  }

  private async render(
    { policy, versions, shown, since }: Choice,
    reader: ReaderLanguages,
    asked: string | undefined,
  ): Promise<Page> {
    const brand = await this.brands.get(policy.brandId);
    // The policy's own first: whoever reads everything gets that.
    const languages = [...new Set([policy.defaultLanguage, ...shown.languages])].filter(
      (each) => shown.languages.includes(each) && (since?.languages.includes(each) ?? true),
    );
    const wanted = findLanguage(languages, reader);
    const text = await this.policies.getText(
      policy,
      { ...shown, languages },
      wanted ?? policy.defaultLanguage,
    );
    const language = this.pages.chooseLanguage(reader, text.language);
    const changes = since && {
      since,
      html: await this.changes.get(policy, since, shown, text.language),
    };
    return this.pages.renderPage({
      template: 'policy',
      language,
      contentLanguage: text.language,
      robots: shown === versions.at(-1) && !since ? 'index' : 'noindex',
      variables: policyPageVariables({
        brandName: brand.facts.name,
        policy,
        versions,
        shown,
        languages,
        isMissed: wanted === null && findLanguage(this.pages.languages, reader) !== null,
        text,
        changes,
        language,
        locale: this.pages.getText(language, 'locale'),
        instantText: this.pages.getText(language, 'instant'),
        asked,
      }),
    });
  }
}
