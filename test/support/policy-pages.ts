import { PoliciesService } from '../../src/consents/policies/policies.service.js';
import type { PolicyType } from '../../src/consents/policies/policy.js';
import type { TestApp } from './test-app.js';

export interface PolicyToPublish {
  name?: string;
  type?: PolicyType;
  defaultLanguage?: string;
  brandId?: number;
  versions: VersionToPublish[];
}

export interface VersionToPublish {
  version: string;
  /** When it takes effect; null leaves it a draft. */
  at: string | null;
  /** HTML by language. */
  texts: Record<string, string>;
}

/** Makes a policy with versions that took effect in the past, and answers its id. */
export async function publishPolicy(app: TestApp, policy: PolicyToPublish): Promise<string> {
  const { name = 'Privacy policy', type = 'Privacy', defaultLanguage = 'en', brandId = 1, versions } = policy;
  const policies = app.nest.get(PoliciesService, { strict: false });
  const { id } = await policies.create(brandId, { name, type, defaultLanguage, domainId: null });
  for (const version of versions) await publishVersion(app, id, version, brandId);
  return id;
}

/** Adds a version, as if it had been published in time. */
export async function publishVersion(
  app: TestApp,
  id: string,
  { version, at, texts }: VersionToPublish,
  brandId = 1,
): Promise<void> {
  await app.nest.get(PoliciesService, { strict: false }).draft(brandId, id, {
    version,
    isMaterial: true,
    effectiveFrom: null,
    texts: Object.entries(texts).map(([language, text]) => ({ language, format: 'html', text })),
  });
  await app.sql(
    `update policy_versions set published_at = $3::timestamptz, effective_at = $3::timestamptz
     where policy_id = $1 and version = $2 and $3::timestamptz is not null`,
    [id, version, at],
  );
}
