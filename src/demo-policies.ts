import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { EntityManager } from 'typeorm';
import type { KnownPolicy } from './consents/policies/policy-catalogue.js';
import type { PolicyAct, PolicyConsentsService } from './consents/policies/policy-consents.service.js';
import { compilePolicyText } from './consents/policies/policy-html.js';
import { Policy } from './database/entities/policy.entity.js';
import { PolicyText } from './database/entities/policy-text.entity.js';
import { PolicyVersion } from './database/entities/policy-version.entity.js';

/** Ids of the demo's policies, which the reference page fills in. */
export const demoPolicyIds = {
  terms: '019b8a00-0000-7000-8000-000000000002',
  privacy: '019b8a00-0000-7000-8000-000000000003',
};

const folder = fileURLToPath(new URL('./demo-policies/', import.meta.url));
const common = { brandId: 1, defaultLanguage: 'en', domainId: null, published: [] };
const terms: KnownPolicy = {
  ...common,
  id: demoPolicyIds.terms,
  name: 'Terms and conditions',
  type: 'TermsOfService',
};
const privacy: KnownPolicy = {
  ...common,
  id: demoPolicyIds.privacy,
  name: 'Privacy policy',
  type: 'Privacy',
};

/** Two policies at version 1.0, and a draft of the next terms, for publishing and comparing to be tried. */
export async function createPolicies(manager: EntityManager): Promise<void> {
  for (const policy of [terms, privacy]) {
    const { id, brandId, name, type, defaultLanguage, domainId } = policy;
    await manager.insert(Policy, { id, brandId, name, type, defaultLanguage, domainId });
  }
  await draft(manager, terms, 'terms', '1.0');
  await draft(manager, privacy, 'privacy', '1.0');
  await draft(manager, terms, 'terms', '1.1');
  for (const { id, brandId } of [terms, privacy])
    await manager.query('select publish_policy_version($1, $2, $3)', [brandId, id, '1.0']);
}

async function draft(
  manager: EntityManager,
  { brandId, id: policyId }: KnownPolicy,
  file: string,
  version: string,
): Promise<void> {
  const key = { brandId, policyId, version };
  await manager.insert(PolicyVersion, { ...key, isMaterial: true });
  for (const language of ['en', 'de']) {
    const source = readFileSync(`${folder}${file}.${version}.${language}.md`, 'utf8');
    const { html, hash: htmlHash } = compilePolicyText('markdown', source);
    await manager.insert(PolicyText, { ...key, language, format: 'markdown', source, html, htmlHash });
  }
}

/** The players accept both policies, and the visitor of the web site the terms. */
export async function acceptPolicies(
  manager: EntityManager,
  consents: PolicyConsentsService,
  playerIds: string[],
  visitor: Buffer,
): Promise<void> {
  for (const customUserId of playerIds) {
    await consents.record(acceptance(terms, { customUserId, clientId: null }), manager);
    await consents.record(acceptance(privacy, { customUserId, clientId: null }), manager);
  }
  await consents.record(acceptance(terms, { customUserId: null, clientId: visitor }), manager);
}

function acceptance(policy: KnownPolicy, who: Pick<PolicyAct, 'customUserId' | 'clientId'>): PolicyAct {
  const isOperator = who.customUserId !== null;
  return {
    policy,
    ...who,
    isGiven: true,
    version: '1.0',
    language: 'en',
    isOperator,
    uri: 'https://demo.example/register',
    domainId: null,
    mobile: {
      clientSessionId: null,
      deviceManufacturer: null,
      sdkVersion: null,
      osVersion: null,
      mobileApplicationId: null,
    },
    actor: isOperator ? 'client:demo' : 'subject',
    source: 'policyconsent',
    fingerprint: {
      ip: '203.0.113.7',
      proxifiedIp: '203.0.113.0',
      userAgent: 'Mozilla/5.0 (demo)',
      origin: isOperator ? null : 'https://demo.example',
      city: null,
      state: null,
      country: 'GB',
    },
  };
}
