import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { sha256 } from '../../src/common/secrets.js';
import { openCluster } from '../../src/database/embedded/cluster.js';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/database/embedded/embedded-postgres.js';
import { embeddedRole } from '../../src/database/open-database.js';
import { type DocumentedRoute, documentedRoutes } from '../support/api-document.js';
import type { HttpAnswer, HttpClient } from '../support/http.js';
import { fill, findMarks } from '../support/marks.js';
import { alternateVerbs, isGatewayPath, isLinkPath, samplePath, sampleQuery } from '../support/routes.js';
import { ServiceProcess } from '../support/service-process.js';
import { demoPassword } from '../support/gateway.js';
import { demoKey, type OpenedSession } from '../support/test-app.js';
import { makeClusterFolder } from '../support/test-cluster.js';
import { runStatements } from '../support/test-database.js';

/** What nobody may find again in what the service writes: a word, a number, an address, a password and a day. */
const word = 'Zq7Marked7qZ';
const digits = '7400977319';
const password = 'Qz7marked7zQ';
const birthday = '1973-09-17';
const marks = [word, digits, password, birthday, '17/09/1973'];

const routes = documentedRoutes.filter(({ path }) => isGatewayPath(path) || path.startsWith('/internal/'));
const logIn = 'POST /gateway/login/{version}/{brand_id}/player';
const logOut = 'POST /gateway/logout/{version}/{brand_id}/player';
const changePassword = 'PUT /gateway/admission/{version}/player/{brand_id}/change/password';
/** What reads no table but the sessions, or none. */
const readsNothingElse = [
  ...[logOut, 'GET /internal/sessions', 'DELETE /internal/sessions/{id}'],
  'GET /gateway/site-management/{version}/content/message/format/{message_string}',
];
const stepOne = 'POST /gateway/reg-step-one/{version}/{brand_id}';
/** Bodies that are taken, with a mark wherever a person could be read off it. */
const taken: Record<string, () => object> = {
  'PUT /gateway/player-personal-details/player/details/{version}/{brand_id}': () => ({
    firstName: word,
    lastName: word,
    birthdate: birthday,
    city: `${word} ${++count}`,
    address: word,
    zipPostalCode: word,
    phone: `44-${digits}`,
    comment: word,
    operator: word,
    optOut: { email: true },
  }),
  'PUT /gateway/player-personal-details/{version}/custom-fields/{brand_id}': () => ({
    strCustomFields: [{ id: 'favourite_team', name: 'x', value: `${word} ${++count}` }],
    intCustomFields: [{ id: 'lucky_number', name: 'x', value: Number(digits) }],
  }),
  'PUT /gateway/player-personal-details/{version}/marketing-preferences/{brand_id}': () => ({
    preferences: [{ channel: 'sms', products: [{ product: 'casino', opted_in: ++count % 2 === 0 }] }],
    textVersion: 'default-1',
  }),
  'POST /gateway/player-data/{version}/send/code/{brand_id}': () => ({ mobile_number: `44-${digits}` }),
  'POST /gateway/player/multi/{version}/sign/tnc': () => ({
    brand_id: 1,
    player_id: '1001',
    language: 'en-x-marked',
    type: 'privacy',
  }),
  [stepOne]: () => ({
    loginName: `${word}${++count}`,
    email: `${word}${count}@example.com`,
    password,
    over18: true,
    signTNC: true,
    language: 'en',
    currency: 'EUR',
    btag: word,
    bonusCode: word,
    aff_extra_param: word,
  }),
  'POST /gateway/reg-step-two/{version}/{brand_id}': () => ({
    auth_token: newcomer,
    firstName: `${word} ${++count}`,
    lastName: word,
    birthDate: '17/09/1973',
    gender: 'F',
    language: 'en',
    country: 'GB',
    city: word,
    address: word,
    zipCode: word,
    mobileNumber: `44-${digits}`,
    uuid: word,
  }),
  'POST /gateway/player-personal-details/player/details/emailUpdate/{version}/{brand_id}': () => ({
    email: `${word}${++count}@example.com`,
    comment: word,
  }),
  [logIn]: () => ({ user_name: registered, password, language: word }),
  [logOut]: () => ({}),
  [changePassword]: () => ({ old_password: passwordNow, new_password: `${password}${++count}` }),
  'POST /gateway/admission/{version}/forgot/password/{brand_id}': () => ({ mail: 'player1002@example.com' }),
  'PUT /internal/players/{id}/activity': () => ({
    marketingSegmentation: word,
    billboard: `${word} ${++count}`,
    playerIdLink: `https://${word}.example`,
    vip_level: word,
    real_balance: Number(digits),
    last_bet: `${birthday} 00:00:00`,
  }),
  'POST /internal/players/{id}/events': () => ({
    events: [
      {
        ...{ id: `${word}${++count}`, type: 'wagering_complete', amount: Number(digits) },
        ...{ at: `${birthday}T00:00:00Z`, data: { [word]: password } },
      },
    ],
  }),
  'POST /internal/game-sessions': () => ({ player_id: '1001', game_id: `${word}${++count}` }),
  'PUT /internal/players/{id}/blocks': () => ({
    blocked: { active: true, note: `${word} ${++count}` },
    excluded: { active: true, note: word },
  }),
  'POST /internal/sessions': () => ({ player_id: '1001' }),
  'PUT /internal/players/{id}': () => ({
    origin: `${word}.example`,
    bTag: `${word} ${++count}`,
    username: word,
    email: `${word}@example.com`,
    password,
  }),
};
/** Tables that a person's data goes to, one or the other, when these are sent. */
const tables = [
  'sessions',
  'player_blocks',
  'marketing_asks',
  'players',
  'player_credentials',
  'player_custom_fields',
  'player_codes',
  'player_links',
  'event_evidence',
  'policy_consents',
  'player_activity',
  'player_events',
  'game_sessions',
];

