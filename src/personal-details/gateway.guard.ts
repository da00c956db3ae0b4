import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { readCredential } from '../auth/credentials.js';
import { SessionsService } from '../auth/sessions.service.js';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { type Access, accessKey } from '../common/access.js';
import { AppError } from '../common/errors.js';
import { type CodeToken, CodeTokensService } from '../players/code-tokens.service.js';

export const brandPlaceKey = Symbol('brandPlace');

/** Where a route has its brand_id; of a query it need not be there. */
export type BrandPlace = 'path' | 'body' | 'query';

/** A player's live session, and the brand it is in. */
export interface GatewaySession {
  brand: BrandSettings;
  playerId: string;
  sessionId: string;
}

/** A token that waits for its code, and the session that comes with it where it is not a log-in's. */
export interface GatewayCodeToken extends CodeToken {
  brand: BrandSettings;
  sessionToken?: string;
}

export type GatewayRequest = FastifyRequest & {
  gateway?: { brand?: BrandSettings; session?: GatewaySession; codeToken?: GatewayCodeToken };
};

const versions = new Set(['1.0', 'v1', '1']);
const brandIdPattern = /^[1-9]\d{0,8}$/;
const invalidBrand = () =>
  new AppError('invalid_input', undefined, [], { answer: { errMsg: 'invalid input - invalid brand id' } });

/** What every route of the gateway begins with, in this order: the version, the brand, and the session or token where one is needed. */
@Injectable()
export class GatewayGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly brands: BrandCatalogue,
    private readonly sessions: SessionsService,
    private readonly codeTokens: CodeTokensService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<GatewayRequest>();
    const params = request.params as Record<string, string | undefined>;
    if (!versions.has(params.version ?? '')) throw new AppError('invalid_input');
    const place = this.reflector.get<BrandPlace | undefined>(brandPlaceKey, context.getHandler()) ?? 'path';
    const brandId = readBrandId(request, place);
    if (brandId === undefined && place === 'query') {
      request.gateway = {};
      return true;
    }
    const brand = brandIdPattern.test(brandId ?? '') ? await this.brands.find(Number(brandId)) : null;
    if (!brand) throw invalidBrand();
    request.gateway = { brand };
    const access = this.reflector.get<Access | undefined>(accessKey, context.getHandler());
    if (access === undefined || !('session' in access)) return true;
    if (access.session === 'with code token') {
      request.gateway.codeToken = await this.findCodeToken(request, brand);
    } else if (access.session === true || request.headers['x-auth-token'] !== undefined) {
      request.gateway.session = await this.findSession(request, brand);
    }
    return true;
  }

  private async findCodeToken(request: FastifyRequest, brand: BrandSettings): Promise<GatewayCodeToken> {
    const token = request.headers['2fa-auth-token'];
    const isToken = typeof token === 'string' && SessionsService.isToken(token);
    const found = isToken ? await this.codeTokens.find(brand.id, token.toLowerCase()) : null;
    if (!found) throw new AppError('unauthorized');
    if (found.isLogin) return { ...found, brand };
    const { playerId } = await this.findSession(request, brand);
    if (playerId !== found.playerId) throw new AppError('unauthorized');
    return { ...found, brand, sessionToken: String(request.headers['x-auth-token']) };
  }

  private async findSession({ headers }: FastifyRequest, brand: BrandSettings): Promise<GatewaySession> {
    // Refuses a request with another credential beside it.
    readCredential(headers);
    const token = headers['x-auth-token'];
    const isToken = typeof token === 'string' && SessionsService.isToken(token);
    const player = isToken ? await this.sessions.verify(token) : null;
    if (player?.brandId !== brand.id) throw new AppError('unauthorized');
    return { brand, playerId: player.playerId, sessionId: player.sessionId };
  }
}

/** The brand_id as text; undefined where it is left out. What is neither text nor number is no brand's. */
function readBrandId({ params, body, query }: FastifyRequest, place: BrandPlace): string | undefined {
  const source = { path: params, body, query }[place] as Record<string, unknown> | null | undefined;
  const value = source?.brand_id;
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  return value === undefined ? undefined : '';
}
