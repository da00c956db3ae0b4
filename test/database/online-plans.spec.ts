import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { SessionsService } from '../../src/auth/sessions.service.js';
import { BrandCatalogue } from '../../src/brands/brand-catalogue.js';
import type { BrandSettings } from '../../src/brands/brand-settings.js';
import { GameSessionsService } from '../../src/players/game-sessions.service.js';
import { OnlineStatusService } from '../../src/players/online-status.service.js';
import { PlayerActivityService } from '../../src/players/player-activity.service.js';
import { PlayerEventsService } from '../../src/players/player-events.service.js';
import { WageringService } from '../../src/players/wagering.service.js';
import { ReadCounter } from '../support/read-counter.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const players = 5000;
/** Rows and index entries of one player, of whatever an act reads and writes; a batch also reads its own events. */
const readPerAct = 60;
const tables =
  '^(marketing_states|players|player_credentials|player_activity|player_events|sessions|game_sessions)$';

let app: TestApp;
let brand: BrandSettings;

beforeAll(async () => {
  // One connection, so that what is planned on empty tables is what meets the full ones.
  app = await createTestApp({ environment: { DATABASE_POOL_SIZE: '1' } });
  brand = await app.nest.get(BrandCatalogue, { strict: false }).get(2);
});
afterAll(() => app?.close());

/** Everything that is asked or told of players who are online, of one whose name begins so. */
async function listActs(name: string): Promise<[what: string, act: () => Promise<unknown>][]> {
  const find = <T>(service: abstract new (...args: never[]) => T): T =>
    app.nest.get<T>(service, { strict: false });
  const [online, events, games] = [
    find(OnlineStatusService),
    find(PlayerEventsService),
    find(GameSessionsService),
  ];
  const [activity, wagering, sessions] = [
    find(PlayerActivityService),
    find(WageringService),
    find(SessionsService),
  ];
  const session = await sessions.open(2, name);
  const game = await games.open(2, name, 'starburst');
  const event = (type: string, at: Date) => ({ id: uuidv7(), type, amount: 1, at: at.toISOString() });
  const change = {
    figures: { billboard: 'x' },
    money: {},
    rounds: 3,
    balance: 1,
    actor: 'test',
    evidence: '{}',
  };
  const earlier = new Date(Date.now() - 60_000);
  return [
    ['the status', () => online.read(brand, name, session.id)],
    ['the status in a game', () => online.readInGame(brand, game, null)],
    [
      'events',
      () => events.record(2, name, [event('bet', new Date()), event('wagering_complete', new Date())]),
    ],
    [
      'events of before the log-in',
      () => events.record(2, name, [event('bet', earlier), event('win', earlier)]),
    ],
    ['figures', () => activity.put(2, name, change)],
    ['a log-in', () => sessions.open(2, name)],
    ['a game that opens', () => games.open(2, name, 'starburst')],
    ['a wagering', () => wagering.find(2, name, 'bonus')],
  ];
}

it('players who are online are found by their keys, however it was planned', async () => {
  await app.sql(`insert into marketing_states (brand_id, player_id) values (2, 'first')`);
  await complete('first');
  // PostgreSQL keeps a plan for all values after five.
  for (const [, act] of await listActs('first')) for (let time = 0; time < 8; time++) await act();
  await app.sql(
    `insert into marketing_states (brand_id, player_id) select 2, 'many-' || n from generate_series(1, ${players}) n`,
  );
  await complete('many-%');
  const counted = await listActs('many-77');
  const counter = await ReadCounter.start(app, tables);
  for (const [what, act] of counted) {
    const read = await counter.during(act);
    expect([what, read <= readPerAct ? 'few' : read]).toEqual([what, 'few']);
  }
});

/** Gives players what there is of one who plays. */
async function complete(names: string): Promise<void> {
  const of = `from marketing_states where brand_id = 2 and player_id like '${names}'`;
  const keys = 'brand_id, player_id';
  await app.sql(`insert into players (${keys}, has_details, currency) select ${keys}, true, 'EUR' ${of}`);
  await app.sql(`insert into player_credentials (${keys}, reality_check) select ${keys}, '15_min' ${of}`);
  await app.sql(
    `insert into player_activity (${keys}, real_balance, wagering_balance) select ${keys}, 1, 1 ${of}`,
  );
  await app.sql(
    `insert into player_events (${keys}, id, type, amount, at) select ${keys}, 'bonus', 5, 1, now() ${of}`,
  );
  await app.sql(`
    insert into sessions (id, ${keys}, token_hash, idle_ttl, expires_at)
    select gen_random_uuid(), ${keys}, sha256(player_id::bytea), 3600, now() + interval '1 day' ${of}`);
  await app.sql(`
    insert into game_sessions (${keys}, id_hash, game_id, expires_at, login_at, start_rounds, start_bets, start_wins)
    select ${keys}, sha256(player_id::bytea), 'x', now() + interval '1 day', now(), 0, 0, 0 ${of}`);
}