/** A repeat that changes nothing is not written. */
let count = 0;

const markedHeaders = {
  'user-agent': word,
  origin: `https://${word}.example`,
  referer: `https://${word}.example/${word}`,
  cookie: `session=${word}`,
  'x-forwarded-for': word,
  'accept-language': word,
};

let database: EmbeddedPostgres;
let ownerUrl: string;
let service: ServiceProcess;
let client: HttpClient;
let session: string;
/** Of a log-in that waits for its code. */
const codeToken = randomUUID();
/** The session of whoever has only just begun to register. */
let newcomer: string;
/** The name of whoever registered last. */
let registered: string;
/** The password of player 1001. */
let passwordNow = demoPassword;
const folder = makeClusterFolder();
const refusals: string[] = [];
const statuses = new Map<number, number>();

const tokenOf = ({ path }: DocumentedRoute) => (isGatewayPath(path) ? session : demoKey);

/** A query that is read: what is no mark is asked for as such. */
function markedQuery(route: DocumentedRoute): string {
  return isLinkPath(route.path) ? `?hash=${word.padEnd(43, 'A')}` : sampleQuery(route);
}

/** Blocks are for a player who need not log in. */
const pathOf = (route: DocumentedRoute) =>
  samplePath(route, { player: route.path.endsWith('/blocks') ? '1004' : '1001' });

async function send(
  route: DocumentedRoute,
  body?: unknown,
  { path = pathOf(route), method = route.method, token = tokenOf(route) } = {},
): Promise<HttpAnswer> {
  const isPlain = body === undefined || typeof body === 'string';
  const answer = await client.send({
    method,
    path,
    headers: {
      ...markedHeaders,
      'x-auth-token': token,
      '2fa-auth-token': codeToken,
      'content-type': 'application/json',
    },
    body: isPlain ? body : JSON.stringify(body),
  });
  statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
  if (answer.status < 300) await remember(route.name, answer.text, body);
  if (answer.status >= 400) refusals.push(`${route.name} ${answer.status} ${answer.text}`);
  return answer;
}

