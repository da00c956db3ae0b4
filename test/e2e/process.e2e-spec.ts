import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { sha256 } from '../../src/common/secrets.js';
import { printed } from '../support/consents.js';
import { crmError, errorText } from '../support/errors.js';
import type { HttpAnswer } from '../support/http.js';
import { ServiceProcess } from '../support/service-process.js';
import { createTestApp, demoKey, type TestApp } from '../support/test-app.js';
import { createDatabase, runStatements, type TestDatabase } from '../support/test-database.js';

const exitConfig = 78;
const ownKey = 'a-key-of-my-own';
const secretKeys = 'a key for production of sixteen and more';

let database: TestDatabase;
let patient: TestApp;
let slow: Promise<HttpAnswer>;
const running = new Set<ServiceProcess>();

beforeAll(async () => {
  database = await createDatabase();
  patient = await createTestApp();
  slow = sendSlowly(patient.url, '/userconsents/1001');
  const until = new Date(Date.now() + 5_000).toISOString();
  const excluded = { active: true, note: '', until };
  expect((await patient.call('PUT', '/internal/players/1002/blocks', { body: { excluded } })).status).toBe(
    200,
  );
});
afterAll(async () => {
  for (const service of running) service.signal('SIGKILL');
  await Promise.all([...running].map(({ ended }) => ended));
  await database?.drop();
  await patient?.close();
});

/** Begins a body and never ends it. */
function sendSlowly(url: string, path: string): Promise<HttpAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const headers = { 'x-auth-token': demoKey, 'content-type': 'application/json', 'content-length': '1000' };
    const outgoing = request({ hostname, port, method: 'POST', path, headers }, (incoming) => {
      let text = '';
      incoming.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }),
      );
    });
    outgoing.on('error', reject);
    outgoing.write('{"consents":');
  });
}

function start(environment: Record<string, string> = {}): ServiceProcess {
  const service = new ServiceProcess({
    DATABASE_URL: database.serviceUrl,
    DATABASE_MIGRATION_URL: database.ownerUrl,
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'json',
    ...environment,
  });
  running.add(service);
  return service;
}

const productionStart = (environment: Record<string, string> = {}) =>
  start({ NODE_ENV: 'production', SECRET_KEYS: secretKeys, ...environment });
const get = (path: string, token = demoKey) => ({ method: 'GET', path, headers: { 'x-auth-token': token } });

describe('a start in development', () => {
  it('fills an empty database, says where to go and with which token, and stops when asked', async () => {
    const service = start({ DEMO_SERVICE_KEY: ownKey });
    const client = await service.ready();
    const url = / is ready on (\S+)/.exec(service.output)?.[1];
    expect(service.output).toContain(`API reference   ${url}/docs\n`);
    expect(service.output).toContain('Token to try    x-auth-token: a-key-of-my-own\n');
    expect((await client.send(get('/userconsents/1003', ownKey))).text).toBe(printed({ sms: ['lottery'] }));
    client.close();
    expect(await service.stop()).toBe(0);
  });

  it('finds the data of the one before, and takes the key it is given', async () => {
    await runStatements(database.superuserUrl, [`update brands set name = 'Kept' where id = 1`]);
    const service = start({ PATH_PREFIX: '/fasttrack' });
    const client = await service.ready();
    expect(service.output).toMatch(/API reference {3}http:\/\/127\.0\.0\.1:\d+\/fasttrack\/docs\n/);
    const brand = await client.send(get('/fasttrack/api/brands/1'));
    expect(brand.text).toContain('"name":"Kept"');
    client.close();
    service.signal('SIGINT');
    expect(await service.ended).toBe(0);
  });
});

