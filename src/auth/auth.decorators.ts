import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type Access, accessKey } from '../common/access.js';
import { AppError } from '../common/errors.js';
import type { ClientPrincipal, Principal, Scope } from './principal.js';

/** Service clients with this scope may call this route. */
export const RequireScope = (scope: Scope) => SetMetadata<symbol, Access>(accessKey, { scope });

export type AuthenticatedRequest = FastifyRequest & { principal?: Principal };

/** Who presented a credential, or null; on routes with PublicApi, where nobody has to. */
export const Caller = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Principal | null =>
    context.switchToHttp().getRequest<AuthenticatedRequest>().principal ?? null,
);

/** The service client behind the request; only on routes with RequireScope. */
export const Client = createParamDecorator((_data: unknown, context: ExecutionContext): ClientPrincipal => {
  const { principal } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (principal?.kind !== 'client') throw new AppError('forbidden');
  return principal;
});
