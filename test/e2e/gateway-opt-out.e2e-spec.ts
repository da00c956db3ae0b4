import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type ChannelName, newPlayerId, printed } from '../support/consents.js';
import { CrmServer, eventually } from '../support/crm-server.js';
import { becomeJane, detailsPath, gatewayError, printedDetails } from '../support/details.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;
const crm = new CrmServer();
let player: string;
let token: string;

beforeAll(async () => {
  await crm.start();
  app = await createTestApp({ deliveries: true });
  await setBrand({ crm: { enabled: true, baseUrl: crm.url } });
});
afterAll(async () => {
  await app?.close();
  await crm.stop();
});
beforeEach(async () => {
  player = newPlayerId();
  token = await becomeJane(app, player);
});

const setBrand = (body: object) => app.call('PATCH', '/api/brands/1', { body });
const put = async (body: unknown) => {
  const { status, text } = await app.call('PUT', detailsPath, { token, body });
  return [status, text];
};
const saved = [204, ''];
const refused = [400, gatewayError.input];
const tell = async (consents: object[], id = player) => {
  const answer = await app.call('POST', `/userconsents/${id}`, { body: { consents } });
  expect(answer.status).toBe(200);
};
const consents = async () => (await app.call('GET', `/userconsents/${player}`)).text;
const optOut = async () =>
  (await app.call('GET', detailsPath, { token })).as<{ optOut: Record<string, boolean> }>().optOut;
const out = (others: Record<string, boolean> = {}) => ({
  ...{ chat: true, sms: true, email: true, phone: true },
  ...others,
});
const gone = () =>
  eventually(async () => {
    const rows = await app.sql('select from outbox where brand_id = 1 and player_id = $1', [player]);
    return rows.length === 0;
  });
interface Event {
  channel: string;
  before: object;
  after: object;
  actor: string;
  source: string;
  evidence: Record<string, unknown> | null;
}
const events = async () =>
  (await app.call('GET', `/userconsents/${player}/history`)).as<{ events: Event[] }>().events;

/** The gateway's names of the channels that the CRM knows, too. */
const channels: [name: string, channel: ChannelName][] = [
  ['sms', 'sms'],
  ['email', 'email'],
  ['phone', 'telephone'],
];

describe.each(channels)('optOut.%s', (name, channel) => {
  it('is what the CRM says, and the CRM hears what becomes of it here', async () => {
    expect(await optOut()).toEqual(out());
    await tell([{ type: channel, opted_in: true, products: ['casino'] }]);
    expect(await optOut()).toEqual(out({ [name]: false }));
    await eventually(() => crm.about(player).length === 1);

    // In is what it is already, with its product.
    expect(await put({ optOut: { [name]: false } })).toEqual(saved);
    expect(await consents()).toBe(printed({ [channel]: ['casino'] }));
    expect(await events()).toHaveLength(1);

    expect(await put({ optOut: { [name]: true } })).toEqual(saved);
    expect(await consents()).toBe(printed());
    expect(await optOut()).toEqual(out());
    await eventually(() => crm.about(player).length === 2);

    expect(await put({ optOut: { [name]: false } })).toEqual(saved);
    expect(await consents()).toBe(printed({ [channel]: true }));
    expect(await optOut()).toEqual(out({ [name]: false }));
    await eventually(() => crm.about(player).length === 3);
    await gone();
    expect(crm.about(player).map(({ method, path }) => [method, path])).toEqual(
      Array.from({ length: 3 }, () => ['PUT', '/v2/integration/user/consents']),
    );
    expect(crm.about(player).at(-1)?.body).toMatchObject({ user_id: player, origin: 'demo.example' });
    const by = { actor: 'player', source: 'gateway', evidence: { ip: '127.0.0.1' } };
    expect((await events()).slice(0, 2)).toMatchObject([
      { channel, before: { opted_in: false }, after: { opted_in: true }, ...by },
      { channel, before: { opted_in: true, products: ['casino'] }, after: { opted_in: false }, ...by },
    ]);
    const kept = await app.sql(
      'select field, before, after from player_changes where player_id = $1 order by id',
      [player],
    );
    expect(kept).toEqual([
      { field: `optOut.${name}`, before: 'false', after: 'true' },
      { field: `optOut.${name}`, before: 'true', after: 'false' },
    ]);
  });

  it('cannot come in without products where the brand wants them', async () => {
    await setBrand({ productsRequiredOn: [channel] });
    try {
      expect(await put({ city: 'Leeds', optOut: { [name]: false } })).toEqual(refused);
      expect((await app.call('GET', detailsPath, { token })).text).toBe(printedDetails());
      await tell([{ type: channel, opted_in: true, products: ['sports'] }]);
      expect(await put({ city: 'Leeds', optOut: { [name]: false } })).toEqual(saved);
      expect(await consents()).toBe(printed({ [channel]: ['sports'] }));
      expect(await put({ optOut: { [name]: true } })).toEqual(saved);
      expect(await consents()).toBe(printed());
    } finally {
      await setBrand({ productsRequiredOn: [] });
    }
  });
});

