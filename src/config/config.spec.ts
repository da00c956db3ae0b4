import { describe, expect, it } from '@jest/globals';
import { ConfigError, developmentSecretKey, readConfig } from './config.js';

const production = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://service@db/consent',
  SECRET_KEYS: 'a production key of sixteen and more',
};

function problemsOf(environment: Record<string, string>): string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('readConfig', () => {
  it('has the defaults of the contract', () => {
    expect(readConfig({})).toMatchObject({
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      PORT: 3000,
      PATH_PREFIX: '',
      DATABASE_POOL_SIZE: 10,
      DATA_DIR: '.data',
      SECRET_KEYS: developmentSecretKey,
      TRUST_PROXY: 0,
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'pretty',
      DEMO_SERVICE_KEY: 'demo-service-key',
      embedded: true,
    });
    expect(readConfig({}).isProduction).toBe(false);
    for (const name of ['OPS_PORT', 'DATABASE_URL', 'DATABASE_MIGRATION_URL', 'PUBLIC_URL'] as const) {
      expect(readConfig({})[name]).toBeUndefined();
    }
  });

  it('takes what is given, and an empty value for none', () => {
    const config = readConfig({
      ...production,
      PORT: '0',
      OPS_PORT: '9090',
      PATH_PREFIX: '/fasttrack/v1',
      DATABASE_POOL_SIZE: '25',
      TRUST_PROXY: '2',
      LOG_LEVEL: '',
      HOST: '0.0.0.0',
      PUBLIC_URL: 'https://consent.example',
      SOMETHING_ELSE: 'ignored',
    });
    expect(config).toMatchObject({
      PORT: 0,
      OPS_PORT: 9090,
      PATH_PREFIX: '/fasttrack/v1',
      DATABASE_POOL_SIZE: 25,
      TRUST_PROXY: 2,
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'json',
      SHUTDOWN_GRACE_MS: 5000,
      embedded: false,
    });
    expect(config.isProduction).toBe(true);
    expect(config).not.toHaveProperty('SOMETHING_ELSE');
  });

  it('cannot be told that its database is embedded', () => {
    expect(readConfig({ ...production, embedded: 'true' }).embedded).toBe(false);
  });
});

describe('a bad environment', () => {
  it.each([
    ['NODE_ENV', 'staging'],
    ['PORT', '70000'],
    ['PORT', 'http'],
    ['PORT', '-1'],
    ['OPS_PORT', '1.5'],
    ['PATH_PREFIX', 'fasttrack'],
    ['PATH_PREFIX', '/fasttrack/'],
    ['DATABASE_URL', 'mysql://db'],
    ['DATABASE_MIGRATION_URL', 'db'],
    ['DATABASE_POOL_SIZE', '0'],
    ['SECRET_KEYS', 'short'],
    ['SECRET_KEYS', 'a key of sixteen characters,short'],
    ['PUBLIC_URL', 'consent.example'],
    ['TRUST_PROXY', 'yes'],
    ['LOG_LEVEL', 'loud'],
    ['LOG_FORMAT', 'xml'],
    ['SHUTDOWN_GRACE_MS', '60001'],
  ])('refuses %s=%s, naming it', (name, value) => {
    const problems = problemsOf({ [name]: value });
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) expect(problem).toContain(name);
  });

  it('names every bad value at once, and never a secret', () => {
    const problems = problemsOf({
      PORT: 'x',
      LOG_LEVEL: 'loud',
      SECRET_KEYS: 'hush',
      DATABASE_URL: 'mysql://u:pass@db',
    });
    for (const name of ['PORT', 'LOG_LEVEL', 'SECRET_KEYS', 'DATABASE_URL'])
      expect(problems.join()).toContain(name);
    expect(problems.join()).not.toMatch(/hush|pass/);
  });

  it('refuses defaults that are not for production', () => {
    expect(problemsOf({ ...production })).toEqual([]);
    const { DATABASE_URL: _url, ...embedded } = production;
    expect(problemsOf(embedded).join()).toContain('DATABASE_URL');
    const { SECRET_KEYS: _keys, ...keyless } = production;
    expect(problemsOf(keyless).join()).toContain('SECRET_KEYS');
    const mixed = { ...production, SECRET_KEYS: `${production.SECRET_KEYS},${developmentSecretKey}` };
    expect(problemsOf(mixed).join()).toContain('SECRET_KEYS');
  });
});
