import { plainToInstance } from 'class-transformer';
import {
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  Min,
  validateSync,
} from 'class-validator';
import ipaddr from 'ipaddr.js';
import { parseGeoHeaders } from './geo-headers.js';

/** A mailbox as MAIL_FROM takes it: a name that may be quoted, and the address. No line break can stand in it. */
export const mailbox =
  /^(?:"?(?<name>[^"<>\p{Cc}]*?)"? *<(?<bracketed>[^\s<>@,;]+@[^\s<>@,;]+)>|(?<bare>[^\s<>@,;]+@[^\s<>@,;]+))$/u;

export const developmentSecretKey = 'development-only-secret-key';
export const developmentServiceKey = 'demo-service-key';
export const otherDevelopmentServiceKey = 'demo-service-key-2';

/** The environment the service understands; every variable is checked at start. README § Configuration says what each does. */
export class Config {
  @IsIn(['development', 'test', 'production'])
  NODE_ENV: 'development' | 'test' | 'production' = 'development';

  @IsString()
  @IsNotEmpty()
  HOST: string = '127.0.0.1';

  @IsInt()
  @Min(0)
  @Max(65535)
  PORT: number = 3000;

  /** A port of its own for /health and /metrics; without it both are served on PORT. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(65535)
  OPS_PORT?: number;

  @Matches(/^(\/[A-Za-z0-9._~-]+)*$/, {
    message: 'PATH_PREFIX must be empty or start with / and not end with it',
  })
  PATH_PREFIX: string = '';

  @IsOptional()
  @Matches(/^postgres(ql)?:\/\//, { message: 'DATABASE_URL must be a postgres:// address' })
  DATABASE_URL?: string;

  @IsOptional()
  @Matches(/^postgres(ql)?:\/\//, { message: 'DATABASE_MIGRATION_URL must be a postgres:// address' })
  DATABASE_MIGRATION_URL?: string;

  /** Reads that may lag go there. */
  @IsOptional()
  @Matches(/^postgres(ql)?:\/\//, { message: 'DATABASE_REPLICA_URL must be a postgres:// address' })
  DATABASE_REPLICA_URL?: string;

  @IsInt()
  @Min(1)
  @Max(1000)
  DATABASE_POOL_SIZE: number = 10;

  @IsString()
  @IsNotEmpty()
  DATA_DIR: string = '.data';

  /** Newest first, separated by commas. */
  @Matches(/^[^,]{16,}(,[^,]{16,})*$/, {
    message: 'SECRET_KEYS must be keys of 16 characters or more, separated by commas',
  })
  SECRET_KEYS: string = developmentSecretKey;

  @IsOptional()
  @IsUrl({ protocols: ['http', 'https'], require_tld: false, require_protocol: true })
  PUBLIC_URL?: string;

  /** Without it mails are written as files under DATA_DIR/mail. */
  @IsOptional()
  @Matches(/^smtps?:\/\//, { message: 'SMTP_URL must be an smtp:// or smtps:// address' })
  SMTP_URL?: string;

  /** One mailbox: an address, or a name and an address in angle brackets. */
  @Matches(mailbox, { message: 'MAIL_FROM must be an address, or a name followed by <address>' })
  MAIL_FROM: string = 'Player Consent <no-reply@localhost>';

  /** Without it text messages are written as files under DATA_DIR/sms. */
  @IsOptional()
  @IsUrl({ protocols: ['http', 'https'], require_tld: false, require_protocol: true, disallow_auth: true })
  SMS_URL?: string;

  @IsOptional()
  @Matches(/^[\x21-\x7e]+$/, { message: 'SMS_TOKEN must be printable ASCII without spaces' })
  SMS_TOKEN?: string;

  /** Private networks that webhooks may reach, as CIDR, separated by commas. */
  @IsString()
  WEBHOOK_ALLOWED_SUBNETS: string = '';

  /** Number of proxies in front whose forwarding headers are believed. */
  @IsInt()
  @Min(0)
  @Max(10)
  TRUST_PROXY: number = 0;

  /** Headers in which the proxy says where a caller is, as city=cf-ipcity,state=cf-region,country=cf-ipcountry. */
  @IsString()
  GEO_HEADERS: string = '';

  /** Requests that one address may send to the open routes of this instance in a minute. */
  @IsInt()
  @Min(1)
  @Max(10_000_000)
  PUBLIC_RATE_LIMIT: number = 1200;

  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  LOG_LEVEL: string = 'info';

  @IsIn(['pretty', 'json'])
  LOG_FORMAT: 'pretty' | 'json' = 'pretty';

  /** Reconciliation runs of one brand at once. */
  @IsInt()
  @Min(1)
  @Max(16)
  RECONCILIATION_RUNS: number = 2;

  /** Milliseconds that one may take. */
  @IsInt()
  @Min(1000)
  @Max(86_400_000)
  RECONCILIATION_TIME_LIMIT_MS: number = 900_000;

  /** Milliseconds between "not ready" and closing the door when the service is asked to stop. */
  @IsInt()
  @Min(0)
  @Max(60000)
  SHUTDOWN_GRACE_MS: number = 0;

  @IsString()
  @IsNotEmpty()
  DEMO_SERVICE_KEY: string = developmentServiceKey;

  /** Whether this process delivers what is in the outbox: the service does, the command line does not. */
  runsDeliveries: boolean = false;

  /** Whether the tables are the embedded database's: no DATABASE_URL was given. */
  embedded: boolean = false;

  /** The origin that links carry, without a slash at the end. */
  get publicUrl(): string {
    return (this.PUBLIC_URL ?? `http://127.0.0.1:${this.PORT}`).replace(/\/+$/, '');
  }

  get isProduction(): boolean {
    return this.NODE_ENV === 'production';
  }
}

/** A setting that cannot be used; the process prints the message and exits 78 (EX_CONFIG). */
export class ConfigError extends Error {}

/** Reads and checks the environment; throws ConfigError naming every bad variable. Empty values count as not given. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const names = Object.keys(new Config()).concat(
    'OPS_PORT',
    'DATABASE_URL',
    'DATABASE_MIGRATION_URL',
    'DATABASE_REPLICA_URL',
    'PUBLIC_URL',
    'SMTP_URL',
    'SMS_URL',
    'SMS_TOKEN',
  );
  const given: Record<string, string | number> = {};
  for (const name of names) {
    const value = environment[name];
    if (value === undefined || value === '' || name === 'embedded' || name === 'runsDeliveries') continue;
    given[name] = /_?PORT$|_SIZE$|_PROXY$|_MS$|_RUNS$|_LIMIT$/.test(name) ? numberOrText(value) : value;
  }
  const production = given.NODE_ENV === 'production';
  given.LOG_FORMAT ??= given.NODE_ENV === 'production' || given.NODE_ENV === 'test' ? 'json' : 'pretty';
  given.SHUTDOWN_GRACE_MS ??= production ? 5000 : 0;
  given.WEBHOOK_ALLOWED_SUBNETS ??= production ? '' : '127.0.0.0/8,::1/128';
  const config = plainToInstance(Config, given, { exposeDefaultValues: true });
  config.embedded = config.DATABASE_URL === undefined;
  const problems = validateSync(config).flatMap((error) => Object.values(error.constraints ?? {}));
  problems.push(...unreadableAddresses(config), ...mailServerProblems(config));
  problems.push(...subnetProblems(config), ...geoHeaderProblems(config));
  if (production) problems.push(...productionProblems(config));
  if (problems.length > 0) throw new ConfigError(problems.join('\n'));
  return config;
}

function unreadableAddresses(config: Config): string[] {
  return (['DATABASE_URL', 'DATABASE_MIGRATION_URL', 'DATABASE_REPLICA_URL'] as const).flatMap((name) => {
    const address = config[name];
    if (address === undefined || !/^postgres(ql)?:\/\//.test(address)) return [];
    try {
      const { hostname, username, password, searchParams } = new URL(address);
      decodeURIComponent(username + password);
      return hostname || searchParams.has('host') ? [] : [`${name} names no host`];
    } catch {
      return [`${name} cannot be read: special characters of a user or password must be percent-encoded`];
    }
  });
}

function mailServerProblems({ SMTP_URL }: Config): string[] {
  if (SMTP_URL === undefined || !/^smtps?:\/\//.test(SMTP_URL)) return [];
  try {
    const { hostname, username, password, pathname, search, hash } = new URL(SMTP_URL);
    decodeURIComponent(username + password);
    if (!hostname) return ['SMTP_URL names no host'];
    return /^\/?$/.test(pathname + search + hash) ? [] : ['SMTP_URL must end with the host or port'];
  } catch {
    return ['SMTP_URL cannot be read: special characters of a user or password must be percent-encoded'];
  }
}

function subnetProblems({ WEBHOOK_ALLOWED_SUBNETS }: Config): string[] {
  // Four parts in full: the library alone would take 10/8 for 0.0.0.10/8.
  const isSubnet = (text: string) => {
    const isV4 = ipaddr.IPv4.isValidCIDRFourPartDecimal(text);
    if (!isV4 && !ipaddr.IPv6.isValidCIDR(text)) return false;
    const [own, length] = ipaddr.parseCIDR(text);
    const network = (isV4 ? ipaddr.IPv4 : ipaddr.IPv6).networkAddressFromCIDR(`${own.toString()}/${length}`);
    // 10.1.2.3/8 is more likely a slip for one machine than a wish for sixteen million.
    return network.toString() === own.toString();
  };
  return WEBHOOK_ALLOWED_SUBNETS === '' || WEBHOOK_ALLOWED_SUBNETS.split(',').every(isSubnet)
    ? []
    : ['WEBHOOK_ALLOWED_SUBNETS must be networks like 10.0.0.0/8, separated by commas'];
}

function geoHeaderProblems({ GEO_HEADERS, TRUST_PROXY }: Config): string[] {
  if (parseGeoHeaders(GEO_HEADERS) === null) {
    return [
      'GEO_HEADERS must name headers that hold no credential, each once, like city=cf-ipcity,country=cf-ipcountry',
    ];
  }
  if (GEO_HEADERS === '' || TRUST_PROXY !== 0) return [];
  return ['GEO_HEADERS goes with TRUST_PROXY: without a proxy in front, anybody could send them'];
}

function numberOrText(value: string): string | number {
  return /^\d+$/.test(value) ? Number(value) : value;
}

function productionProblems(config: Config): string[] {
  const problems: string[] = [];
  if (!config.DATABASE_URL)
    problems.push('DATABASE_URL is needed in production: the embedded database is for development');
  if (config.SECRET_KEYS.split(',').includes(developmentSecretKey))
    problems.push('SECRET_KEYS must not be the development key in production (try: openssl rand -hex 32)');
  return problems;
}