describe('optOut', () => {
  it('has a channel that only the gateway shows', async () => {
    expect(await put({ optOut: { chat: false } })).toEqual(saved);
    expect(await optOut()).toEqual(out({ chat: false }));
    expect(await consents()).toBe(printed());
    expect(await put({ optOut: { chat: true } })).toEqual(saved);
    expect(await optOut()).toEqual(out());
  });

  const wordings: [string, object][] = [
    ['JSON text', { optOut: '{"sms": false, "chat": false, "fax": 1}' }],
    ['an object', { optOut: { sms: false, chat: false, fax: 1 } }],
    ['keys with a dot', { 'optOut.sms': false, 'optOut.chat': false }],
    ['both', { optOut: { sms: false }, 'optOut.chat': false, 'optOut.sms': false }],
  ];
  it.each(wordings)('is taken as %s, in one act with the details', async (_name, body) => {
    expect(await put({ ...body, city: 'Leeds' })).toEqual(saved);
    const details = printedDetails({ city: 'Leeds', optOut: out({ sms: false, chat: false }) });
    expect((await app.call('GET', detailsPath, { token })).text).toBe(details);
    const acts = await app.sql<{ events: number; acts: number }>(
      `select count(*)::integer as events, count(distinct act_id)::integer as acts
       from consent_events where brand_id = 1 and player_id = $1`,
      [player],
    );
    expect(acts).toEqual([{ events: 2, acts: 1 }]);
  });

  const wrong: [string, object][] = [
    ['a text that is no JSON', { optOut: '{"sms": fal' }],
    ['a text of another kind', { optOut: '["sms"]' }],
    ['a key twice', { optOut: '{"sms": false, "sms": true}' }],
    ['null', { optOut: null }],
    ['a list', { optOut: [] }],
    ['a boolean', { optOut: true }],
    ['a text for a boolean', { optOut: { sms: 'false' } }],
    ['null for a boolean', { optOut: { sms: null } }],
    ['a number with a dot', { 'optOut.sms': 0 }],
    ['a contradiction', { optOut: { sms: false }, 'optOut.sms': true }],
  ];
  it.each(wrong)('is refused as %s, and nothing is saved', async (_name, body) => {
    const before = await app.countRows();
    expect(await put({ ...body, city: 'Leeds', 'optOut.chat': false })).toEqual(refused);
    expect((await app.call('GET', detailsPath, { token })).text).toBe(printedDetails());
    expect(await app.countRows()).toEqual(before);
  });

  it('of somebody who is out anyway is an answer all the same, and no event', async () => {
    expect(await put({ optOut: { email: true } })).toEqual(saved);
    const [state] = await app.sql(
      `select email_set_at is not null as email, sms_set_at is not null as sms, seq::integer
       from marketing_states where brand_id = 1 and player_id = $1`,
      [player],
    );
    expect(state).toEqual({ email: true, sms: false, seq: 0 });
    expect(await app.sql('select from player_changes where player_id = $1', [player])).toEqual([]);
  });

  it('is always taken from who is excluded, who cannot come in', async () => {
    await tell([{ type: 'email', opted_in: true }]);
    await app.call('PUT', `/internal/players/${player}/blocks`, { body: { excluded: { active: true } } });
    expect(await optOut()).toEqual(out());
    expect(await put({ city: 'Leeds', optOut: { email: false } })).toEqual(refused);
    expect(await put({ city: 'Leeds', optOut: { email: true } })).toEqual(saved);
    expect(await consents()).toBe(printed());
  });

  it('that comes in while the CRM names products never undoes that', async () => {
    const players = Array.from({ length: 8 }, newPlayerId);
    const sessions = await Promise.all(players.map((id) => becomeJane(app, id)));
    const comeIn = { optOut: { email: false }, city: 'Leeds' };
    await Promise.all(
      players.flatMap((id, index) => [
        tell([{ type: 'email', opted_in: true, products: ['casino'] }], id),
        app.call('PUT', detailsPath, { token: sessions[index], body: comeIn }),
      ]),
    );
    for (const id of players)
      expect((await app.call('GET', `/userconsents/${id}`)).text).toBe(printed({ email: ['casino'] }));
  });

  it('follows the brand’s rules of the moment, whatever this instance remembers', async () => {
    await app.call('GET', detailsPath, { token });
    await app.sql('update brands set products_required_on = 2 where id = 1');
    try {
      expect(await put({ optOut: { email: false } })).toEqual(refused);
    } finally {
      await setBrand({ productsRequiredOn: [] });
    }
  });
});
