/** What a service client may be allowed to do. */
export const scopes = [
  'consents:read',
  'consents:write',
  'consents:import',
  'reconciliation:read',
  'universal:read',
  'universal:write',
  'policy:read',
  'policy:write',
  'policies:manage',
  'webhooks:manage',
  'players:manage',
  'sessions:manage',
  'admin',
] as const;
export type Scope = (typeof scopes)[number];

/** An internal service or the CRM, by its API key. */
export interface ClientPrincipal {
  kind: 'client';
  clientId: string;
  brandId: number;
  scopes: ReadonlySet<string>;
}

/** A player, by a session. */
export interface PlayerPrincipal {
  kind: 'player';
  sessionId: string;
  playerId: string;
  brandId: number;
}

export type Principal = ClientPrincipal | PlayerPrincipal;
