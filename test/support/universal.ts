import type { Answer, CallOptions, TestApp } from './test-app.js';

/** A record as GET prints it. */
export interface UniversalRecord {
  Id: string;
  Created: string;
  LastUpdated: string;
  URI: string | null;
  ConsentGiven: string;
  ConsentType: string;
  Metadata: string | null;
  Reference: string;
  CustomUserId?: string | null;
  ClientId: string;
}

let subjects = 0;

/** An id that no other test of the file uses and that is no player's. */
export const newUserId = () => `user-${++subjects}@example.com`;

/** The routes of universal consent. */
export function universalRoutes(app: TestApp) {
  const path = '/api/universalconsent';
  return {
    post: (body: object, options: CallOptions = {}): Promise<Answer> =>
      app.call('POST', path, {
        body: { ConsentGiven: 'All', Reference: 'callback', ConsentType: 'Call', ...body },
        ...options,
      }),
    claim: (body: object, options: CallOptions = {}): Promise<Answer> =>
      app.call('POST', `${path}/integration/int_demo`, {
        token: null,
        body: { ConsentGiven: 'All', Reference: 'callback', ConsentType: 'Call', ...body },
        ...options,
      }),
    patch: (body: object, options: CallOptions = {}): Promise<Answer> =>
      app.call('PATCH', path, { token: null, body, ...options }),
    get: (clientId: string, reference?: string, options: CallOptions = {}): Promise<Answer> =>
      app.call(
        'GET',
        `${path}/${clientId}${reference === undefined ? '' : `?Reference=${encodeURIComponent(reference)}`}`,
        { token: null, ...options },
      ),
    given: (clientId: string, reference: string, options: CallOptions = {}): Promise<Answer> =>
      app.call(
        'GET',
        `${path}/consent-given?ClientId=${clientId}&Reference=${encodeURIComponent(reference)}`,
        { token: null, ...options },
      ),
    list: (query: Record<string, string | number>, options: CallOptions = {}): Promise<Answer> =>
      app.call(
        'GET',
        `${path}?${new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])).toString()}`,
        options,
      ),
    timeline: (clientId: string, query = '', options: CallOptions = {}): Promise<Answer> =>
      app.call('GET', `/api/subjects/${clientId}/timeline${query}`, options),
  };
}

/** The ClientId that a POST answered. */
export const clientIdOf = (answer: Answer): string => answer.as<{ ClientId: string }>().ClientId;
