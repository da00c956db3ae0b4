import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiOptionalKeyAuth } from './api-answers.dto.js';

export const accessKey = Symbol('access');

/**
 * Who may call a route: anybody (whose credential, if there is one, is looked at or not), or a service client with the
 * scope. A route that says nothing is closed to all.
 */
export type Access = { public: true; checksCredential?: true } | { scope: string };

/** Anybody may call this route, and what credential comes with it does not matter. Also to be listed in test/architecture/public-routes.json. */
export const Public = () => SetMetadata<symbol, Access>(accessKey, { public: true });

/**
 * Anybody may call this route, but a credential that is there must be right. Whose it is, `@Caller()` says. Also to be
 * listed in test/architecture/public-routes.json.
 */
export const PublicApi = (): MethodDecorator =>
  applyDecorators(
    SetMetadata<symbol, Access>(accessKey, { public: true, checksCredential: true }),
    ApiOptionalKeyAuth(),
  );
