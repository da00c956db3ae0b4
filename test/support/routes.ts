import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scope } from '../../src/auth/principal.js';
import { developmentSecretKey } from '../../src/config/config.js';
import { LinkTokens } from '../../src/unsubscribe/link-tokens.js';
import { type DocumentedRoute, documentedRoutes, projectFolder } from './api-document.js';

/** The committed list of routes that anybody may call. */
export const publicRoutes = JSON.parse(
  readFileSync(join(projectFolder, 'test', 'architecture', 'public-routes.json'), 'utf8'),
) as string[];

/** The scope that each route asks for, as the contract says. A new route is closed to tests until it stands here. */
export const scopesByRoute: Record<string, Scope> = {
  'GET /userconsents/{userid}': 'consents:read',
  'POST /userconsents/{userid}': 'consents:write',
  'POST /userconsents/import': 'consents:import',
  'POST /userconsents/withdraw': 'consents:write',
  'POST /unsubscribe-links': 'consents:write',
  'GET /userconsents/{userid}/history': 'consents:read',
  'GET /userconsents/{userid}/decision': 'consents:read',
  'GET /userblocks/{userid}': 'consents:read',
  'POST /reconciliation': 'reconciliation:read',
  'POST /reconciliation/products': 'reconciliation:read',
  'POST /reconciliation/compare': 'reconciliation:read',
  'GET /reconciliation/runs': 'reconciliation:read',
  'POST /api/universalconsent': 'universal:write',
  'GET /api/universalconsent': 'universal:read',
  'POST /api/universalconsent/subscribe': 'webhooks:manage',
  'GET /api/universalconsent/subscriptions': 'webhooks:manage',
  'DELETE /api/universalconsent/subscriptions/{id}': 'webhooks:manage',
  'GET /api/universalconsent/subscriptions/{id}/deliveries': 'webhooks:manage',
  'POST /api/universalconsent/subscriptions/{id}/ping': 'webhooks:manage',
  'POST /api/universalconsent/subscriptions/{id}/rotate-secret': 'webhooks:manage',
  'GET /api/subjects/{clientId}/timeline': 'universal:read',
  'GET /api/policyconsent': 'policy:read',
  'POST /api/policies': 'policies:manage',
  'GET /api/policies': 'policies:manage',
  'GET /api/policies/{id}': 'policies:manage',
  'POST /api/policies/{id}/versions': 'policies:manage',
  'POST /api/policies/{id}/versions/{version}/publish': 'policies:manage',
  'GET /api/policies/{id}/versions/{version}/diff/{other}': 'policies:manage',
  'GET /api/policies/{id}/acceptance': 'policies:manage',
  'GET /api/brands/{id}': 'admin',
  'PATCH /api/brands/{id}': 'admin',
  'POST /api/clients': 'admin',
  'GET /api/clients': 'admin',
  'DELETE /api/clients/{id}': 'admin',
  'POST /api/integrations': 'admin',
  'GET /api/integrations': 'admin',
  'DELETE /api/integrations/{id}': 'admin',
  'GET /api/deliveries': 'webhooks:manage',
  'POST /api/deliveries/{id}/redeliver': 'webhooks:manage',
  'GET /metrics': 'admin',
  'PUT /internal/players/{id}': 'players:manage',
  'PUT /internal/players/{id}/blocks': 'players:manage',
  'GET /internal/players/{id}/changes': 'players:manage',
  'GET /internal/players/{id}/export': 'players:manage',
  'POST /internal/sessions': 'sessions:manage',
  'GET /internal/sessions': 'sessions:manage',
  'DELETE /internal/sessions/{id}': 'sessions:manage',
};

const closedRoutes = documentedRoutes.filter(({ name }) => !publicRoutes.includes(name));

/** Routes for service clients. */
export const guardedRoutes: DocumentedRoute[] = closedRoutes.filter(({ path }) => !isGatewayPath(path));

