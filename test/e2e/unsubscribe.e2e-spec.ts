import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defaultStatement } from '../../src/brands/statement.js';
import { developmentSecretKey } from '../../src/config/config.js';
import { LinkTokens, today } from '../../src/unsubscribe/link-tokens.js';
import { change, newPlayerId, printed, type Consents } from '../support/consents.js';
import { crmError, errorText, problem } from '../support/errors.js';
import { mint, oneClick } from '../support/links.js';
import { RawConnection } from '../support/raw-http.js';
import { createTestApp, demoKey, otherBrandKey, type TestApp } from '../support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

const post = (player: string, ...consents: object[]) =>
  app.call('POST', `/userconsents/${player}`, { body: { consents } });
const expectConsents = async (player: string, consents: Consents, token?: string) =>
  expect((await app.call('GET', `/userconsents/${player}`, { ...(token && { token }) })).text).toBe(
    printed(consents),
  );
interface HistoryEvent {
  channel: string;
  source: string;
  actor: string;
  after: object;
  evidence: Record<string, unknown>;
}
const historyOf = async (player: string) =>
  (await app.call('GET', `/userconsents/${player}/history`)).as<{ events: HistoryEvent[] }>().events;

describe('POST /unsubscribe-links', () => {
  const create = (body: unknown, token?: string) =>
    app.call('POST', '/unsubscribe-links', { body, ...(token && { token }) });

  it('makes a link for each player, that nobody can read', async () => {
    const links = [
      { player_id: '1001', channel: 'email', product: 'sportsbook', campaign: 'spring 2026 ☀' },
      { player_id: 'p'.repeat(64), channel: 'siteNotification', campaign: 'c'.repeat(100) },
      { player_id: '1001', channel: 'email', product: 'sportsbook', campaign: 'spring 2026 ☀' },
    ];
    const answer = await create({ links, ignored: true });
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    const made = answer.as<{ links: { player_id: string; url: string }[] }>().links;
    expect(made.map(({ player_id }) => player_id)).toEqual(links.map(({ player_id }) => player_id));
    expect(new Set(made.map(({ url }) => url)).size).toBe(3);
    for (const { url } of made) {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/unsubscribe\/[A-Za-z0-9_-]{60,380}$/);
      const bytes = Buffer.from(url.split('/').at(-1) ?? '', 'base64url').toString('latin1');
      expect(bytes).not.toMatch(/1001|pppp|spring|cccc/);
    }
    expect(await app.sql(`select 1 from marketing_states where player_id = '${'p'.repeat(64)}'`)).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['no links', {}, 'links must be an array'],
    ['an empty list', { links: [] }, 'links must contain at least 1 elements'],
    ['too many', { links: Array<number>(10_001).fill(0) }, 'links must contain no more than 10000 elements'],
    ['what is no object', { links: [1] }, 'links[0] must be an object'],
    [
      'a bad player',
      {
        links: [
          { player_id: '1001', channel: 'sms' },
          { player_id: 'a b', channel: 'sms' },
        ],
      },
      `links[1].${errorText.badPlayerId.replace(/^id/, 'player_id')}`,
    ],
    ['a player of a number', { links: [{ player_id: 1001, channel: 'sms' }] }, errorText.badLinkPlayer],
    [
      'an unknown channel',
      { links: [{ player_id: '1', channel: 'chat' }] },
      errorText.unknownChannel('links[0].channel'),
    ],
    [
      'an unknown product',
      { links: [{ player_id: '1', channel: 'sms', product: 'poker' }] },
      errorText.unknownProduct('links[0].product', 'poker'),
    ],
    [
      'a campaign of two lines',
      { links: [{ player_id: '1', channel: 'sms', campaign: 'a\nb' }] },
      'links[0].campaign must be a text of at most 100 characters',
    ],
  ])('refuses %s', async (_what, body, text) => {
    const answer = await create(body);
    expect([answer.status, answer.text]).toEqual([400, crmError(400, text)]);
  });

  it('makes 10,000 in one call', async () => {
    const links = Array.from({ length: 10_000 }, (_, index) => ({
      player_id: `bulk-${index}`,
      channel: 'email',
    }));
    const made = (await create({ links })).as<{ links: { url: string }[] }>().links;
    expect(new Set(made.map(({ url }) => url)).size).toBe(10_000);
  });

  it('carries PUBLIC_URL and the prefix', async () => {
    const other = await createTestApp({
      database: app.database,
      environment: { PUBLIC_URL: 'https://consent.example/', PATH_PREFIX: '/fasttrack' },
    });
    const answer = await other.call('POST', '/unsubscribe-links', {
      body: { links: [{ player_id: '1', channel: 'sms' }] },
    });
    const [made] = answer.as<{ links: { url: string }[] }>().links;
    expect(made?.url).toMatch(/^https:\/\/consent\.example\/fasttrack\/unsubscribe\/[\w-]+$/);
    const path = new URL(made?.url ?? '').pathname.replace('/fasttrack', '');
    expect((await other.call('POST', path, oneClick)).status).toBe(200);
    await other.close();
  });
});

