import { SetMetadata } from '@nestjs/common';

export const accessKey = Symbol('access');

/** Who may call a route: anybody, or a service client with the scope. A route that says nothing is closed to all. */
export type Access = { public: true } | { scope: string };

/** Anybody may call this route. Also to be listed in test/architecture/public-routes.json. */
export const Public = () => SetMetadata<symbol, Access>(accessKey, { public: true });
