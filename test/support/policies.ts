import { hash } from 'node:crypto';
import { type NewPolicy, PoliciesService } from '../../src/consents/policies/policies.service.js';
import type { Answer, CallOptions, TestApp } from './test-app.js';

/** A record as GET of a ClientId prints it. */
export interface PrintedPolicyRecord {
  Id: string;
  Created: string;
  URI: string | null;
  PolicyId: string;
  PolicyType: string;
  Version: string;
  ConsentGiven: boolean;
  CustomUserId?: string | null;
  ClientId: string;
}

/** What may be said of a version; the texts are HTML by language, in English if nothing is said. */
export interface TestVersion {
  isMaterial?: boolean;
  effectiveFrom?: Date;
  texts?: Record<string, string>;
  brandId?: number;
}

export const policyPath = '/api/policyconsent';

/** What an app sends beside what a page does. */
export const mobileFields = {
  ClientSessionId: 'session-1',
  DeviceManufacturer: 'Acme',
  SDKVersion: '1.2.3',
  OSVersion: '17.1',
  MobileApplicationId: 'com.example.casino',
};

/** The routes of policy consent, and policies to use them with. */
export function policyRoutes(app: TestApp) {
  const policies = app.nest.get(PoliciesService, { strict: false });
  const query = (parameters: Record<string, string | number>) =>
    new URLSearchParams(
      Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]),
    ).toString();
  const get = (
    path: string,
    parameters: Record<string, string | number>,
    options: CallOptions,
  ): Promise<Answer> => app.call('GET', `${policyPath}${path}?${query(parameters)}`, options);

  /** A policy with nothing published; answers its id. */
  const create = async (policy: Partial<NewPolicy> = {}, brandId = 1): Promise<string> =>
    (
      await policies.create(brandId, {
        name: 'Terms',
        type: 'TermsOfService',
        defaultLanguage: 'en',
        domainId: null,
        ...policy,
      })
    ).id;
  const draft = async (id: string, version: string, options: TestVersion = {}): Promise<void> => {
    const { isMaterial = true, effectiveFrom = null, brandId = 1 } = options;
    const texts = options.texts ?? { en: `<p>Version ${version}</p>` };
    await policies.draft(brandId, id, {
      version,
      isMaterial,
      effectiveFrom,
      texts: Object.entries(texts).map(([language, text]) => ({ language, format: 'html' as const, text })),
    });
  };
  const publish = async (id: string, version: string, options: TestVersion = {}): Promise<void> => {
    await draft(id, version, options);
    await policies.publish(options.brandId ?? 1, id, version);
  };
  return {
    create,
    draft,
    publish,
    /** A policy with a version in force. */
    createPublished: async (version = '1', options: TestVersion & Partial<NewPolicy> = {}) => {
      const { isMaterial, effectiveFrom, texts, brandId, ...policy } = options;
      const id = await create(policy, brandId);
      await publish(id, version, {
        ...(isMaterial !== undefined && { isMaterial }),
        ...(effectiveFrom && { effectiveFrom }),
        ...(texts && { texts }),
        ...(brandId !== undefined && { brandId }),
      });
      return id;
    },
    /** As a page posts: without a credential. */
    post: (body: object, options: CallOptions = {}): Promise<Answer> =>
      app.call('POST', policyPath, {
        token: null,
        body: { ConsentGiven: true, Language: 'en', ...body },
        ...options,
      }),
    /** As a service client does, with what its app sends. */
    postMobile: (body: object, options: CallOptions = {}): Promise<Answer> =>
      app.call('POST', policyPath, {
        body: { ConsentGiven: true, Language: 'en', ...mobileFields, ...body },
        ...options,
      }),
    text: (parameters: Record<string, string>, options: CallOptions = {}): Promise<Answer> =>
      get('/policy', parameters, { token: null, ...options }),
    record: (
      clientId: string,
      parameters: Record<string, string>,
      options: CallOptions = {},
    ): Promise<Answer> => get(`/${clientId}`, parameters, { token: null, ...options }),
    given: (parameters: Record<string, string>, options: CallOptions = {}): Promise<Answer> =>
      get('/consent-given', parameters, { token: null, ...options }),
    /** The mobile record, or the list. */
    read: (parameters: Record<string, string | number>, options: CallOptions = {}): Promise<Answer> =>
      get('', parameters, options),
  };
}

/** The hash of a text as events and ETags hold it. */
export const textHash = (html: string): string => hash('sha256', html);