describe('one click', () => {
  it('withdraws the channel at once, with what proves it, and writes nothing again', async () => {
    const player = newPlayerId();
    await post(player, change('email', true, ['casino', 'sports']), change('sms', true));
    const path = await mint(app, { player_id: player, channel: 'email', campaign: 'spring' });
    const answer = await app.call('POST', path, {
      ...oneClick,
      headers: { ...oneClick.headers, 'user-agent': 'Mail/1', 'x-auth-token': 'not looked at' },
    });
    expect([answer.status, answer.text]).toEqual([200, 'You are unsubscribed.\n']);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.headers['cache-control']).toBe('no-store');
    await expectConsents(player, { sms: true });
    const [event] = await historyOf(player);
    expect(event).toMatchObject({
      channel: 'email',
      source: 'one-click',
      actor: 'player',
      after: { opted_in: false },
    });
    const issued_on = new Date().toISOString().slice(0, 10);
    expect(event?.evidence).toEqual({
      ip: '127.0.0.1',
      user_agent: 'Mail/1',
      link: { issued_on, campaign: 'spring' },
    });
    const rows = await app.countRows();
    for (let time = 0; time < 3; time++) expect((await app.call('POST', path, oneClick)).status).toBe(200);
    expect(await app.countRows()).toEqual(rows);
  });

  it('tells the CRM', async () => {
    await app.call('PATCH', '/api/brands/1', {
      body: { crm: { enabled: true, baseUrl: 'http://127.0.0.1:9' } },
    });
    const player = newPlayerId();
    await post(player, change('email', true));
    await app.sql('delete from outbox');
    await app.call('POST', await mint(app, { player_id: player, channel: 'email' }), oneClick);
    expect(await app.sql('select player_id, kind, lane from outbox')).toEqual([
      { player_id: player, kind: 1, lane: 0 },
    ]);
    await app.call('PATCH', '/api/brands/1', { body: { crm: { enabled: false } } });
  });

  it.each<[string, Consents, string | undefined, Consents]>([
    ['a product of several', { email: ['casino', 'sports'] }, 'casino', { email: ['sports'] }],
    ['an alias', { email: ['casino', 'sports'] }, 'sportsbook', { email: ['casino'] }],
    ['the last product', { email: ['casino'] }, 'casino', {}],
    ['a product of a channel that is in without products', { email: true }, 'casino', {}],
    ['a product that is out', { email: ['sports'] }, 'casino', { email: ['sports'] }],
    ['the channel', { email: ['casino', 'sports'], sms: true }, undefined, { sms: true }],
    ['what is out', {}, 'casino', {}],
  ])('for %s', async (_what, before, product, after) => {
    const player = newPlayerId();
    const changes = Object.entries(before).map(([type, products]) =>
      change(type, true, products === true ? undefined : products),
    );
    if (changes.length > 0) await post(player, ...changes);
    const path = await mint(app, { player_id: player, channel: 'email', ...(product && { product }) });
    expect((await app.call('POST', path, oneClick)).status).toBe(200);
    // Whom nobody knew is known now.
    await expectConsents(player, after);
  });

  it('for two products at the same time brings neither back', async () => {
    const player = newPlayerId();
    const products = ['casino', 'sports', 'lottery', 'bingo'];
    await post(player, change('email', true, products));
    const paths = await Promise.all(
      products.slice(1).map((product) => mint(app, { player_id: player, channel: 'email', product })),
    );
    await Promise.all([...paths, ...paths].map((path) => app.call('POST', path, oneClick)));
    await expectConsents(player, { email: ['casino'] });
    expect(await historyOf(player)).toHaveLength(4);
  });

  it('is taken of a player who is excluded or blocked', async () => {
    const player = newPlayerId();
    await post(player, change('email', true, ['casino', 'sports']));
    const blocks = (active: boolean) =>
      app.call('PUT', `/internal/players/${player}/blocks`, { body: { blocked: { active, note: '' } } });
    await blocks(true);
    const path = await mint(app, { player_id: player, channel: 'email', product: 'casino' });
    expect((await app.call('POST', path, oneClick)).status).toBe(200);
    await blocks(false);
    await expectConsents(player, { email: ['sports'] });
  });

  it('is of its brand alone', async () => {
    const player = newPlayerId();
    await post(player, change('email', true));
    const path = await mint(app, { player_id: player, channel: 'email' }, otherBrandKey);
    expect((await app.call('POST', path, { ...oneClick, token: demoKey })).status).toBe(200);
    await expectConsents(player, { email: true });
    await expectConsents(player, {}, otherBrandKey);
  });

  it('works for a product that the brand has no longer', async () => {
    const player = newPlayerId();
    const set = (products: string[]) =>
      app.call('PATCH', '/api/brands/2', { token: otherBrandKey, body: { products } });
    await set(['casino', 'sports', 'keno']);
    const path = await mint(app, { player_id: player, channel: 'email', product: 'keno' }, otherBrandKey);
    await set(['casino', 'sports']);
    await app.call('POST', `/userconsents/${player}`, {
      token: otherBrandKey,
      body: { consents: change('email', true) },
    });
    expect((await app.call('GET', path, { token: null })).text).toContain('Stop marketing by email');
    expect((await app.call('POST', path, oneClick)).status).toBe(200);
    await expectConsents(player, {}, otherBrandKey);
  });
});

