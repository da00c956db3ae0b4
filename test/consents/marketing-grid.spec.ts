import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { GridChoice } from '../../src/consents/marketing-grid.js';
import { MarketingGridService } from '../../src/consents/marketing-grid.service.js';
import { change, newPlayerId } from '../support/consents.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;
let grids: MarketingGridService;

beforeAll(async () => {
  app = await createTestApp();
  grids = app.nest.get(MarketingGridService, { strict: false });
});
afterAll(() => app?.close());

const statement = { version: '3', language: 'de', text: 'Ich willige ein.' };
const record = (playerId: string, choices: GridChoice[]) =>
  grids.record({
    brandId: 1,
    playerId,
    choices,
    statement,
    actor: 'player',
    source: 'test',
    facts: { ip: '192.0.2.1' },
  });
const choose = (channel: GridChoice['channel'], product: string | null, optedIn: boolean): GridChoice => ({
  channel,
  product,
  optedIn,
});
const post = (playerId: string, ...consents: object[]) =>
  app.call('POST', `/userconsents/${playerId}`, { body: { consents } });
const askOf = (playerId: string) =>
  app.sql<Record<string, unknown>>(
    'select statement_version, language, source from marketing_asks where brand_id = 1 and player_id = $1',
    [playerId],
  );

describe('an answered form', () => {
  it('is one act with an event a channel, that says what was shown, and that the player was asked', async () => {
    const player = newPlayerId();
    const { choices } = await record(player, [
      choose('email', 'casino', true),
      choose('email', 'sportsbook', true),
      choose('postMail', null, true),
    ]);
    expect(
      choices.filter(({ optedIn }) => optedIn).map(({ channel, product }) => [channel, product]),
    ).toEqual([
      ['email', 'casino'],
      ['email', 'sports'],
      ['postMail', null],
    ]);
    const events = await app.sql<{ act_id: string; source: string; actor: string; evidence: string }>(
      `select e.act_id, e.source, e.actor, v.evidence from consent_events e join event_evidence v using (brand_id, player_id, act_id)
       where e.player_id = $1`,
      [player],
    );
    expect(events).toHaveLength(2);
    expect(new Set(events.map(({ act_id }) => act_id)).size).toBe(1);
    expect(events[0]).toMatchObject({ source: 'test', actor: 'player' });
    expect(JSON.parse(events[0]?.evidence ?? '')).toEqual({ ip: '192.0.2.1', statement });
    expect(await askOf(player)).toEqual([{ statement_version: '3', language: 'de', source: 'test' }]);
  });

  it('that changes nothing says that the player was asked, and nothing else', async () => {
    const before = await app.countRows();
    await record('1001', [choose('email', 'casino', true)]);
    expect(await app.countRows()).toEqual(before);
    expect(await askOf('1001')).toHaveLength(1);
  });

  it('that is refused leaves nothing', async () => {
    const player = newPlayerId();
    await expect(record(player, [choose('email', 'poker', true)])).rejects.toThrow('no choice product');
    expect(await askOf(player)).toEqual([]);
    await expect(record('1005', [choose('sms', 'casino', true)])).rejects.toThrow('self-excluded');
    expect(await askOf('1005')).toEqual([]);
  });

  it('in many places at once loses no choice', async () => {
    const player = newPlayerId();
    const products = ['casino', 'sports', 'lottery', 'bingo'];
    await Promise.all(products.map((product) => record(player, [choose('email', product, true)])));
    const { choices } = await grids.read(1, player);
    expect(choices.filter(({ optedIn }) => optedIn)).toHaveLength(4);
    await Promise.all(products.map((product) => record(player, [choose('email', product, false)])));
    expect((await grids.read(1, player)).state?.email).toBe(0);
  });
});

describe('who is to be asked', () => {
  it('is who neither has opted out nor was asked', async () => {
    const isAsked = (player: string) => grids.isToBeAsked(1, player);
    const player = newPlayerId();
    expect(await isAsked(player)).toBe(false);
    await app.call('PUT', `/internal/players/${player}`, { body: {} });
    expect(await isAsked(player)).toBe(true);
    // An opt-out that changes nothing is one as well.
    await post(player, change('email', false));
    expect(await isAsked(player)).toBe(false);
    await post(player, change('sms', true));
    expect(await isAsked(player)).toBe(true);
    for (const blocks of [{ blocked: { active: true } }, { excluded: { active: true } }]) {
      const other = newPlayerId();
      await post(other, change('email', true));
      await app.call('PUT', `/internal/players/${other}/blocks`, { body: blocks });
      expect(await isAsked(other)).toBe(false);
    }
    await record(player, []);
    expect(await isAsked(player)).toBe(false);
    await post(player, change('telephone', true));
    expect(await isAsked(player)).toBe(false);
    expect(await grids.isToBeAsked(2, player)).toBe(false);
  });
});