describe('a start that cannot be', () => {
  it('exits 78 naming every bad value', async () => {
    const bad = start({ PORT: 'http', LOG_LEVEL: 'loud', DATABASE_URL: 'mysql://db' });
    const unfit = start({ NODE_ENV: 'production', DATABASE_URL: '' });
    expect([await bad.ended, await unfit.ended]).toEqual([exitConfig, exitConfig]);
    for (const name of ['PORT', 'LOG_LEVEL', 'DATABASE_URL']) expect(bad.output).toContain(name);
    for (const name of ['DATABASE_URL', 'SECRET_KEYS']) expect(unfit.output).toContain(name);
  });

  it('exits 78 in production when the service’s role could rewrite the ledger', async () => {
    const services = [database.ownerUrl, database.superuserUrl].map((url) =>
      productionStart({ DATABASE_URL: url }),
    );
    for (const service of services) {
      expect(await service.ended).toBe(exitConfig);
      expect(service.output).toContain('DATABASE_URL');
    }
  });

  it('exits 78 in production on a schema older than the release, and migrates nothing', async () => {
    const empty = await createDatabase({ empty: true });
    const service = productionStart({
      DATABASE_URL: empty.serviceUrl,
      DATABASE_MIGRATION_URL: empty.ownerUrl,
    });
    expect(await service.ended).toBe(exitConfig);
    expect(service.output).toMatch(/InitialSchema\d+/);
    expect(service.output).toContain('player-consent migrate');
    const client = new Client({ connectionString: empty.superuserUrl });
    await client.connect();
    const { rows } = await client.query(`select from pg_class where relnamespace = 'public'::regnamespace`);
    expect(rows).toEqual([]);
    await client.end();
    await empty.drop();
  });

  it('exits 1 without giving the password away when the database is not there', async () => {
    const service = start({
      DATABASE_URL: 'postgres://u:very-secret@127.0.0.1:1/none',
      DATABASE_MIGRATION_URL: '',
    });
    expect(await service.ended).toBe(1);
    expect(service.output).not.toContain('very-secret');
    expect(service.output.trim().length).toBeGreaterThan(0);
  });
});

describe('a start in production', () => {
  it('makes no demo data, opens nothing to the demo key, and gives no token away', async () => {
    const empty = await createDatabase();
    const service = productionStart({
      DATABASE_URL: empty.serviceUrl,
      DATABASE_MIGRATION_URL: empty.ownerUrl,
    });
    const client = await service.ready();
    const answer = await client.send(get('/userconsents/1001'));
    expect(answer.status).toBe(401);
    expect(answer.headers['strict-transport-security']).toMatch(/^max-age=\d+/);
    expect(service.output).not.toContain(demoKey);
    client.close();
    service.signal('SIGTERM');
    service.signal('SIGKILL');
    await service.ended;
    await empty.drop();
  });

  it('exits 78 on a database with the demo data, whose keys everybody knows', async () => {
    const service = productionStart();
    expect(await service.ended).toBe(exitConfig);
    expect(service.output).toContain('DATABASE_URL');
  });

  it('ends what is under way: not ready first, then no new caller, then out', async () => {
    await runStatements(database.superuserUrl, [
      `update service_clients set key_hash = '\\x${sha256(ownKey).toString('hex')}' where id = 'demo'`,
      `update service_clients set revoked_at = now() where id = 'demo2'`,
    ]);
    const service = productionStart({ SHUTDOWN_GRACE_MS: '400', LOG_FORMAT: 'json' });
    const client = await service.ready();
    const holder = new Client({ connectionString: database.superuserUrl });
    await holder.connect();
    await holder.query('begin');
    await holder.query(`select from marketing_states where brand_id = 1 and player_id = '1004' for update`);
    const body = JSON.stringify({ consents: { type: 'email', opted_in: true } });
    const slow = client.send({
      method: 'POST',
      path: '/userconsents/1004',
      headers: { 'x-auth-token': ownKey, 'content-type': 'application/json' },
      body,
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    service.signal('SIGTERM');
    await service.until(/not ready from now on/);
    const ready = await client.send({ method: 'GET', path: '/health/ready', headers: {} });
    expect([ready.status, ready.text]).toEqual([
      503,
      '{"status":"unavailable","checks":{"service":"stopping"}}',
    ]);
    expect((await client.send(get('/userconsents/1003', ownKey))).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 600));
    await expect(client.send(get('/userconsents/1003', ownKey))).rejects.toThrow(
      /ECONNREFUSED|ECONNRESET|socket hang up/,
    );
    await holder.query('rollback');
    await holder.end();
    const answer = await slow;
    expect([answer.status, answer.text]).toEqual([200, printed({ email: true })]);
    expect(await service.ended).toBe(0);
    client.close();
  });
});

describe('a body that never ends', () => {
  it('is not waited for longer than 20 s', async () => {
    const answer = await slow;
    expect([answer.status, answer.text]).toEqual([408, crmError(408, errorText.bodyTooSlow)]);
    expect(answer.headers.connection).toBe('close');
  });
});

describe('an exclusion with an end', () => {
  it('is ended in the ledger by the service itself, within a minute', async () => {
    const find = () =>
      patient.sql<{ late: number }>(
        `select extract(epoch from recorded_at - occurred_at)::float8 as late from consent_events
         where brand_id = 1 and player_id = '1002' and source = 'expiry'`,
      );
    let [end] = await find();
    for (let waited = 0; !end && waited < 25_000; waited += 250) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      [end] = await find();
    }
    expect(end?.late).toBeGreaterThanOrEqual(0);
    expect(end?.late).toBeLessThan(60);
  });
});
