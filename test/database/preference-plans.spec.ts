import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { MarketingGridService } from '../../src/consents/marketing-grid.service.js';
import { ReadCounter } from '../support/read-counter.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const players = 5000;
/** Rows and index entries for one player: of the state, the player's language, and whether the form was answered. */
const readPerAct = 20;
const tables = '^(marketing_states|players|marketing_asks)$';

let app: TestApp;
let grids: MarketingGridService;

beforeAll(async () => {
  // One connection, so that what is planned on empty tables is what meets the full ones.
  app = await createTestApp({ environment: { DATABASE_POOL_SIZE: '1' } });
  grids = app.nest.get(MarketingGridService, { strict: false });
});
afterAll(() => app?.close());

it('the form and who is to be asked are found by primary key, however they were planned', async () => {
  const acts: [string, () => Promise<unknown>][] = [
    ['the form', () => grids.read(1, 'many-1')],
    ['who is to be asked', () => grids.isToBeAsked(1, 'many-2')],
  ];
  // PostgreSQL keeps a plan for all values after five.
  for (const [, act] of acts) for (let time = 0; time < 8; time++) await act();
  await app.sql(
    `insert into marketing_states (brand_id, player_id, email) select 1, 'many-' || n, 1 from generate_series(1, ${players}) n`,
  );
  await app.sql(
    `insert into players (brand_id, player_id, language) select 1, 'many-' || n, 'de' from generate_series(1, ${players}) n`,
  );
  await app.sql(
    `insert into marketing_asks (brand_id, player_id, asked_at, statement_version, language, source)
     select 1, 'many-' || n, now(), '1', 'de', 'test' from generate_series(3, ${players}) n`,
  );
  expect((await grids.read(1, 'many-1')).language).toBe('de');
  expect(await grids.isToBeAsked(1, 'many-2')).toBe(true);
  expect(await grids.isToBeAsked(1, 'many-3')).toBe(false);
  const counter = await ReadCounter.start(app, tables);
  for (const [what, act] of acts) {
    const read = await counter.during(act);
    expect([what, read <= readPerAct ? 'few' : read]).toEqual([what, 'few']);
  }
});
