import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { SessionsService } from '../../src/auth/sessions.service.js';
import { BrandCatalogue } from '../../src/brands/brand-catalogue.js';
import { CodeTokensService } from '../../src/players/code-tokens.service.js';
import { LoginService } from '../../src/players/login.service.js';
import { MobileVerificationService } from '../../src/players/mobile-verification.service.js';
import { PlayerDetailsService } from '../../src/players/player-details.service.js';
import { PlayerInfoService } from '../../src/players/player-info.service.js';
import { PlayerRequirementsService } from '../../src/players/player-requirements.service.js';
import { demoPassword } from '../support/gateway.js';
import { ReadCounter } from '../support/read-counter.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const players = 5000;
const atOnce = 50;
/** Rows and index entries for one player: of the state, the person, the credentials, and what leads to them. */
const readPerPlayer = 20;
const tables = [
  ...['marketing_states', 'players', 'player_credentials', 'sessions', 'login_challenges'],
  ...['attempt_counts', 'player_codes', 'marketing_asks', 'subjects', 'policy_consents'],
];

let app: TestApp;
let counter: ReadCounter;
let acts: [what: string, players: number, act: () => Promise<unknown>][];

beforeAll(async () => {
  // One connection, so that what is planned on nearly empty tables is what meets the full ones.
  app = await createTestApp({ environment: { DATABASE_POOL_SIZE: '1' } });
  await ReadCounter.quiet(app);
  acts = await makeActs();
  await addExpired();
  for (const table of tables) {
    // A vacuum in between would have the statements planned anew.
    await app.sql(`alter table ${table} set (autovacuum_enabled = false)`);
    await app.sql(`vacuum (analyze) ${table}`);
  }
  // PostgreSQL keeps a plan for all values after five.
  for (const [, , act] of acts) for (let time = 0; time < 8; time++) await act();
  await fill();
  counter = await ReadCounter.start(app, `^(${tables.join('|')})$`);
});
afterAll(() => app?.close());

/** As after a quiet night: as PostgreSQL sees it then, next to nothing expires later than now. */
async function addExpired(): Promise<void> {
  const at = `now() - interval '1 day' + n * interval '1 minute'`;
  const many = 'from generate_series(1, 50) n';
  await app.sql(`insert into marketing_states (brand_id, player_id) select 1, 'old-' || n ${many}`);
  await app.sql(`insert into players (brand_id, player_id, has_details) select 1, 'old-' || n, true ${many}`);
  await app.sql(`insert into player_credentials (brand_id, player_id) select 1, 'old-' || n ${many}`);
  await app.sql(
    `insert into sessions (id, brand_id, player_id, token_hash, idle_ttl, expires_at)
     select gen_random_uuid(), 1, 'old-' || n, sha256(('old-' || n)::bytea), 1800, ${at} ${many}`,
  );
  await app.sql(
    `insert into login_challenges (brand_id, player_id, token_hash, password_digest, expires_at)
     select 1, 'old-' || n, sha256(('old-' || n)::bytea), '', ${at} ${many}`,
  );
  await app.sql(
    `insert into player_codes (brand_id, player_id, id, number, is_login, token_hash, code_hash, created_at, expires_at)
     select 1, 'old-' || n, gen_random_uuid(), '44-7400000009', false, sha256(('old-' || n)::bytea), '', ${at}, ${at} ${many}`,
  );
  await app.sql(
    `insert into attempt_counts (brand_id, key, window_at, attempts, expires_at)
     select 1, sha256(('old-' || n)::bytea), ${at}, 1, ${at} ${many}`,
  );
}