/** What the calls after it need of a call that did something. */
async function remember(name: string, text: string, body: unknown): Promise<void> {
  if (name === logOut) await openSession();
  if (name === changePassword) passwordNow = (body as { new_password: string }).new_password;
  if (name === 'PUT /internal/players/{id}')
    passwordNow = (body as { password?: string }).password ?? passwordNow;
  if (name !== stepOne) return;
  newcomer = (JSON.parse(text) as { auth_token: string }).auth_token;
  registered = (body as { loginName: string }).loginName;
}

beforeAll(async () => {
  // With the database that it runs itself, whose log is written here too.
  service = new ServiceProcess({
    NODE_ENV: 'development',
    DATA_DIR: folder,
    LOG_LEVEL: 'debug',
    LOG_FORMAT: 'json',
  });
  client = await service.ready();
  database = await startEmbeddedPostgres({ dataDir: folder });
  ownerUrl = database.superuserUrl('player_consent');
  await runStatements(ownerUrl, [
    `insert into login_challenges (brand_id, player_id, token_hash, password_digest, expires_at)
     values (1, '1001', '\\x${sha256(codeToken).toString('hex')}', '', now() + interval '1 hour')`,
  ]);
});
afterAll(async () => {
  client?.close();
  await database?.stop();
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A password that is set ends the sessions there are. */
async function openSession(): Promise<void> {
  const { status, text } = await client.send({
    method: 'POST',
    path: '/internal/sessions',
    headers: { 'x-auth-token': demoKey, 'content-type': 'application/json' },
    body: JSON.stringify({ player_id: '1001' }),
  });
  if (status === 201) session = (JSON.parse(text) as OpenedSession).auth_token;
}
beforeEach(openSession);

const isOpen = async () => (await send(routeOf('readDetails'))).status !== 401;

function routeOf(nameOrId: string): DocumentedRoute {
  const route = routes.find(({ name, operation }) => [name, operation.operationId].includes(nameOrId));
  if (!route) throw new Error(`there is no ${nameOrId}`);
  return route;
}

/** A command for every table but those that say who is calling, and where. */
const ofOtherTables = (command: string) => `do $$ declare name text; begin
  for name in select tablename from pg_tables where schemaname = 'public'
    and tablename not in ('brands', 'brand_products', 'statement_texts', 'service_clients', 'access_tokens', 'sessions')
  loop execute format('${command}', name); end loop; end $$`;

/** What PostgreSQL has written. */
const serverLog = () => readFileSync(openCluster(folder).logFile, 'utf8');

/** Nothing is kept, and the gateway says no more than that. */
async function sendTakenInVain(): Promise<void> {
  for (const route of routes.filter(({ name }) => name in taken)) {
    const { status, text } = await send(route, taken[route.name]?.());
    expect([route.name, status]).toEqual([route.name, 500]);
    if (isGatewayPath(route.path)) expect(text).toBe('{"result":"internal server error"}');
  }
}

/** As if none had been asked for, to a number with the mark. */
const letCodesBeSent = () =>
  runStatements(ownerUrl, [
    'delete from attempt_counts',
    'delete from player_codes',
    `update players set phone = '44-${digits}' where brand_id = 1 and player_id = '1001'`,
  ]);

describe('what the service writes of a person', () => {
  it('is provoked by every input of every route, right and wrong', async () => {
    for (const route of routes) {
      const query = route.operation.parameters.filter((each) => each.in === 'query').map(({ name }) => name);
      const search = new URLSearchParams([...query, word].map((name): [string, string] => [name, word]));
      await send(route, undefined, { path: `${samplePath(route)}?${search.toString()}` });
      await send(route, {}, { token: word });
      for (const segment of [word, `${word}%20${digits}`])
        await send(route, {}, { path: route.path.replaceAll(/\{\w+\}/g, segment) });
      const last = samplePath(route).replace(/[^/]+$/, word);
      await send(route, {}, { path: last });
      const [media] = Object.values(route.operation.requestBody?.content ?? {});
      if (!media) continue;
      const body = fill(media.schema, word) as object;
      for (const method of [route.method, ...(alternateVerbs[route.name] ?? [])])
        await send(route, { ...body, [word]: word }, { method });
      for (const [key, value] of Object.entries(body)) {
        await send(route, { [key]: value as unknown });
        await send(route, { ...taken[route.name]?.(), [key]: { [word]: [word] } });
        await send(route, { ...taken[route.name]?.(), [key]: `${word}@${word}` });
        if (!(await isOpen())) await openSession();
      }
      for (const text of [`{"${word}"`, `"${word}"`, `["${word}"]`, word, `{"__proto__":"${word}"}`])
        await send(route, text);
    }
    for (const status of [200, 400, 401, 404]) expect(statuses.get(status)).toBeGreaterThan(0);
  });

  it('is provoked by what is taken and kept', async () => {
    await letCodesBeSent();
    for (const route of routes.filter(({ name }) => name in taken)) {
      if (!(await isOpen())) await openSession();
      const { status, text } = await send(route, taken[route.name]?.());
      expect([route.name, status, status < 400 ? '' : text]).toEqual([route.name, status, '']);
    }
    await openSession();
    const { text } = await send(routeOf('readDetails'));
    for (const mark of [word, digits, birthday, `${word}@example.com`]) expect(text).toContain(mark);
  });

  it('is provoked by reads that the database refuses', async () => {
    const failed = new Set<string>();
    await runStatements(ownerUrl, [ofOtherTables(`revoke select on %I from ${embeddedRole}`)]);
    for (const route of routes.filter(({ name }) => name !== logOut)) {
      const [media] = Object.values(route.operation.requestBody?.content ?? {});
      const bodies = [taken[route.name]?.(), media ? fill(media.schema, word) : {}];
      for (const body of bodies) {
        const { status } = await send(route, body, { path: pathOf(route) + markedQuery(route) });
        if (status === 500) failed.add(route.name);
      }
    }
    await runStatements(ownerUrl, [ofOtherTables(`grant select on %I to ${embeddedRole}`)]);
    const others = routes.map(({ name }) => name).filter((name) => !failed.has(name));
    expect(new Set(others)).toEqual(new Set(readsNothingElse));
  });

  it('is provoked by rows that the database refuses', async () => {
    await send(routeOf(stepOne), taken[stepOne]?.());
    await letCodesBeSent();
    const refuse = (table: string) => `alter table ${table} add constraint refused check (false) not valid`;
    await runStatements(ownerUrl, tables.map(refuse));
    await sendTakenInVain();
    expect(serverLog()).toContain('violates check constraint "refused"');
    expect(findMarks(serverLog(), [...marks, session, codeToken])).toEqual([]);
    await runStatements(
      ownerUrl,
      tables.map((table) => `alter table ${table} drop constraint refused`),
    );
  });

  it('is provoked by errors of the database that repeat the row', async () => {
    const repeat = `
      create function repeat_row() returns trigger language plpgsql as $$ begin
        raise exception 'not %', new using errcode = '23514', detail = new::text, hint = new::text;
      end $$`;
    const repeatOn = (table: string) =>
      `create trigger repeat_row before insert or update on ${table} for each row execute function repeat_row()`;
    await letCodesBeSent();
    await runStatements(ownerUrl, [repeat, ...tables.map(repeatOn)]);
    await sendTakenInVain();
  });

  it('holds nothing of it: not the log, not the metrics, not an error', async () => {
    const requestId = `the-end-${randomUUID()}`;
    const headers = { 'x-auth-token': demoKey, 'x-request-id': requestId };
    const metrics = await client.send({ method: 'GET', path: '/metrics', headers });
    await service.until(new RegExp(requestId));
    expect(metrics.text).toContain('http_request_duration_seconds');
    expect(service.output.split('\n').length).toBeGreaterThan(300);
    expect(findMarks(service.output, [...marks, session, codeToken])).toEqual([]);
    expect(findMarks(metrics.text, marks)).toEqual([]);
    expect(findMarks(gatewayRefusals(), marks)).toEqual([]);
  });
});

/** Elsewhere errors may name a key that the caller sent; the gateway's say nothing of it. */
function gatewayRefusals(): string {
  return refusals.filter((line) => / \/gateway\//.test(line)).join('\n');
}
