import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Access, accessKey } from '../common/access.js';
import { AppError } from '../common/errors.js';
import type { AuthenticatedRequest } from './auth.decorators.js';
import { type Credential, readCredential } from './credentials.js';
import type { Principal } from './principal.js';
import { ServiceClientsService } from './service-clients.service.js';
import { SessionsService } from './sessions.service.js';

/** The one guard before every route, closed unless the route says otherwise. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly clients: ServiceClientsService,
    private readonly sessions: SessionsService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.getAllAndOverride<Access | undefined>(accessKey, [
      context.getHandler(),
      context.getClass(),
    ]);
    const isPublic = access !== undefined && 'public' in access;
    if (isPublic && !access.checksCredential) return true;
    // The gateway's own guard comes next: it looks at version and brand before it looks at the session.
    if (access !== undefined && 'session' in access) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const credential = readCredential(request.headers);
    if (isPublic && !credential) return true;
    const principal = credential && (await this.identify(credential));
    if (!principal) throw new AppError('unauthorized');
    request.principal = principal;
    if (isPublic) return true;
    if (!access || principal.kind !== 'client') throw new AppError('forbidden');
    if (!principal.scopes.has(access.scope)) {
      throw new AppError('forbidden', `this credential lacks the scope ${access.scope}`);
    }
    return true;
  }

  private async identify(credential: Credential): Promise<Principal | null> {
    if (credential.clientId === undefined && SessionsService.isToken(credential.secret)) {
      const player = await this.sessions.verify(credential.secret);
      if (player) return player;
    }
    return this.clients.verify(credential);
  }
}