/** Routes for players with a session. */
export const sessionRoutes: DocumentedRoute[] = closedRoutes.filter(({ path }) => isGatewayPath(path));

/** A route whose session stands in its body: no header opens or closes it. */
export const tokenInBody = 'POST /gateway/reg-step-two/{version}/{brand_id}';

/** Methods that do the same as a documented one, by the documented one's name. */
export const alternateVerbs: Record<string, string[]> = {
  'PUT /gateway/player-personal-details/player/details/{version}/{brand_id}': ['POST', 'PATCH'],
  'PUT /gateway/player-personal-details/{version}/custom-fields/{brand_id}': ['POST'],
  'POST /gateway/admission/{version}/resend/activation/email/{brand_id}': ['PUT'],
};

/** Public routes that refuse a wrong credential all the same: those whose document says that a key may come or not. */
export function checksCredential({ name, operation }: DocumentedRoute): boolean {
  const isOptional = operation.security?.some((way) => Object.keys(way).length === 0) ?? false;
  return isOptional && publicRoutes.includes(name);
}

/** Routes that read forms; they have tests of their own. */
export const formRoutes = [
  'POST /unsubscribe/{token}',
  'POST /gateway/admission/{version}/verify/password/{brand_id}',
];

/** Routes that read a body. */
export const bodyRoutes: DocumentedRoute[] = documentedRoutes.filter(
  ({ operation, name }) => 'requestBody' in operation && !formRoutes.includes(name),
);

/** Routes that read a body of any size as it comes, in forms of their own. */
export const streamedRoutes = ['/userconsents/import', '/userconsents/withdraw', '/reconciliation/compare'];

/** How many bytes a route reads, where it is not 100 kB. */
export const longBodies: Record<string, number> = {
  'POST /api/policies/{id}/versions': 5_000_000,
  'POST /unsubscribe-links': 5_000_000,
};

/** Whether a path answers errors as `{error, code}`. */
export function isCrmPath(path: string): boolean {
  return /^\/(userconsents|userblocks|reconciliation|unsubscribe-links)(\/|\?|$)/.test(path);
}

/** Whether a path answers errors as the gateway does. */
export function isGatewayPath(path: string): boolean {
  return /^\/gateway(\/|\?|$)/.test(path);
}

/** Whether a path is what a mailed link leads to, whose secret is in the query. */
export function isLinkPath(path: string): boolean {
  return /^\/gateway\/admission\/[^/]+\/(verify|cancel)\//.test(path);
}

/** Ids of brand 1 that stand in sample requests; by default none that anything can happen to. */
export interface SampleIds {
  player: string;
  client: string;
  integration: string;
  session: string;
  subscription: string;
  /** A ClientId. */
  subject: string;
  policy: string;
}

/** A link of player 1001 to unsubscribe from mail, as tests' applications make them. */
export const sampleLink = new LinkTokens(developmentSecretKey).seal({
  brandId: 1,
  playerId: '1001',
  channel: 1,
  productBit: 0,
  campaign: '',
  issuedOn: 20_000,
});

/** A policy that no brand has. */
export const unknownPolicyId = '01890000-0000-7000-8000-000000000002';

const harmlessIds: SampleIds = {
  player: '1001',
  client: 'client_unknown',
  integration: 'int_unknown',
  session: '01890000-0000-7000-8000-000000000000',
  subscription: '01890000-0000-7000-8000-000000000001',
  subject: 'AB'.repeat(32),
  policy: unknownPolicyId,
};

