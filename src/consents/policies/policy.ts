/** What kinds of policies there are. */
export const policyTypes = ['Privacy', 'Cookie', 'TermsOfService'] as const;
export type PolicyType = (typeof policyTypes)[number];

/** What events of policies hold before and after; 0 stands for "nothing recorded". Numbers are for ever. */
export const PolicyAnswer = { no: 1, yes: 2 } as const;

export const textFormats = ['html', 'markdown'] as const;
export type TextFormat = (typeof textFormats)[number];

/** What a version may be called: it stands in paths and in file names. */
export const versionPattern = /^[A-Za-z0-9](?:[A-Za-z0-9._ -]{0,48}[A-Za-z0-9])?$/;

/** Whether a text could be a version's name at all. */
export function isVersionName(text: string): boolean {
  return versionPattern.test(text);
}

/** A version of a policy as operators see it. */
export interface PolicyVersionView {
  version: string;
  isMaterial: boolean;
  languages: string[];
  createdAt: Date;
  effectiveFrom: Date | null;
  publishedAt: Date | null;
  /** When it takes or took effect; null for a draft. */
  effectiveAt: Date | null;
}

export interface PolicyView {
  id: string;
  brandId: number;
  name: string;
  type: PolicyType;
  defaultLanguage: string;
  domainId: string | null;
  createdAt: Date;
  /** In the order they take effect; drafts last. */
  versions: PolicyVersionView[];
}

/** A version that is published, as readers need it. */
export interface PublishedVersion {
  version: string;
  isMaterial: boolean;
  languages: string[];
  effectiveAt: Date;
}

export const versionStates = ['draft', 'scheduled', 'current', 'superseded'] as const;
export type VersionState = (typeof versionStates)[number];

/** How each of a policy's versions stands at an instant, in their order. */
export function versionStatesOf({ versions }: PolicyView, at: Date): VersionState[] {
  const current = versions.findLast(({ effectiveAt }) => effectiveAt !== null && effectiveAt <= at);
  return versions.map((version) => {
    if (version.effectiveAt === null) return 'draft';
    if (version.effectiveAt > at) return 'scheduled';
    return version === current ? 'current' : 'superseded';
  });
}

/** The version in force at an instant; null while there is none. `versions` are in the order they take effect. */
export function currentVersion(versions: readonly PublishedVersion[], at: Date): PublishedVersion | null {
  return versions.findLast(({ effectiveAt }) => effectiveAt <= at) ?? null;
}

/** The last version by an instant that asked everybody again: consents to it and to later ones count. */
export function lastMaterialVersion(
  versions: readonly PublishedVersion[],
  at: Date,
): PublishedVersion | null {
  const inForce = versions.filter(({ effectiveAt }) => effectiveAt <= at);
  return inForce.findLast(({ isMaterial }) => isMaterial) ?? inForce[0] ?? null;
}

/** A language tag in its canonical form; null for what is none. */
export function canonicalLanguage(text: string): string | null {
  try {
    return Intl.getCanonicalLocales(text)[0] ?? null;
  } catch {
    return null;
  }
}

/** `pt-BR` falls back to `pt`, then to the policy's own language: what to look for, in that order. */
export function languageChain(language: string | undefined, defaultLanguage: string): string[] {
  const chain: string[] = [];
  let tag = (language !== undefined && canonicalLanguage(language)) || '';
  while (tag !== '') {
    chain.push(tag);
    tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')));
  }
  return [...new Set([...chain, defaultLanguage])];
}

/** The language of those there are that serves best; null when there is none at all. */
export function chooseLanguage(
  available: readonly string[],
  language: string | undefined,
  defaultLanguage: string,
): string | null {
  const chain = languageChain(language, defaultLanguage);
  return chain.find((tag) => available.includes(tag)) ?? available[0] ?? null;
}
