import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, type Repository } from 'typeorm';
import { AppError } from '../common/errors.js';
import { sha256 } from '../common/secrets.js';
import { Database } from '../database/database.js';
import { AccessToken } from '../database/entities/access-token.entity.js';
import { ServiceClient } from '../database/entities/service-client.entity.js';
import type { Credential } from './credentials.js';
import type { ClientPrincipal } from './principal.js';

const cacheMs = 5000;
const cacheSize = 10_000;
export const accessTokenSeconds = 7200;

const findByHash = {
  name: 'find_client_by_hash',
  text: `
    select c.id, c.brand_id, c.scopes, c.key_hash as hash, null::timestamptz as expires_at
    from service_clients c where c.key_hash = $1 and c.revoked_at is null
    union all
    select c.id, c.brand_id, c.scopes, t.token_hash, t.expires_at
    from access_tokens t join service_clients c on c.brand_id = t.brand_id and c.id = t.client_id
    where t.token_hash = $1 and t.expires_at > now() and c.revoked_at is null`,
};

interface ClientRow {
  id: string;
  brand_id: number;
  scopes: string[];
  hash: Buffer;
  expires_at: Date | null;
}

/** Creates, verifies and revokes service clients. Verified ones are remembered for 5 s; a revocation here is seen at once. */
@Injectable()
export class ServiceClientsService {
  private readonly verified = new Map<string, { principal: ClientPrincipal; until: number }>();

  constructor(
    private readonly database: Database,
    @InjectRepository(ServiceClient) private readonly clients: Repository<ServiceClient>,
    @InjectRepository(AccessToken) private readonly tokens: Repository<AccessToken>,
  ) {}

  /** The client whose key or access token this is, or null. With an id (HTTP Basic) it must be that client's. */
  async verify({ secret, clientId }: Credential): Promise<ClientPrincipal | null> {
    const hash = sha256(secret);
    const cacheKey = hash.toString('latin1');
    const known = this.verified.get(cacheKey);
    const principal = known && known.until > Date.now() ? known.principal : await this.lookUp(hash, cacheKey);
    if (!principal || (clientId !== undefined && clientId !== principal.clientId)) return null;
    return principal;
  }

  private async lookUp(hash: Buffer, cacheKey: string): Promise<ClientPrincipal | null> {
    this.verified.delete(cacheKey);
    const askedAt = Date.now();
    const [row] = await this.database.prepared<ClientRow>(findByHash, [hash]);
    if (!row || !timingSafeEqual(row.hash, hash)) return null;
    const principal: ClientPrincipal = {
      kind: 'client',
      clientId: row.id,
      brandId: row.brand_id,
      scopes: new Set(row.scopes),
    };
    if (this.verified.size >= cacheSize) this.verified.clear();
    if (askedAt > this.revokedAt) {
      const until = Math.min(askedAt + cacheMs, row.expires_at?.getTime() ?? Number.POSITIVE_INFINITY);
      this.verified.set(cacheKey, { principal, until });
    }
    return principal;
  }

  /** When this instance last revoked: a look-up begun before must not be remembered after. */
  private revokedAt = 0;

  /** A new client of the brand, and its key: the only time anybody sees it. */
  async create(brandId: number, name: string, scopes: string[]): Promise<{ id: string; key: string }> {
    const id = `client_${randomBytes(9).toString('base64url')}`;
    const key = `pck_${randomBytes(32).toString('base64url')}`;
    await this.clients.insert({ id, brandId, name, scopes, keyHash: sha256(key) });
    return { id, key };
  }

  /** The brand's clients that are not revoked, by id. */
  list(brandId: number): Promise<ServiceClient[]> {
    return this.clients.find({ where: { brandId, revokedAt: IsNull() }, order: { id: 'ASC' } });
  }

  /** Revokes a client of the brand: at once here, within 5 s on other instances. not_found when there is none. */
  async revoke(brandId: number, id: string): Promise<void> {
    const { affected } = await this.clients.update(
      { brandId, id, revokedAt: IsNull() },
      { revokedAt: new Date() },
    );
    if (!affected) throw new AppError('not_found', 'there is no such client');
    this.revokedAt = Date.now();
    for (const [key, { principal }] of this.verified)
      if (principal.clientId === id) this.verified.delete(key);
  }

  /** An access token for a client that has proved itself; kept as its hash. */
  async issueToken(client: ClientPrincipal): Promise<string> {
    const token = `pct_${randomBytes(32).toString('base64url')}`;
    const expiresAt = new Date(Date.now() + accessTokenSeconds * 1000);
    await this.tokens.insert({
      tokenHash: sha256(token),
      brandId: client.brandId,
      clientId: client.clientId,
      expiresAt,
    });
    return token;
  }
}
