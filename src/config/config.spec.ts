import { describe, expect, it } from '@jest/globals';
import { ConfigError, developmentSecretKey, readConfig } from './config.js';

const production = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://service@db/consent',
  SECRET_KEYS: 'a production key of sixteen and more',
};

const withoutDefault = [
  'OPS_PORT',
  'DATABASE_URL',
  'DATABASE_MIGRATION_URL',
  'PUBLIC_URL',
  'SMTP_URL',
  'SMS_URL',
  'SMS_TOKEN',
] as const;

function problemsOf(environment: Record<string, string>): string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

function expectRefusal(name: string, value: string): void {
  const problems = problemsOf({ [name]: value });
  expect(problems.length).toBeGreaterThan(0);
  for (const problem of problems) expect(problem).toContain(name);
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
      GEO_HEADERS: '',
      PUBLIC_RATE_LIMIT: 1200,
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'pretty',
      DEMO_SERVICE_KEY: 'demo-service-key',
      MAIL_FROM: 'Player Consent <no-reply@localhost>',
      WEBHOOK_ALLOWED_SUBNETS: '127.0.0.0/8,::1/128',
      embedded: true,
    });
    expect(readConfig({}).isProduction).toBe(false);
    for (const name of withoutDefault) expect(readConfig({})[name]).toBeUndefined();
  });

  it('takes what is given, and an empty value for none', () => {
    const config = readConfig({
      ...production,
      PORT: '0',
      OPS_PORT: '9090',
      PATH_PREFIX: '/fasttrack/v1',
      DATABASE_POOL_SIZE: '25',
      TRUST_PROXY: '2',
      PUBLIC_RATE_LIMIT: '10000000',
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
      PUBLIC_RATE_LIMIT: 10_000_000,
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
    ['PUBLIC_RATE_LIMIT', '0'],
    ['PUBLIC_RATE_LIMIT', '10000001'],
    ['PUBLIC_RATE_LIMIT', '1.5'],
    ['PUBLIC_RATE_LIMIT', '1e3'],
    ['PUBLIC_RATE_LIMIT', '100/min'],
    ['LOG_LEVEL', 'loud'],
    ['LOG_FORMAT', 'xml'],
    ['SHUTDOWN_GRACE_MS', '60001'],
  ])('refuses %s=%s, naming it', expectRefusal);

  it('names every bad value at once, and never a secret', () => {
    const problems = problemsOf({
      PORT: 'x',
      LOG_LEVEL: 'loud',
      SECRET_KEYS: 'hush',
      DATABASE_URL: 'mysql://u:pass@db',
      SMTP_URL: 'smtp://u:wordpass%@mail',
      SMS_URL: 'https://u:passkey@sms',
      SMS_TOKEN: 'pass key',
    });
    for (const name of [
      'PORT',
      'LOG_LEVEL',
      'SECRET_KEYS',
      'DATABASE_URL',
      'SMTP_URL',
      'SMS_URL',
      'SMS_TOKEN',
    ])
      expect(problems.join()).toContain(name);
    expect(problems.join()).not.toMatch(/hush|pass(?!word)/);
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

describe('the settings of what leaves the service', () => {
  it('let webhooks reach no private network in production unless it is told to', () => {
    expect(readConfig(production).WEBHOOK_ALLOWED_SUBNETS).toBe('');
    const told = { ...production, WEBHOOK_ALLOWED_SUBNETS: '10.1.0.0/16,fd00::/8' };
    expect(readConfig(told).WEBHOOK_ALLOWED_SUBNETS).toBe('10.1.0.0/16,fd00::/8');
    expect(readConfig({ WEBHOOK_ALLOWED_SUBNETS: '10.0.0.0/8' }).WEBHOOK_ALLOWED_SUBNETS).toBe('10.0.0.0/8');
  });

  it.each([
    ['SMTP_URL', 'smtp://relay'],
    ['SMTP_URL', 'smtp://relay:25/'],
    ['SMTP_URL', 'smtps://consent%40example.com:p%3Ass%25@mail.example:465'],
    ['SMTP_URL', 'smtp://[::1]:2525'],
    ['MAIL_FROM', 'no-reply@casino.example'],
    ['MAIL_FROM', 'Käsino & Söhne <no-reply@casino.example>'],
    ['MAIL_FROM', '"Casino, Ltd." <no-reply@casino.example>'],
    ['SMS_URL', 'http://sms-gateway:8080/messages?route=1'],
    ['SMS_TOKEN', 'abc.DEF-123_=/+~'],
  ] as const)('take %s=%s', (name, value) => {
    expect(readConfig({ [name]: value })[name]).toBe(value);
  });

  it.each([
    ['SMTP_URL', 'mail.example'],
    ['SMTP_URL', 'http://mail.example'],
    ['SMTP_URL', 'smtp://'],
    ['SMTP_URL', 'smtp://mail.example:smtp'],
    ['SMTP_URL', 'smtp://user:100%@mail.example'],
    ['SMTP_URL', 'smtp://mail.example/relay'],
    ['SMTP_URL', 'smtp://mail.example?logger=true'],
    ['MAIL_FROM', 'Player Consent'],
    ['MAIL_FROM', 'no-reply@casino.example, other@casino.example'],
    ['MAIL_FROM', 'Casino <no-reply@casino.example'],
    ['MAIL_FROM', 'Casino <no-reply@casino.example>, <other@casino.example>'],
    ['MAIL_FROM', 'Casino\r\nBcc: other@casino.example <no-reply@casino.example>'],
    ['MAIL_FROM', 'no-reply@casino.example\n'],
    ['SMS_URL', 'sms.example'],
    ['SMS_URL', 'ftp://sms.example'],
    ['SMS_URL', 'https://user:secret@sms.example'],
    ['SMS_TOKEN', 'two words'],
    ['SMS_TOKEN', 'tokén'],
    ['SMS_TOKEN', 'token\r\nx-other: 1'],
    ['WEBHOOK_ALLOWED_SUBNETS', '10.0.0.1'],
    ['WEBHOOK_ALLOWED_SUBNETS', '10.1.2.3/8'],
    ['WEBHOOK_ALLOWED_SUBNETS', 'fd00::1/8'],
    ['WEBHOOK_ALLOWED_SUBNETS', '10/8'],
    ['WEBHOOK_ALLOWED_SUBNETS', '10.0.0.0/33'],
    ['WEBHOOK_ALLOWED_SUBNETS', '10.0.0.0/8,'],
    ['WEBHOOK_ALLOWED_SUBNETS', 'localhost'],
  ])('refuse %s=%j, naming it', expectRefusal);
});

describe('GEO_HEADERS', () => {
  const read = (GEO_HEADERS: string) => readConfig({ TRUST_PROXY: '1', GEO_HEADERS }).GEO_HEADERS;

  it.each([
    'city=cf-ipcity,state=cf-region,country=cf-ipcountry',
    'country=CF-IPCountry',
    'state=x_region-2',
  ])('takes %s', (text) => expect(read(text)).toBe(text));

  it.each([
    'cf-ipcountry',
    'town=cf-ipcity',
    'city=',
    'city=cf ipcity',
    'city=cf-ipcity;country=cf-ipcountry',
    'city=cf-ipcity,',
    'city=a,city=b',
    'city=authorization',
    'country=X-Auth-Token',
    'state=x-api-key',
    'city=cookie',
    `city=${'a'.repeat(101)}`,
  ])('refuses %s, naming itself', (text) => {
    const problems = problemsOf({ TRUST_PROXY: '1', GEO_HEADERS: text });
    expect(problems).toEqual([expect.stringContaining('GEO_HEADERS')]);
  });

  it('is refused without a proxy: anybody could send them', () => {
    expectRefusal('GEO_HEADERS', 'country=cf-ipcountry');
    expect(problemsOf({ TRUST_PROXY: '0', GEO_HEADERS: 'country=cf-ipcountry' }).join()).toContain(
      'TRUST_PROXY',
    );
  });
});
