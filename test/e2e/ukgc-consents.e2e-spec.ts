import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { change, newPlayerId, printed } from '../support/consents.js';
import { crmError, errorText } from '../support/errors.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

interface EventRow {
  seq: string;
  before: number;
  after: number;
  kind: number;
  channel: number;
  actor: string;
  source: string;
}

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

const read = (player: string, token?: string) => app.call('GET', `/userconsents/${player}`, { token });
const post = (player: string, consents: unknown, headers: Record<string, string> = {}) =>
  app.call('POST', `/userconsents/${player}`, { body: { consents }, headers });
const eventsOf = (player: string) =>
  app.sql<EventRow>(
    `select seq, before, after, kind, channel, actor, source from consent_events
     where brand_id = 1 and player_id = $1 order by seq`,
    [player],
  );
const expectBody = (answer: Answer, status: number, body: string) => {
  expect(answer.text).toBe(body);
  expect(answer.status).toBe(status);
};

/** Sends a body that is to be refused, and sees to it that nothing was written. */
async function expectRefusal(body: unknown, error: string): Promise<void> {
  const before = await app.countRows();
  const answer = await app.call('POST', '/userconsents/refused', { body });
  expectBody(answer, 400, crmError(400, error));
  expect(await app.countRows()).toEqual(before);
}

