import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GUARDS_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import { type Access, accessKey } from '../../src/common/access.js';
import { apiDocument, type DocumentedRoute, documentedRoutes } from '../support/api-document.js';
import { GatewayGuard } from '../../src/personal-details/gateway.guard.js';
import { alternateVerbs, checksCredential, publicRoutes, samplePath } from '../support/routes.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

interface Handler {
  /** `BrandsController.readBrand` */
  name: string;
  operationId: string;
  access: Access | undefined;
  guards: unknown[];
}

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

/** Every method of every controller that answers requests, with what its decorators say of who may call. */
function listHandlers(): Handler[] {
  const controllers = [...app.nest.get(ModulesContainer).values()].flatMap((module) => [
    ...module.controllers.values(),
  ]);
  return controllers.flatMap(({ metatype }) => {
    const prototype = (metatype as { prototype: Record<string, object> }).prototype;
    return Object.getOwnPropertyNames(prototype)
      .filter((name) => name !== 'constructor' && Reflect.hasMetadata('method', prototype[name] ?? {}))
      .map((name) => ({
        name: `${(metatype as { name: string }).name}.${name}`,
        operationId: name,
        access:
          (Reflect.getMetadata(accessKey, prototype[name] ?? {}) as Access | undefined) ??
          (Reflect.getMetadata(accessKey, metatype as object) as Access | undefined),
        guards: (Reflect.getMetadata(GUARDS_METADATA, metatype as object) ?? []) as unknown[],
      }));
  });
}

/** Every route that the HTTP server answers, as `GET /userconsents/{userid}`. */
function listServedRoutes(): string[] {
  const fastify = app.nest.getHttpAdapter().getInstance() as unknown as {
    printRoutes(options: { commonPrefix: boolean }): string;
  };
  const labels: string[] = [];
  return fastify
    .printRoutes({ commonPrefix: true })
    .split('\n')
    .flatMap((line) => {
      const [, indent, label, , methods] =
        /^([│├└─\s]*── )(\(empty root node\)|\S+)( \(([A-Z, ]+)\))?$/.exec(line) ?? [];
      if (indent === undefined || label === undefined) return [];
      labels.splice(indent.length / 4 - 1, Number.POSITIVE_INFINITY, label.startsWith('(') ? '' : label);
      const path = labels.join('').replaceAll(/:(\w+)/g, '{$1}');
      return (methods?.split(', ') ?? []).map((method) => `${method} ${path}`);
    });
}

describe('every route', () => {
  it('says who may call it', () => {
    const handlers = listHandlers();
    expect(handlers.length).toBeGreaterThanOrEqual(documentedRoutes.length);
    expect(handlers.filter(({ access }) => access === undefined)).toEqual([]);
  });

  it('has the gateway’s guard if it wants a session', () => {
    const handlers = listHandlers().filter(({ access }) => access && 'session' in access);
    expect(handlers.length).toBeGreaterThan(0);
    expect(handlers.filter(({ guards }) => !guards.includes(GatewayGuard))).toEqual([]);
  });

  it('is public only if it stands in public-routes.json', () => {
    const handlers = listHandlers().filter(({ access }) => access && 'public' in access);
    const listed = documentedRoutes.filter(({ name }) => publicRoutes.includes(name));
    expect(handlers).toHaveLength(listed.length);
    expect([...publicRoutes].sort()).toEqual(publicRoutes);
  });

  it('is documented as looking at a credential exactly if it does', () => {
    const looking = listHandlers().filter(
      ({ access }) => access && 'public' in access && access.checksCredential,
    );
    const documented = documentedRoutes
      .filter(checksCredential)
      .map(({ operation }) => operation.operationId);
    expect(documented.sort()).toEqual(looking.map(({ operationId }) => operationId).sort());
  });

  it('is documented, or one of the reference page’s files', () => {
    const served = listServedRoutes().filter((name) => !/^(HEAD|OPTIONS) /.test(name));
    const alternates = Object.entries(alternateVerbs).flatMap(([name, verbs]) =>
      verbs.map((verb) => name.replace(/^\w+/, verb)),
    );
    expect(served).toEqual(expect.arrayContaining(alternates));
    const documented = documentedRoutes.map(({ name }) => name);
    const page = (name: string) => /^GET \/docs(\/.+)?$/.test(name);
    const own = served.filter((name) => !alternates.includes(name));
    expect(own.filter((name) => !page(name) && !publicRoutes.includes(name)).sort()).toEqual(
      documented.filter((name) => !publicRoutes.includes(name)).sort(),
    );
    const open = own
      .filter((name) => !documented.includes(name))
      .map((name) => (/^GET \/docs\//.test(name) ? 'GET /docs/*' : name));
    const listed = publicRoutes.filter((name) => !documented.includes(name));
    expect([...new Set(open)].sort()).toEqual(listed);
    expect(documented).toEqual(expect.arrayContaining(publicRoutes.filter((name) => !listed.includes(name))));
  });

  it('refers to schemas by plain names, and with nothing beside: all that the reference page reads', () => {
    const others: string[] = [];
    const found: string[] = [];
    JSON.stringify(apiDocument, (_key, value: unknown) => {
      if (typeof value !== 'object' || value === null || !('$ref' in value)) return value;
      const { $ref: reference, ...beside } = value;
      const isPlain = /^#\/components\/schemas\/\w+$/.test(String(reference));
      (isPlain && Object.keys(beside).length === 0 ? found : others).push(String(reference));
      return value;
    });
    expect(found.length).toBeGreaterThan(100);
    expect(others).toEqual([]);
  });

  it('has a preflight only if pages may call it', () => {
    const isForPages = ({ name, path }: DocumentedRoute) =>
      path.startsWith('/gateway/') || (path.startsWith('/api/') && publicRoutes.includes(name));
    const expected = documentedRoutes.filter(isForPages).map(({ path }) => `OPTIONS ${path}`);
    const served = listServedRoutes().filter((name) => name.startsWith('OPTIONS '));
    // `*` is the plugin's own, and answers not found.
    expect(served.sort()).toEqual([...new Set(['OPTIONS *', ...expected])].sort());
  });

  it('is guarded for HEAD as well', async () => {
    for (const route of documentedRoutes.filter(({ method }) => method === 'GET')) {
      const { status } = await app.call('HEAD', samplePath(route), { token: null });
      const open = publicRoutes.includes(route.name);
      expect([route.name, status === 401]).toEqual([route.name, !open]);
    }
  });
});