async function makeActs(): Promise<typeof acts> {
  const get = <T>(service: new (...args: never[]) => T): T => app.nest.get(service, { strict: false });
  const brand = await get(BrandCatalogue).get(1);
  const [details, info, requirements] = [
    get(PlayerDetailsService),
    get(PlayerInfoService),
    get(PlayerRequirementsService),
  ];
  const { auth_token: token } = await app.openSession('1001');
  const password = demoPassword;
  const logIn = (names: object) =>
    get(LoginService).logIn(brand, { ...names, password, network: '192.0.2.1' });
  const held = { token: 'code-3', playerId: 'many-3', isLogin: false };
  const validate = () => get(MobileVerificationService).validate(brand, held, 'wrong', '192.0.2.1');
  const ofMany = (act: (playerId: string) => Promise<unknown>) => () =>
    Promise.all(Array.from({ length: atOnce }, (_, index) => act(`many-${index + 1}`)));
  const find = (playerId: string) => details.find(1, playerId);
  const findInfo = (playerId: string) => info.find(1, playerId);
  const findCodes = (playerId: string) => requirements.findCodes(brand, playerId);
  return [
    ['a session', 1, () => get(SessionsService).verify(token)],
    ['the details of one', 1, () => find('many-1')],
    ['the details of many', atOnce, ofMany(find)],
    ['who one is', 1, () => findInfo('many-1')],
    ['who many are', atOnce, ofMany(findInfo)],
    ['what one has to do first', 1, () => findCodes('many-1')],
    ['what many have to do first', atOnce, ofMany(findCodes)],
    ['a token that waits for a code', 1, () => get(CodeTokensService).find(1, 'code-3')],
    ['the token of a log-in', 1, () => get(CodeTokensService).find(1, 'code-2')],
    // Each is several statements, all of them about one player.
    ['a log-in by name', 4, () => logIn({ username: 'Many-1' })],
    ['a log-in by address', 4, () => logIn({ email: 'many-1@example.com' })],
    ['a log-in that needs a code', 4, () => logIn({ username: 'many-2' })],
    ['a code that is wrong', 4, () => validate().catch(() => null)],
  ];
}

async function fill(): Promise<void> {
  const many = `from generate_series(1, ${players}) n`;
  await app.sql(
    `insert into marketing_states (brand_id, player_id, email) select 1, 'many-' || n, 1 ${many}`,
  );
  await app.sql(
    `insert into players (brand_id, player_id, has_details, first_name) select 1, 'many-' || n, true, 'Jane' ${many}`,
  );
  await app.sql(
    `insert into player_credentials (brand_id, player_id, username, username_key, email, email_key, password_hash, is_2fa_required)
     select 1, 'many-' || n, 'many-' || n, 'many-' || n, 'many-' || n || '@example.com', 'many-' || n || '@example.com',
       (select password_hash from player_credentials where player_id = '1001'), n = 2 ${many}`,
  );
  await app.sql(
    `insert into sessions (id, brand_id, player_id, token_hash, idle_ttl, expires_at)
     select gen_random_uuid(), 1, 'many-' || n, sha256(n::text::bytea), 1800, now() + interval '1 hour' ${many}`,
  );
  await app.sql(
    `insert into login_challenges (brand_id, player_id, token_hash, password_digest, expires_at)
     select 1, 'many-' || n, sha256((case n when 2 then 'code-2' else 'login-' || n end)::bytea), '', now() + interval '1 hour' ${many}`,
  );
  await app.sql(`update players set pending_mobile_number = '44-7400000003' where player_id = 'many-3'`);
  await app.sql(
    `insert into player_codes (brand_id, player_id, id, number, is_login, token_hash, code_hash, created_at, expires_at)
     select 1, 'many-' || n, gen_random_uuid(), '44-7400000003', false, sha256(('code-' || n)::bytea), '', now(), now() + interval '10 minutes'
     ${many} where n > 2`,
  );
  await app.sql(
    `insert into attempt_counts (brand_id, key, window_at, attempts, expires_at)
     select 1, sha256(n::text::bytea), now(), 1, now() + interval '1 hour' ${many}`,
  );
}

it('everything that players ask for is found by its keys, on tables that have filled since it was planned', async () => {
  for (const [what, about, act] of acts) {
    let answer: unknown;
    const reads = await counter.during(async () => {
      [answer] = [await act()].flat();
    });
    expect([what, Boolean(answer)]).toEqual([what, true]);
    expect([what, reads > 0 && reads <= readPerPlayer * about ? 'few' : reads]).toEqual([what, 'few']);
  }
});
