import {
  applyDecorators,
  Controller,
  createParamDecorator,
  type ExecutionContext,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { ApiParam, ApiQuery, ApiSecurity, ApiTags } from '@nestjs/swagger';
import type { BrandSettings } from '../brands/brand-settings.js';
import { type Access, accessKey, Public } from '../common/access.js';
import { AppError } from '../common/errors.js';
import {
  type BrandPlace,
  brandPlaceKey,
  type GatewayCodeToken,
  GatewayGuard,
  type GatewayRequest,
  type GatewaySession,
} from './gateway.guard.js';

/** A controller of routes under /gateway; each of its routes says RequireSession or OpenGateway. */
export function GatewayController(path: string): ClassDecorator {
  return applyDecorators(ApiTags('Personal details'), Controller(`gateway/${path}`), UseGuards(GatewayGuard));
}

/** Players with a live session of the brand may call this route. */
export function RequireSession(brandIn: BrandPlace = 'path'): MethodDecorator {
  return applyDecorators(
    SetMetadata<symbol, Access>(accessKey, { session: true }),
    ApiSecurity('session'),
    takesBrand(brandIn),
  );
}

/** What stands in the path opens this route; a session that comes with it must be live, and `@OptionalSession()` says whose it is. */
export function OpenByPath(): MethodDecorator {
  return applyDecorators(
    SetMetadata<symbol, Access>(accessKey, { session: 'if sent' }),
    ApiSecurity('session'),
    ApiSecurity({}),
    takesBrand('path'),
  );
}

/** Whoever has a token that waits for a code may call this route: a log-in's alone, any other with the player's session. */
export function RequireCodeToken(): MethodDecorator {
  return applyDecorators(
    SetMetadata<symbol, Access>(accessKey, { session: 'with code token' }),
    ApiSecurity({ '2fa-auth-token': [] }),
    ApiSecurity({ '2fa-auth-token': [], session: [] }),
    takesBrand('path'),
  );
}

/** Anybody may call this route, and what token comes with it does not matter. Also to be listed in test/architecture/public-routes.json. */
export function OpenGateway(brandIn: BrandPlace = 'path'): MethodDecorator {
  return applyDecorators(Public(), takesBrand(brandIn));
}

function takesBrand(place: BrandPlace): MethodDecorator {
  const description = 'The id of the brand.';
  return applyDecorators(
    SetMetadata<symbol, BrandPlace>(brandPlaceKey, place),
    ApiParam({ name: 'version', description: '1.0, v1 or 1.', schema: { type: 'string' }, example: '1.0' }),
    ...(place === 'path'
      ? [ApiParam({ name: 'brand_id', description, schema: { type: 'integer' }, example: 1 })]
      : []),
    ...(place === 'query'
      ? [ApiQuery({ name: 'brand_id', required: false, schema: { type: 'integer' } })]
      : []),
  );
}

/** The session behind the request; only on routes with RequireSession. */
export const Session = createParamDecorator((_data: unknown, context: ExecutionContext): GatewaySession => {
  const session = context.switchToHttp().getRequest<GatewayRequest>().gateway?.session;
  if (!session) throw new AppError('unauthorized');
  return session;
});

/** The session that came with the request; null where none did. Only on routes with OpenByPath. */
export const OptionalSession = createParamDecorator(
  (_data: unknown, context: ExecutionContext): GatewaySession | null =>
    context.switchToHttp().getRequest<GatewayRequest>().gateway?.session ?? null,
);

/** The token behind the request; only on routes with RequireCodeToken. */
export const CodeTokenOf = createParamDecorator(
  (_data: unknown, context: ExecutionContext): GatewayCodeToken => {
    const token = context.switchToHttp().getRequest<GatewayRequest>().gateway?.codeToken;
    if (!token) throw new AppError('unauthorized');
    return token;
  },
);

/** The brand that the request names; null where it may leave it out and does. */
export const OptionalBrand = createParamDecorator(
  (_data: unknown, context: ExecutionContext): BrandSettings | null =>
    context.switchToHttp().getRequest<GatewayRequest>().gateway?.brand ?? null,
);

/** The brand that the request names; only where it must. */
export const Brand = createParamDecorator((_data: unknown, context: ExecutionContext): BrandSettings => {
  const brand = context.switchToHttp().getRequest<GatewayRequest>().gateway?.brand;
  if (!brand) throw new AppError('invalid_input');
  return brand;
});