describe('GET /userconsents/:userid', () => {
  it('prints all six types, each once, in order, with products in the order of the brand', async () => {
    const answer = await read('1001');
    expectBody(
      answer,
      200,
      '{"consents":[{"type":"email","opted_in":true,"products":["casino","sports"]},' +
        '{"type":"sms","opted_in":true,"products":["casino"]},' +
        '{"type":"siteNotification","opted_in":true,"products":["casino","sports","lottery"]},' +
        '{"type":"telephone","opted_in":true},{"type":"postMail","opted_in":true},' +
        '{"type":"pushNotification","opted_in":false}]}',
    );
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('prints the other demo players', async () => {
    expectBody(await read('1002'), 200, printed({ email: true, pushNotification: true }));
    expectBody(await read('1003'), 200, printed({ sms: ['lottery'] }));
  });

  it('prints six times false for a player with no recorded choice', async () => {
    expectBody(await read('1004'), 200, printed());
    const player = newPlayerId();
    await app.call('PUT', `/internal/players/${player}`, { body: {} });
    expectBody(await read(player), 200, printed());
  });

  it('prints six times false for a self-excluded player', async () => {
    expectBody(await read('1005'), 200, printed());
  });

  it('knows no player of another brand, nor one that nobody spoke of', async () => {
    expectBody(await read('nobody'), 404, crmError(404, errorText.userNotFound));
    expectBody(await read('1001', otherBrandKey), 404, crmError(404, errorText.userNotFound));
  });

  it('takes ids of 1 to 64 letters, digits, _ and -', async () => {
    for (const id of ['a', 'A_b-9', 'x'.repeat(64), 'Import', '0']) {
      expectBody(await read(id), 404, crmError(404, errorText.userNotFound));
    }
    for (const id of ['import', 'withdraw', 'a%20b', 'a.b', '%2e%2e', 'a%2Fb', 'x'.repeat(65), '%C3%BC']) {
      expectBody(await read(id), 400, crmError(400, errorText.badUserId));
      expect((await app.call('POST', `/userconsents/${id}`, { body: {}, offDocument: true })).status).toBe(
        400,
      );
    }
  });

  it('reads its own writes', async () => {
    const player = newPlayerId();
    for (let round = 0; round < 20; round++) {
      await post(player, change('email', round % 2 === 0));
      expectBody(await read(player), 200, printed(round % 2 === 0 ? { email: true } : {}));
    }
  });

  it('ignores query keys that it does not know, and the trailing slash', async () => {
    const expected = printed({ sms: ['lottery'] });
    expectBody(await app.call('GET', '/userconsents/1003?utm=1&x[]=2'), 200, expected);
    expectBody(await app.call('GET', '/userconsents/1003/'), 200, expected);
  });
});

describe('POST /userconsents/:userid, the four bodies', () => {
  it('takes an object, as the seed prints it', async () => {
    const body =
      '{"consents":{"channel":"email","opted_in":true,"products":["casino","sportsbook","lottery"]}}';
    const answer = await app.call('POST', `/userconsents/${newPlayerId()}`, { body });
    expectBody(
      answer,
      200,
      '{"consents":[{"type":"email","opted_in":true,"products":["casino","sports","lottery"]},' +
        '{"type":"sms","opted_in":false},{"type":"siteNotification","opted_in":false},' +
        '{"type":"telephone","opted_in":false},{"type":"postMail","opted_in":false},' +
        '{"type":"pushNotification","opted_in":false}]}',
    );
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('takes a list of one', async () => {
    expectBody(await post('1002', [change('email', false)]), 200, printed({ pushNotification: true }));
  });

  it('takes a list of up to six', async () => {
    const all = ['pushNotification', 'postMail', 'telephone', 'siteNotification', 'sms', 'email'];
    const answer = await post(
      newPlayerId(),
      all.map((type) => change(type, true)),
    );
    expectBody(
      answer,
      200,
      printed({
        email: true,
        sms: true,
        siteNotification: true,
        telephone: true,
        postMail: true,
        pushNotification: true,
      }),
    );
  });

  it('takes lists with products', async () => {
    const one = await post(newPlayerId(), [change('sms', true, ['bingo', 'casino'])]);
    expectBody(one, 200, printed({ sms: ['casino', 'bingo'] }));
    const three = await post(newPlayerId(), [
      change('telephone', true, ['lottery']),
      { channel: 'postMail', opted_in: true, products: ['sports'] },
      change('email', false, ['casino']),
    ]);
    expectBody(three, 200, printed({ telephone: ['lottery'], postMail: ['sports'] }));
  });

  it('takes type and channel as two names of one key', async () => {
    const both = { type: 'email', channel: 'email', opted_in: true };
    expectBody(await post(newPlayerId(), both), 200, printed({ email: true }));
    await expectRefusal({ consents: { ...both, channel: 'sms' } }, errorText.channelsDiffer);
    await expectRefusal({ consents: { opted_in: true } }, errorText.channelMissing);
  });

  it('takes a known misprint for what it means', async () => {
    const answer = await post(newPlayerId(), { channel: 'siteNotifiction', opted_in: true });
    expectBody(answer, 200, printed({ siteNotification: true }));
    await expectRefusal(
      { consents: [change('siteNotifiction', true), change('siteNotification', true)] },
      errorText.channelTwice(1, 'siteNotification'),
    );
  });

  it('ignores keys that it does not know', async () => {
    const player = newPlayerId();
    const body = {
      consents: { ...change('email', true), reason: 'x', consents: [] },
      brand_id: 2,
      user: 'y',
    };
    expectBody(await app.call('POST', `/userconsents/${player}`, { body }), 200, printed({ email: true }));
    expect(await app.sql('select brand_id from marketing_states where player_id = $1', [player])).toEqual([
      { brand_id: 1 },
    ]);
  });
});

describe('POST /userconsents/:userid, the effect of an item', () => {
  it('opts out of the whole channel, with or without products', async () => {
    const player = newPlayerId();
    await post(player, [change('email', true, ['casino', 'sports']), change('sms', true)]);
    expectBody(await post(player, change('email', false, ['casino'])), 200, printed({ sms: true }));
    expectBody(await post(player, change('sms', false, ['of another brand'])), 200, printed());
    expectBody(await read(player), 200, printed());
  });

  it('replaces the products of a channel', async () => {
    const player = newPlayerId();
    await post(player, change('email', true, ['casino', 'sports']));
    const answer = await post(player, change('email', true, ['sports', 'lottery', 'lottery']));
    expectBody(answer, 200, printed({ email: ['sports', 'lottery'] }));
  });

  it('takes no products key for a consent that is not product-specific', async () => {
    const player = newPlayerId();
    await post(player, change('email', true, ['casino']));
    expectBody(await post(player, change('email', true)), 200, printed({ email: true }));
  });

  it('takes an empty list of products for a withdrawal', async () => {
    const player = newPlayerId();
    await post(player, [change('email', true), change('sms', true, ['casino'])]);
    expectBody(await post(player, change('email', true, [])), 200, printed({ sms: ['casino'] }));
    expectBody(await post(player, change('sms', true, [])), 200, printed());
    expect((await eventsOf(player)).slice(2).map(({ after, kind }) => [after, kind])).toEqual([
      [0, 3],
      [0, 3],
    ]);
  });

  it('writes nothing when nothing changes', async () => {
    const player = newPlayerId();
    const grant = [change('email', true, ['casino', 'sports']), change('sms', false)];
    await post(player, grant);
    const rows = () =>
      app.sql(
        `select s.*, s.xmin::text, s.ctid::text, (select count(*) from consent_events e
           where e.brand_id = s.brand_id and e.player_id = s.player_id) as events
         from marketing_states s where s.brand_id = 1 and s.player_id = $1`,
        [player],
      );
    const before = await rows();
    const counts = await app.countRows();
    const aliased = [change('sms', false), change('email', true, ['sportsbook', 'casino'])];
    expectBody(await post(player, grant), 200, printed({ email: ['casino', 'sports'] }));
    expectBody(await post(player, aliased), 200, printed({ email: ['casino', 'sports'] }));
    expect(await rows()).toEqual(before);
    expect(await app.countRows()).toEqual(counts);
  });

  it('creates an unknown player, be it for a withdrawal', async () => {
    const player = newPlayerId();
    expectBody(await post(player, change('email', false)), 200, printed());
    expectBody(await read(player), 200, printed());
    expect(await eventsOf(player)).toEqual([]);
  });

  it('takes aliases and prints the canonical name', async () => {
    const answer = await post(newPlayerId(), change('email', true, ['sportsbook']));
    expectBody(answer, 200, printed({ email: ['sports'] }));
  });

  it('applies all items or none', async () => {
    const player = newPlayerId();
    await post(player, change('sms', true));
    const refused = await post(player, [
      change('email', true),
      change('sms', false),
      change('postMail', true, ['slots']),
    ]);
    expectBody(refused, 400, crmError(400, errorText.unknownProduct('consents[2].products', 'slots')));
    expectBody(await read(player), 200, printed({ sms: true }));
  });

  it('refuses a consent without products where the brand requires them, and prints older ones as out', async () => {
    const token = otherBrandKey;
    const player = newPlayerId();
    const send = (consents: unknown) =>
      app.call('POST', `/userconsents/${player}`, { token, body: { consents } });
    expectBody(
      await send([change('email', true), change('postMail', true)]),
      200,
      printed({ email: true, postMail: true }),
    );
    const productsRequiredOn = ['email', 'sms', 'telephone'];
    await app.call('PATCH', '/api/brands/2', { token, body: { productsRequiredOn } });

    expectBody(await read(player, token), 200, printed({ postMail: true }));
    for (const channel of productsRequiredOn) {
      expectBody(await send(change(channel, true)), 400, crmError(400, errorText.productsMissing(channel)));
    }
    expectBody(
      await send(change('email', true, ['casino'])),
      200,
      printed({ email: ['casino'], postMail: true }),
    );
    expectBody(
      await send(change('siteNotification', true)).then((answer) => answer),
      200,
      printed({
        email: ['casino'],
        siteNotification: true,
        postMail: true,
      }),
    );
    expectBody(
      await send(change('email', true, [])),
      200,
      printed({ siteNotification: true, postMail: true }),
    );
    await app.call('PATCH', '/api/brands/2', { token, body: { productsRequiredOn: [] } });
  });

  it('keeps the brands apart: the same id is two players', async () => {
    const player = newPlayerId();
    await post(player, change('email', true, ['lottery']));
    const body = { consents: change('sms', true, ['sports']) };
    const other = await app.call('POST', `/userconsents/${player}`, { token: otherBrandKey, body });
    expectBody(other, 200, printed({ sms: ['sports'] }));
    expectBody(await read(player), 200, printed({ email: ['lottery'] }));
    const foreign = await app.call('POST', `/userconsents/${player}`, {
      token: otherBrandKey,
      body: { consents: change('sms', true, ['lottery']) },
    });
    expectBody(
      foreign,
      400,
      crmError(400, errorText.unknownProduct('consents[0].products', 'lottery', 'casino, sports')),
    );
  });
});

describe('POST /userconsents/:userid, bad input', () => {
  const cases: [string, unknown, string][] = [
    ['no consents', {}, errorText.consentsNotAList],
    ['consents null', { consents: null }, errorText.consentsNotAList],
    ['consents a text', { consents: 'email' }, errorText.consentsNotAList],
    ['an empty list', { consents: [] }, errorText.consentsEmpty],
    ['an item that is no object', { consents: [1] }, errorText.consentNotAnObject],
    [
      'more than six items',
      { consents: Array.from({ length: 7 }, () => change('email', true)) },
      errorText.consentsTooMany,
    ],
    ['a list for a body', [], errorText.notAnObject],
    ['null for a body', 'null', errorText.notAnObject],
    ['an unknown channel', { consents: change('fax', true) }, errorText.unknownChannel('consents[0].type')],
    ['another case', { consents: change('Email', true) }, errorText.unknownChannel('consents[0].type')],
    ['the gateway’s chat', { consents: change('chat', true) }, errorText.unknownChannel('consents[0].type')],
    [
      'a channel of an object',
      { consents: change('toString', true) },
      errorText.unknownChannel('consents[0].type'),
    ],
    [
      'an unknown channel by its other name',
      { consents: { channel: 'fax', opted_in: true } },
      errorText.unknownChannel('consents[0].channel'),
    ],
    ['type null', { consents: { type: null, opted_in: true } }, errorText.unknownChannel('consents[0].type')],
    [
      'the same channel twice',
      { consents: [change('email', true), { channel: 'email', opted_in: false }] },
      errorText.channelTwice(1, 'email'),
    ],
    ['opted_in missing', { consents: { type: 'email' } }, errorText.notBoolean],
    ['opted_in the text "true"', { consents: change('email', 'true') }, errorText.notBoolean],
    ['opted_in 1', { consents: change('email', 1) }, errorText.notBoolean],
    ['opted_in null', { consents: change('email', null) }, errorText.notBoolean],
    ['products a text', { consents: change('email', true, 'casino') }, errorText.productsNotAList],
    ['products null', { consents: { ...change('email', true), products: null } }, errorText.productsNotAList],
    ['products numbers', { consents: change('email', true, [1]) }, errorText.productsNotTexts],
    ['products lists', { consents: change('email', true, [['casino']]) }, errorText.productsNotTexts],
    [
      'too many products',
      {
        consents: change(
          'email',
          true,
          Array.from({ length: 101 }, () => 'casino'),
        ),
      },
      errorText.tooManyProducts,
    ],
    [
      'an unknown product',
      { consents: change('email', true, ['casino', 'slots']) },
      errorText.unknownProduct('consents[0].products', 'slots'),
    ],
    [
      'a product in another case',
      { consents: change('email', true, ['Casino']) },
      errorText.unknownProduct('consents[0].products', 'Casino'),
    ],
    [
      'a product of every object',
      { consents: change('email', true, ['__proto__']) },
      errorText.unknownProduct('consents[0].products', '__proto__'),
    ],
    [
      'an empty product',
      { consents: change('email', true, ['']) },
      errorText.unknownProduct('consents[0].products', ''),
    ],
  ];

  it.each(cases)('refuses %s, and writes nothing', (_name, body, error) => expectRefusal(body, error));
});

describe('POST /userconsents/:userid, the record', () => {
  const headers = {
    'user-agent': 'CRM/1.0',
    origin: 'https://crm.example',
    'x-forwarded-for': '203.0.113.9',
  };

  it('appends one event for each channel that changed, as one act, with actor, source and evidence', async () => {
    const player = newPlayerId();
    await post(player, [change('sms', true)]);
    await post(
      player,
      [change('email', true, ['casino', 'sports']), change('sms', false), change('postMail', false)],
      headers,
    );
    expect(await eventsOf(player)).toEqual([
      { seq: '1', before: 0, after: 1, kind: 1, channel: 2, actor: 'client:demo', source: 'userconsents' },
      { seq: '2', before: 0, after: 7, kind: 1, channel: 1, actor: 'client:demo', source: 'userconsents' },
      { seq: '3', before: 1, after: 0, kind: 3, channel: 2, actor: 'client:demo', source: 'userconsents' },
    ]);
    const evidence = await app.sql(
      `select distinct v.evidence, e.act_id = v.act_id as same_act,
         e.evidence_hash = sha256(v.salt || convert_to(v.evidence, 'UTF8')) as bound, octet_length(v.salt) as salt
       from consent_events e join event_evidence v using (brand_id, player_id, act_id, recorded_at)
       where e.brand_id = 1 and e.player_id = $1 and e.seq > 1`,
      [player],
    );
    expect(evidence).toEqual([
      {
        evidence: '{"ip":"127.0.0.1","user_agent":"CRM/1.0","origin":"https://crm.example"}',
        same_act: true,
        bound: true,
        salt: 16,
      },
    ]);
  });

  it('writes the outbox row with the change, and none when nothing changed or the CRM is off', async () => {
    const outbox = (player: string) =>
      app.sql('select kind, seq from outbox where brand_id = 2 and player_id = $1 order by id', [player]);
    const token = otherBrandKey;
    const player = newPlayerId();
    const send = (consents: unknown) =>
      app.call('POST', `/userconsents/${player}`, { token, body: { consents } });
    await send(change('sms', true));
    expect(await outbox(player)).toEqual([]);

    const crm = { enabled: true, baseUrl: 'https://crm.example' };
    await app.call('PATCH', '/api/brands/2', { token, body: { crm } });
    await send([change('email', true), change('sms', false)]);
    await send([change('email', true), change('sms', false)]);
    await send(change('email', true, ['nothing of ours']));
    await send(change('email', false));
    expect(await outbox(player)).toEqual([
      { kind: 1, seq: '3' },
      { kind: 1, seq: '4' },
    ]);
    await app.call('PATCH', '/api/brands/2', { token, body: { crm: { enabled: false } } });
  });

  it('keeps only the network of an address where the brand does not keep whole ones', async () => {
    const token = otherBrandKey;
    await app.call('PATCH', '/api/brands/2', { token, body: { storeFullIp: false } });
    const player = newPlayerId();
    const body = { consents: change('sms', true) };
    await app.call('POST', `/userconsents/${player}`, {
      token,
      body,
      headers: { 'user-agent': 'x'.repeat(600) },
    });
    const [row] = await app.sql<{ evidence: string }>(
      'select evidence from event_evidence where brand_id = 2 and player_id = $1',
      [player],
    );
    expect(JSON.parse(row?.evidence ?? '')).toEqual({ ip: '127.0.0.0', user_agent: 'x'.repeat(500) });
    await app.call('PATCH', '/api/brands/2', { token, body: { storeFullIp: true } });
  });
});
