import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiOptionalKeyAuth } from './api-answers.dto.js';
import { AddRouteConfig } from './route-config.js';

export const accessKey = Symbol('access');

/**
 * Who may call a route: anybody (whose credential, if there is one, is looked at or not), a service client with the scope, or
 * a player: with a session, with one that may be left out, or with a token that waits for a code. A route that says nothing is
 * closed to all.
 */
export type Access =
  | { public: true; checksCredential?: true }
  | { scope: string }
  | { session: true | 'if sent' | 'with code token' };

/** Anybody may call this route, and what credential comes with it does not matter. Also to be listed in test/architecture/public-routes.json. */
export const Public = (): MethodDecorator => open({ public: true });

/**
 * Anybody may call this route, but a credential that is there must be right. Whose it is, `@Caller()` says. Also to be
 * listed in test/architecture/public-routes.json.
 */
export const PublicApi = (): MethodDecorator =>
  applyDecorators(open({ public: true, checksCredential: true }), ApiOptionalKeyAuth());

function open(access: Access): MethodDecorator {
  return applyDecorators(SetMetadata<symbol, Access>(accessKey, access), AddRouteConfig({ isPublic: true }));
}