/** The route's path with ids of brand 1 in it: those that are given, and else harmless ones. */
export function samplePath({ path }: DocumentedRoute, given: Partial<SampleIds> = {}): string {
  const { player, client, integration, session, subscription, subject, policy } = {
    ...harmlessIds,
    ...given,
  };
  const ids: Record<string, string> = {
    '/api/brands/{id}': '1',
    '/api/clients/{id}': client,
    '/api/integrations/{id}': integration,
    '/api/deliveries/{id}/redeliver': '999999999',
    '/internal/sessions/{id}': session,
    '/policies/{id}': policy,
  };
  const idOf = (): string => {
    if (path.startsWith('/api/universalconsent/subscriptions/')) return subscription;
    return path.startsWith('/api/policies/') ? policy : (ids[path] ?? player);
  };
  return path
    .replace('{userid}', player)
    .replace('{clientId}', subject)
    .replace('{integrationId}', integration)
    .replace('{token}', sampleLink)
    .replace('{id}', idOf())
    .replace('{brand_id}', '1')
    .replace('{language}', 'en')
    .replace('{type}', 'tnc')
    .replace('{message_string}', 'general_failure')
    .replace(/\{(version|other)\}/g, '1.0');
}

/** The query that the route cannot do without. */
export function sampleQuery({ path }: DocumentedRoute): string {
  if (path.endsWith('/decision')) return '?channel=email';
  if (path === '/internal/sessions') return '?player_id=1001';
  if (path === '/api/policyconsent') return '';
  if (path === '/api/policyconsent/consent-given')
    return `?ClientId=${harmlessIds.subject}&PolicyId=${unknownPolicyId}`;
  if (path.startsWith('/api/policyconsent/')) return `?PolicyId=${unknownPolicyId}`;
  if (path.endsWith('/consent-given')) return `?ClientId=${harmlessIds.subject}&Reference=callback`;
  if (isLinkPath(path)) return `?hash=${'A'.repeat(43)}`;
  if (path.endsWith('/withdraw')) return '?channel=email&format=ids';
  return path.endsWith('/compare') ? '?field=consent_email' : '';
}

/** A body that the route reads, if it reads one: JSON, and without any effect. */
export function sampleBody(route: DocumentedRoute): { body?: unknown } {
  // The one route that has its brand in there.
  if (route.path.endsWith('/sign/tnc')) return { body: { brand_id: 1 } };
  return bodyRoutes.includes(route) ? { body: {} } : {};
}

/** Bodies that would change something. */
const effects: Record<string, unknown> = {
  'POST /userconsents/{userid}': { consents: [{ type: 'email', opted_in: false }] },
  'POST /api/universalconsent': { ConsentGiven: 'All', Reference: 'taken', ConsentType: 'taken' },
  'POST /api/universalconsent/subscribe': { WebhookUrl: 'http://127.0.0.1:9/taken' },
  'POST /api/policyconsent': { PolicyId: unknownPolicyId, ConsentGiven: true, Language: 'en' },
  'POST /api/policies': { Name: 'taken', Type: 'Cookie', DefaultLanguage: 'en' },
  'POST /api/policies/{id}/versions': {
    Version: '9',
    Texts: [{ Language: 'en', Format: 'html', Text: 'taken' }],
  },
  'PATCH /api/brands/{id}': { name: 'Taken' },
  'POST /api/clients': { name: 'taken', scopes: ['admin'] },
  'POST /api/integrations': { Name: 'taken' },
  'PUT /internal/players/{id}': { origin: 'taken.example' },
  'PUT /internal/players/{id}/blocks': { blocked: { active: true, note: 'taken' } },
  'POST /internal/sessions': { player_id: '1001' },
  'POST /gateway/player-personal-details/player/details/emailUpdate/{version}/{brand_id}': {
    email: 'taken@example.com',
  },
  'PUT /gateway/admission/{version}/player/{brand_id}/change/password': {
    old_password: 'Passw0rd1',
    new_password: 'Taken-passw0rd',
  },
  'POST /gateway/player/multi/{version}/sign/tnc': {
    brand_id: 1,
    player_id: '1001',
    language: 'en',
    type: 'tnc',
  },
};

/** A body that changes something where the caller may. */
export function effectiveBody(route: DocumentedRoute): { body?: unknown } {
  return route.name in effects ? { body: effects[route.name] } : sampleBody(route);
}