describe('one click, byte by byte', () => {
  const boundary = '----=_Part_1';
  const part = (name: string, value: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const multipart = `multipart/form-data; boundary="${boundary}"`;

  async function send(
    head: string[],
    body: string,
    bodyInTwo = false,
  ): Promise<{ player: string; answer: string }> {
    const player = newPlayerId();
    await post(player, change('email', true));
    const path = await mint(app, { player_id: player, channel: 'email' });
    const connection = await RawConnection.open(app.url);
    const lines = [
      `POST ${path} HTTP/1.1`,
      'Host: consent.example',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    connection.write([...lines, 'Connection: close', ...head], bodyInTwo ? body.slice(0, 9) : body);
    if (bodyInTwo) connection.writeBytes(body.slice(9));
    return { player, answer: await connection.untilClosed() };
  }

  it.each<[string, string[], string]>([
    ['urlencoded', ['Content-Type: application/x-www-form-urlencoded'], 'List-Unsubscribe=One-Click'],
    [
      'urlencoded with a charset',
      ['content-type: Application/X-WWW-Form-URLencoded; charset=UTF-8'],
      'List-Unsubscribe=One-Click',
    ],
    [
      'with other pairs',
      ['Content-Type: application/x-www-form-urlencoded'],
      'a=b&List-Unsubscribe=One-Click&c=',
    ],
    [
      'percent-encoded',
      ['Content-Type: application/x-www-form-urlencoded'],
      'List%2DUnsubscribe=One%2dClick',
    ],
    [
      'with a line break at the end',
      ['Content-Type: application/x-www-form-urlencoded'],
      'List-Unsubscribe=One-Click\r\n',
    ],
    [
      'multipart',
      [`Content-Type: ${multipart}`],
      `${part('List-Unsubscribe', 'One-Click')}--${boundary}--\r\n`,
    ],
    [
      'multipart of two parts',
      [`Content-Type: ${multipart}`],
      `${part('a', 'b')}${part('List-Unsubscribe', 'One-Click')}--${boundary}--`,
    ],
  ])('is taken %s, without cookie or redirect', async (_what, head, body) => {
    const { player, answer } = await send(head, body, true);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).not.toMatch(/^(set-cookie|location):/im);
    expect(answer).toContain('You are unsubscribed.');
    await expectConsents(player, {});
  });

  it.each<[string, number, string[], string]>([
    ['nothing', 415, [], ''],
    ['an empty form', 400, ['Content-Type: application/x-www-form-urlencoded'], ''],
    ['another value', 400, ['Content-Type: application/x-www-form-urlencoded'], 'List-Unsubscribe=one-click'],
    ['another name', 400, ['Content-Type: application/x-www-form-urlencoded'], 'list-unsubscribe=One-Click'],
    [
      'the pair twice',
      400,
      ['Content-Type: application/x-www-form-urlencoded'],
      'List-Unsubscribe=One-Click&List-Unsubscribe=One-Click',
    ],
    [
      'the pair in the query only',
      400,
      ['Content-Type: application/x-www-form-urlencoded'],
      'x=List-Unsubscribe=One-Click',
    ],
    ['JSON', 415, ['Content-Type: application/json'], '{"List-Unsubscribe":"One-Click"}'],
    ['text', 415, ['Content-Type: text/plain'], 'List-Unsubscribe=One-Click'],
    [
      'a file',
      400,
      [`Content-Type: ${multipart}`],
      `${part('List-Unsubscribe"; filename="x', 'One-Click')}--${boundary}--\r\n`,
    ],
    ['a part without an end', 400, [`Content-Type: ${multipart}`], part('List-Unsubscribe', 'One-Click')],
    [
      'multipart without a boundary',
      400,
      ['Content-Type: multipart/form-data'],
      `${part('List-Unsubscribe', 'One-Click')}--${boundary}--\r\n`,
    ],
    ['another button', 400, ['Content-Type: application/x-www-form-urlencoded'], 'act=withdraw-everything'],
    ['half a form', 400, ['Content-Type: application/x-www-form-urlencoded'], 'act=save&on=email.casino'],
    [
      'a form under words of no version',
      400,
      ['Content-Type: application/x-www-form-urlencoded'],
      'act=save&shown=&statement=%00&language=en',
    ],
  ])('is not %s (%d)', async (_what, status, head, body) => {
    const { player, answer } = await send(head, body);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    await expectConsents(player, { email: true });
  });

  it('is nothing that GET or HEAD could do', async () => {
    const player = newPlayerId();
    await post(player, change('email', true));
    const path = await mint(app, { player_id: player, channel: 'email' });
    const rows = await app.countRows();
    for (const query of ['', '?List-Unsubscribe=One-Click', '?act=withdraw'])
      for (const method of ['GET', 'HEAD']) {
        const answer = await app.call(method, path + query, { token: null });
        expect(answer.status).toBe(200);
      }
    expect(await app.countRows()).toEqual(rows);
    await expectConsents(player, { email: true });
  });
});

describe('a form', () => {
  it('of either kind is for the routes that read it', async () => {
    const path = await mint(app, { player_id: '1001', channel: 'email' });
    for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      for (const [method, route] of [
        ['POST', '/userconsents/1001'],
        ['POST', '/unsubscribe-links'],
        ['PATCH', '/api/universalconsent'],
      ] as const) {
        const answer = await app.call(method, route, {
          headers: { 'content-type': type },
          body: 'x',
          offDocument: true,
        });
        expect([route, answer.status]).toEqual([route, 415]);
      }
    const refused = await app.call('POST', path, { token: null, body: {} });
    expect(refused.text).toBe(problem(415, 'send a form: List-Unsubscribe=One-Click', path));
    const wrong = await app.call('POST', path, { ...oneClick, body: 'x=y' });
    expect(wrong.text).toBe(problem(400, 'the form must hold List-Unsubscribe=One-Click', path));
  });
});

describe('a link', () => {
  const issue = (secrets: string, issuedOn = today()) =>
    `/unsubscribe/${new LinkTokens(secrets).seal({ brandId: 1, playerId: '1004', channel: 1, productBit: 0, campaign: '', issuedOn })}`;

  it('that is none of ours is one and the same page, for whoever asks and however', async () => {
    const good = issue(developmentSecretKey);
    const altered = (index: number) => {
      const letter = good.at(index) === 'A' ? 'B' : 'A';
      return good.slice(0, index) + letter + good.slice(index + 1 || undefined);
    };
    const bad = [
      '/unsubscribe/x',
      `/unsubscribe/${'x'.repeat(80)}`,
      `/unsubscribe/${'A'.repeat(400)}`,
      `/unsubscribe/${'A'.repeat(8000)}`,
      good.slice(0, -1),
      `${good}A`,
      altered(14),
      altered(30),
      altered(-10),
      issue('another-secret-key-of-another-service'),
      `/unsubscribe/${new LinkTokens(developmentSecretKey).seal({ brandId: 99, playerId: '1', channel: 1, productBit: 0, campaign: '', issuedOn: 1 })}`,
      '/unsubscribe/%00',
    ];
    const rows = await app.countRows();
    const pages = new Set<string>();
    for (const path of bad)
      for (const answer of [
        await app.call('GET', path, { token: null }),
        await app.call('POST', path, oneClick),
        await app.call('POST', path, { ...oneClick, body: 'act=withdraw-all' }),
        await app.call('POST', path, { ...oneClick, body: 'nonsense' }),
      ]) {
        expect([path, answer.status]).toEqual([path, 404]);
        expect(answer.headers['cache-control']).toBe('no-store');
        pages.add(answer.text);
      }
    expect(pages.size).toBe(1);
    expect([...pages][0]).toContain('<h1>This link does not work</h1>');
    expect(await app.countRows()).toEqual(rows);
  });

  it('stays good when the key is changed, until the old key is gone', async () => {
    const old = issue(developmentSecretKey);
    const newKey = 'a-new-secret-key-of-the-service';
    const rotated = await createTestApp({
      database: app.database,
      environment: { SECRET_KEYS: `${newKey},${developmentSecretKey}` },
    });
    expect((await rotated.call('POST', old, oneClick)).status).toBe(200);
    const made = await mint(rotated, { player_id: '1004', channel: 'email' });
    expect(made.slice(0, 17)).not.toBe(old.slice(0, 17));
    expect((await rotated.call('POST', made, oneClick)).status).toBe(200);
    expect((await rotated.call('POST', issue(newKey), oneClick)).status).toBe(200);
    expect((await app.call('POST', made, oneClick)).status).toBe(404);
    await rotated.close();
  });

  it('never ends, unless the brand says so', async () => {
    const ancient = issue(developmentSecretKey, 1);
    expect((await app.call('POST', ancient, oneClick)).status).toBe(200);
    const days = (unsubscribeLinkDays: number | null) =>
      app.call('PATCH', '/api/brands/1', { body: { unsubscribeLinkDays } });
    await days(30);
    expect((await app.call('POST', ancient, oneClick)).status).toBe(404);
    expect((await app.call('GET', issue(developmentSecretKey, today() - 29), { token: null })).status).toBe(
      200,
    );
    expect((await app.call('GET', issue(developmentSecretKey, today() - 30), { token: null })).status).toBe(
      404,
    );
    await days(null);
    expect((await app.call('POST', ancient, oneClick)).status).toBe(200);
  });
});

it('ships a statement in every language of the page', () => {
  expect(Object.keys(defaultStatement.texts).sort()).toEqual(['de', 'en']);
});
