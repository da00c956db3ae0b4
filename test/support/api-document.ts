import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type JsonSchema = Record<string, unknown>;

export interface MediaType {
  schema: JsonSchema;
}

export interface Operation {
  operationId: string;
  security?: Record<string, string[]>[];
  parameters: { name: string; in: string; required: boolean }[];
  requestBody?: { content: Record<string, MediaType> };
  responses: Record<string, { content?: Record<string, MediaType> }>;
}

export interface ApiDocument {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema> };
}

/** One route of the document. */
export interface DocumentedRoute {
  /** `GET /userconsents/{userid}` */
  name: string;
  method: string;
  path: string;
  pattern: RegExp;
  operation: Operation;
}

/** The project's folder: where the tests are run from. */
export const projectFolder = process.cwd();

/** The committed openapi.json. */
export const apiDocument = JSON.parse(
  readFileSync(join(projectFolder, 'openapi.json'), 'utf8'),
) as ApiDocument;

/** Every documented route; those without parameters before those with. */
export const documentedRoutes: DocumentedRoute[] = Object.entries(apiDocument.paths)
  .flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{[^}]+\}/g, '[^/]+')}/?$`),
      operation,
    })),
  )
  .sort((a, b) => Number(a.path.includes('{')) - Number(b.path.includes('{')));

/** The documented route that a request goes to. */
export function findRoute(method: string, path: string): DocumentedRoute | undefined {
  const [pathOnly = ''] = path.split('?', 1);
  return documentedRoutes.find((route) => route.method === method && route.pattern.test(pathOnly));
}
