import 'reflect-metadata';
import type { DynamicModule, Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Pool, type QueryResultRow } from 'pg';
import type { Logger } from 'pino';
import { AppModule } from '../../src/app.module.js';
import { AuthModule } from '../../src/auth/auth.module.js';
import type { Scope } from '../../src/auth/principal.js';
import { createLogger } from '../../src/common/logger.js';
import { readConfig } from '../../src/config/config.js';
import { seedDemoData } from '../../src/demo-data.js';
import { setupApp } from '../../src/setup-app.js';
import { checkAnswer } from './contract-check.js';
import { type HttpAnswer, HttpClient } from './http.js';
import { createDatabase, type TestDatabase } from './test-database.js';

/** The keys of the demo data: every scope in brand 1, and in brand 2. */
export const demoKey = 'demo-service-key';
export const otherBrandKey = 'demo-service-key-2';

export interface TestAppOptions {
  /** Environment variables beside the ones every test has. */
  environment?: Record<string, string>;
  /** Where the application finds its database, if not straight at it. */
  databaseUrl?: string;
  /** A database that is there already, which stays when the application is closed. */
  database?: TestDatabase;
  logger?: Logger;
  /** Routes of the test's own, served beside the application's. They are in no document: call them `offDocument`. */
  controllers?: Type<unknown>[];
  /** Whether what is in the outbox leaves; default false, so that tests can look at it. */
  deliveries?: boolean;
}

export interface CallOptions {
  /** Sent as x-auth-token; null for none. Default: the demo client's key. */
  token?: string | null;
  headers?: Record<string, string | string[]>;
  /** A text or buffer goes as it is, anything else as JSON. */
  body?: unknown;
  /** The request is to a route, or by a method, that openapi.json does not know. */
  offDocument?: boolean;
}

export interface Answer extends HttpAnswer {
  /** The parsed body; undefined when it is not JSON. */
  json: unknown;
  /** The parsed body as what the test takes it for. */
  as<T>(): T;
}

export interface ServiceKey {
  id: string;
  key: string;
}

export interface OpenedSession {
  id: string;
  auth_token: string;
  expires_at: string;
}

/** The application as main.ts builds it, on a database of its own, reached over HTTP. */
export class TestApp {
  readonly http: HttpClient;
  private readonly superuser: Pool;

  constructor(
    readonly nest: NestFastifyApplication,
    readonly database: TestDatabase,
    readonly url: string,
    private readonly prefix: string,
    private readonly ownsDatabase: boolean,
  ) {
    const { hostname, port } = new URL(url);
    this.http = new HttpClient(hostname, Number(port));
    this.superuser = new Pool({ connectionString: database.superuserUrl, max: 4 });
    this.superuser.on('error', () => undefined);
  }

  /** One request over HTTP. Its answer is held against openapi.json; see checkAnswer. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { token = demoKey, headers = {}, body, offDocument = false } = options;
    const isPlain = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
    const answer = await this.http.send({
      method,
      path: this.prefix + path,
      headers: {
        ...(token !== null && { 'x-auth-token': token }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: isPlain ? body : JSON.stringify(body),
    });
    if (method !== 'HEAD') checkAnswer(method, path, answer, offDocument);
    const isJson = /json/.test(answer.headers['content-type'] ?? '') && answer.text !== '';
    const json: unknown = isJson ? JSON.parse(answer.text) : undefined;
    return { ...answer, json, as: <T>() => json as T };
  }

  /** Rows of a statement run by the superuser, past the service. */
  async sql<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.superuser.query<Row>(text, values)).rows;
  }

  /** A new service client with just these scopes. */
  async createClient(scopes: Scope[], token = demoKey): Promise<ServiceKey> {
    const answer = await this.call('POST', '/api/clients', { token, body: { name: 'test', scopes } });
    return answer.as<ServiceKey>();
  }

  /** A new session of a known player. */
  async openSession(playerId: string, token = demoKey, ttl?: number): Promise<OpenedSession> {
    const body = { player_id: playerId, ...(ttl !== undefined && { ttl }) };
    return (await this.call('POST', '/internal/sessions', { token, body })).as<OpenedSession>();
  }

  /** How many rows each table has that a request could write to. */
  async countRows(): Promise<Record<string, number>> {
    const [row] = await this.sql<Record<string, number>>(`
      select (select count(*)::integer from marketing_states) as marketing_states,
        (select count(*)::integer from consent_events) as consent_events,
        (select count(*)::integer from event_evidence) as event_evidence,
        (select count(*)::integer from outbox) as outbox,
        (select count(*)::integer from subjects) as subjects,
        (select count(*)::integer from universal_consents) as universal_consents,
        (select count(*)::integer from policies) as policies,
        (select count(*)::integer from policy_versions) as policy_versions,
        (select count(*)::integer from policy_consents) as policy_consents,
        (select count(*)::integer from webhook_subscriptions) as webhook_subscriptions,
        (select count(*)::integer from idempotency_keys) as idempotency_keys,
        (select count(*)::integer from players) as players,
        (select count(*)::integer from player_blocks) as player_blocks,
        (select count(*)::integer from player_changes) as player_changes,
        (select count(*)::integer from player_codes) as player_codes,
        (select count(*)::integer from player_links) as player_links,
        (select count(*)::integer from player_custom_fields) as player_custom_fields,
        (select count(*)::integer from sessions) as sessions,
        (select count(*)::integer from service_clients) as service_clients,
        (select count(*)::integer from integrations) as integrations,
        (select count(*)::integer from access_tokens) as access_tokens`);
    return row ?? {};
  }

  async close(): Promise<void> {
    this.http.close();
    await this.nest.close();
    await this.superuser.end();
    if (this.ownsDatabase) await this.database.drop();
  }
}

class WithOwnRoutes {}

/** Builds and starts the application with the demo data, on a fresh clone of the template database. */
export async function createTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const database = options.database ?? (await createDatabase());
  const config = readConfig({
    NODE_ENV: 'test',
    DATABASE_URL: options.databaseUrl ?? database.serviceUrl,
    LOG_LEVEL: 'silent',
    ...options.environment,
  });
  config.runsDeliveries = options.deliveries ?? false;
  const logger = options.logger ?? createLogger(config.LOG_LEVEL, config.LOG_FORMAT);
  const application = AppModule.forRoot(config, config.DATABASE_URL ?? '');
  const module: DynamicModule = options.controllers
    ? { module: WithOwnRoutes, imports: [application, AuthModule], controllers: options.controllers }
    : application;
  const nest = await setupApp(module, config, logger);
  await seedDemoData(nest);
  await nest.listen(0, '127.0.0.1');
  const url = await nest.getUrl();
  return new TestApp(nest, database, url, config.PATH_PREFIX, options.database === undefined);
}
