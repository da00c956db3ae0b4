import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { defaultStatement } from '../../src/brands/statement.js';
import { SecretBox, sha256 } from '../../src/common/secrets.js';
import { developmentSecretKey } from '../../src/config/config.js';
import { change, newPlayerId, printed } from '../support/consents.js';
import { crmError, errorText, problem } from '../support/errors.js';
import {
  type Answer,
  createTestApp,
  otherBrandKey,
  type ServiceKey,
  type TestApp,
} from '../support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

const expectBody = (answer: Answer, status: number, body: string) => {
  expect(answer.text).toBe(body);
  expect(answer.status).toBe(status);
};

describe('/api/brands/:id', () => {
  const path = '/api/brands/2';
  const patch = (body: unknown) => app.call('PATCH', path, { token: otherBrandKey, body });
  const read = () => app.call('GET', path, { token: otherBrandKey });
  const original = {
    id: 2,
    name: 'Other Brand',
    origin: 'other.example',
    products: ['casino', 'sports'],
    productAliases: {},
    productsRequiredOn: [],
    currency: 'EUR',
    defaultLanguage: 'en',
    storeFullIp: true,
    hosts: ['other.example'],
    sessionIdleTtl: 1800,
    sessionTtl: 43200,
    webCustomUserId: true,
    emailVerificationRequired: false,
    mobileVerificationRequired: false,
    passwordMaxLength: 15,
    libraryPhoneCheck: true,
    messageFormats: {},
    fraudEmailDomains: [],
    customFields: [],
    termsPolicyId: null,
    privacyPolicyId: null,
    colour: null,
    productLabels: {},
    unsubscribeLinkDays: null,
    marketingStatement: defaultStatement,
    crm: { enabled: false, baseUrl: null, origin: null, hasApiKey: false },
  };

  beforeEach(async () => {
    const { id: _id, crm: _crm, marketingStatement: _statement, ...settings } = original;
    const crm = { enabled: false, baseUrl: null, origin: null, apiKey: null };
    expect((await patch({ ...settings, crm })).status).toBe(200);
  });

  it('prints the brand’s settings', async () => {
    expectBody(await read(), 200, JSON.stringify(original));
  });

  it('changes what is given and nothing else', async () => {
    const changes: Record<string, unknown>[] = [
      { name: 'Renamed' },
      { origin: '' },
      { products: ['sports', 'slots', 'casino'] },
      { productAliases: { live: 'casino', sportsbook: 'sports' } },
      { productsRequiredOn: ['email', 'telephone'] },
      { currency: 'GBP' },
      { defaultLanguage: 'de' },
      { storeFullIp: false },
      { hosts: ['other.example', 'shop.other.example:8443'] },
      { sessionIdleTtl: 60 },
      { sessionTtl: 31_536_000 },
      { webCustomUserId: false },
      { colour: '#0b4fb3' },
      { productLabels: { sports: { en: 'Sports betting' } } },
      { unsubscribeLinkDays: 36_500 },
      { emailVerificationRequired: true },
      { mobileVerificationRequired: true },
      { passwordMaxLength: 128 },
      { libraryPhoneCheck: false },
      { fraudEmailDomains: ['trash.example', 'xn--bcher-kva.example'] },
      { customFields: [{ id: 'team', name: 'Team', type: 'string' }] },
      {
        crm: {
          enabled: true,
          baseUrl: 'https://crm.example/fasttrack',
          origin: 'brand-two',
          hasApiKey: false,
        },
      },
      {},
    ];
    let expected: Record<string, unknown> = original;
    for (const body of changes) {
      const { crm } = body as { crm?: { hasApiKey?: boolean } };
      const { hasApiKey: _derived, ...crmBody } = crm ?? {};
      expected = { ...expected, ...body };
      expectBody(await patch({ ...body, ...(crm && { crm: crmBody }) }), 200, JSON.stringify(expected));
      expectBody(await read(), 200, JSON.stringify(expected));
    }
    const off = { ...(expected.crm as object), enabled: false };
    expectBody(await patch({ crm: { enabled: false } }), 200, JSON.stringify({ ...expected, crm: off }));
  });

  it('takes the CRM’s key, keeps it encrypted, and never shows it', async () => {
    const apiKey = "the CRM's own key";
    const answer = await patch({ crm: { apiKey } });
    const crm = { ...original.crm, hasApiKey: true };
    expectBody(answer, 200, JSON.stringify({ ...original, crm }));
    const [row] = await app.sql<{ key: Buffer }>('select crm_api_key as key from brands where id = 2');
    expect(row?.key.includes(Buffer.from(apiKey))).toBe(false);
    expect(new SecretBox(developmentSecretKey, 'crm-api-key').open(row?.key ?? Buffer.of())).toBe(apiKey);
    expectBody(await patch({ crm: { apiKey: null } }), 200, JSON.stringify(original));
  });

  const enumText = errorText.oneOfChannels('productsRequiredOn');
  const cases: [string, unknown, string, string][] = [
    ['an unknown key', { taste: 'red' }, 'taste', errorText.unknownKey('taste')],
    [
      'an unknown key within',
      { crm: { taste: 'red' } },
      'crm.taste',
      errorText.unknownKey('taste', 'crm.taste'),
    ],
    ['a colour by its name', { colour: 'red' }, 'colour', errorText.colour],
    ['a colour in capitals', { colour: '#FFFFFF' }, 'colour', errorText.colour],
    ['labels that are no map', { productLabels: { sports: 'Sports' } }, 'productLabels', errorText.labelMap],
    [
      'labels by no language',
      { productLabels: { sports: { e_n: 'S' } } },
      'productLabels',
      errorText.labelMap,
    ],
    [
      'a label without end',
      { productLabels: { sports: { en: 'S'.repeat(61) } } },
      'productLabels',
      errorText.labelMap,
    ],
    [
      'links that end at once',
      { unsubscribeLinkDays: 0 },
      'unsubscribeLinkDays',
      'unsubscribeLinkDays must not be less than 1',
    ],
    [
      'no statement',
      { marketingStatement: { texts: {} } },
      'marketingStatement.texts',
      errorText.statementMap,
    ],
    [
      'a statement of blanks',
      { marketingStatement: { texts: { en: ' ' } } },
      'marketingStatement.texts',
      errorText.statementMap,
    ],
    [
      'a statement without the default language',
      { marketingStatement: { texts: { de: 'Ja.' } } },
      'marketingStatement.texts',
      errorText.statementLanguage('en'),
    ],
    [
      'a version of a statement',
      { marketingStatement: { version: '9', texts: { en: 'Yes.' } } },
      'marketingStatement.version',
      errorText.unknownKey('version', 'marketingStatement.version'),
    ],
    [
      'a domain with its @',
      { fraudEmailDomains: ['@trash.example'] },
      'fraudEmailDomains',
      errorText.fraudDomains,
    ],
    [
      'a top-level domain alone',
      { fraudEmailDomains: ['example'] },
      'fraudEmailDomains',
      errorText.fraudDomains,
    ],
    [
      'a domain twice',
      { fraudEmailDomains: ['trash.example', 'Trash.Example'] },
      'fraudEmailDomains',
      errorText.unique('fraudEmailDomains'),
    ],
    ['another id', { id: 3 }, 'id', errorText.unknownKey('id')],
    ['an empty name', { name: '' }, 'name', 'name must be longer than or equal to 1 characters'],
    ['null for a name', { name: null }, 'name', 'name must be a string'],
    ['products that are no list', { products: 'casino' }, 'products', 'products must be an array'],
    ['a bad product name', { products: ['a b'] }, 'products', errorText.productNames],
    ['a product twice', { products: ['a', 'a'] }, 'products', errorText.unique('products')],
    [
      '31 products',
      { products: Array.from({ length: 31 }, (_, n) => `p${n}`) },
      'products',
      'products must contain no more than 30 elements',
    ],
    [
      'an alias of nothing',
      { productAliases: { a: 'nothing' } },
      'productAliases',
      errorText.aliasOfNothing('a', 'nothing'),
    ],
    [
      'a product for an alias',
      { productAliases: { casino: 'sports' } },
      'productAliases',
      errorText.aliasIsProduct('casino'),
    ],
    [
      'aliases that are no map',
      { productAliases: ['a'] },
      'productAliases',
      'productAliases must be an object',
    ],
    ['an alias of a number', { productAliases: { a: 1 } }, 'productAliases', errorText.aliasMap],
    ['an unknown channel', { productsRequiredOn: ['fax'] }, 'productsRequiredOn', enumText],
    ['a currency in small letters', { currency: 'eur' }, 'currency', 'currency must be an ISO 4217 code'],
    ['a currency that is none', { currency: 'ZZZ' }, 'currency', 'currency must be an ISO 4217 code'],
    [
      'a language in capitals',
      { defaultLanguage: 'EN' },
      'defaultLanguage',
      'defaultLanguage must be an ISO 639-1 code',
    ],
    ['a text for a boolean', { storeFullIp: 'no' }, 'storeFullIp', 'storeFullIp must be a boolean value'],
    ['a session too short', { sessionTtl: 59 }, 'sessionTtl', 'sessionTtl must not be less than 60'],
    [
      'a session too long',
      { sessionIdleTtl: 31_536_001 },
      'sessionIdleTtl',
      'sessionIdleTtl must not be greater than 31536000',
    ],
    [
      'an address that is none',
      { crm: { baseUrl: 'ftp://x' } },
      'crm.baseUrl',
      'crm.baseUrl must be a URL address',
    ],
    [
      'an address with a password',
      { crm: { baseUrl: 'https://u:p@x.example' } },
      'crm.baseUrl',
      'crm.baseUrl must be a URL address',
    ],
    [
      'an address of which no URL can be made',
      { crm: { baseUrl: 'http://crm.0x' } },
      'crm.baseUrl',
      'crm.baseUrl must be a URL address',
    ],
    [
      'a key that no header can carry',
      { crm: { apiKey: 'a\r\nx-other: b' } },
      'crm.apiKey',
      'crm.apiKey must be what a header can carry: letters, digits and signs of ASCII on one line',
    ],
    ['the CRM on without an address', { crm: { enabled: true } }, 'crm.baseUrl', errorText.crmNeedsBaseUrl],
    ['no CRM at all', { crm: null }, 'crm', 'crm must be an object'],
  ];

  it.each(cases)('refuses %s, and changes nothing', async (_name, body, field, text) => {
    expectBody(
      await patch({ origin: 'changed.example', ...(body as object) }),
      400,
      problem(400, text, path, field),
    );
    expectBody(await read(), 200, JSON.stringify(original));
  });

  it('keeps every version of the statement, and makes none for the same words', async () => {
    const set = async (texts: Record<string, string>) =>
      (await patch({ marketingStatement: { texts } })).as<{ marketingStatement: object }>()
        .marketingStatement;
    const texts = { en: 'I agree that {brand} may write to me.', de: 'Ich willige ein.' };
    expect(await set(texts)).toEqual({ version: '1', texts });
    expect(await set({ de: texts.de, en: texts.en })).toEqual({ version: '1', texts });
    expect(await set({ en: 'I agree.' })).toEqual({ version: '2', texts: { en: 'I agree.' } });
    expect((await read()).json).toMatchObject({ marketingStatement: { version: '2' } });
    const kept = await app.sql('select version, texts from statement_texts where brand_id = 2 order by 1');
    expect(kept).toEqual([
      { version: 1, texts },
      { version: 2, texts: { en: 'I agree.' } },
    ]);
    for (const change of [
      'delete from statement_texts',
      `update statement_texts set texts = '{}'`,
      'truncate statement_texts',
    ])
      await expect(app.sql(change)).rejects.toThrow('append-only');
    // Not for ever, so that the other tests find what was there.
    await app.sql('alter table statement_texts disable trigger user');
    await app.sql('delete from statement_texts');
    await app.sql('alter table statement_texts enable trigger user');
  });

  it('keeps a product that players still hold, and says how many', async () => {
    const players = [newPlayerId(), newPlayerId(), newPlayerId()];
    for (const [index, player] of players.entries()) {
      const body = {
        consents: change(
          index === 0 ? 'email' : 'sms',
          true,
          index === 2 ? ['casino'] : ['sports', 'casino'],
        ),
      };
      await app.call('POST', `/userconsents/${player}`, { token: otherBrandKey, body });
    }
    expectBody(
      await patch({ name: 'x', products: ['casino'] }),
      409,
      problem(409, errorText.productsHeld(2, 'sports'), path),
    );
    expectBody(await read(), 200, JSON.stringify(original));
    for (const player of players) {
      const body = { consents: [change('email', false), change('sms', false)] };
      await app.call('POST', `/userconsents/${player}`, { token: otherBrandKey, body });
    }
    expect((await patch({ products: ['casino'] })).status).toBe(200);
    const body = { consents: change('sms', true, ['sports']) };
    const refused = await app.call('POST', `/userconsents/${players[0]}`, { token: otherBrandKey, body });
    expectBody(
      refused,
      400,
      crmError(400, errorText.unknownProduct('consents[0].products', 'sports', 'casino')),
    );
  });

  it('gives a product that comes back its old place among the bits, and prints the new order', async () => {
    const bits = () =>
      app.sql(
        'select name, bit from brand_products where brand_id = 2 and retired_at is null order by position',
      );
    await patch({ products: ['poker', 'casino', 'sports'] });
    const before = await bits();
    await patch({ products: ['casino', 'sports'] });
    await patch({ products: ['casino', 'sports', 'darts'] });
    await patch({ products: ['sports', 'poker', 'darts', 'casino'] });
    const after = await bits();
    const bitOf = (rows: Record<string, unknown>[], name: string) =>
      rows.find((row) => row.name === name)?.bit;
    expect(after.map(({ name }) => name as string)).toEqual(['sports', 'poker', 'darts', 'casino']);
    for (const name of ['poker', 'casino', 'sports']) expect(bitOf(after, name)).toBe(bitOf(before, name));
    expect(bitOf(after, 'darts')).not.toBe(bitOf(before, 'poker'));
    const player = newPlayerId();
    const body = { consents: change('email', true, ['casino', 'darts', 'sports']) };
    const answer = await app.call('POST', `/userconsents/${player}`, { token: otherBrandKey, body });
    expectBody(answer, 200, printed({ email: ['sports', 'darts', 'casino'] }));
    await app.call('POST', `/userconsents/${player}`, {
      token: otherBrandKey,
      body: { consents: change('email', false) },
    });
  });

  it('drops the aliases of a product that goes, and refuses a product that is an alias', async () => {
    await patch({ productAliases: { bets: 'sports', slots: 'casino' } });
    const without = await patch({ products: ['casino'] });
    const { productAliases } = without.as<{ productAliases: Record<string, string> }>();
    expect(productAliases).toEqual({ slots: 'casino' });
    const refused = await patch({ products: ['casino', 'slots'] });
    expectBody(refused, 400, problem(400, errorText.aliasIsProduct('slots'), path, 'productAliases'));
    expect((await patch({ products: ['casino', 'slots'], productAliases: {} })).status).toBe(200);
  });

  it('knows no other brand, and no id that is none', async () => {
    for (const id of ['1', '3']) {
      const other = `/api/brands/${id}`;
      expectBody(
        await app.call('GET', other, { token: otherBrandKey }),
        404,
        problem(404, errorText.noSuchBrand, other),
      );
      const change = await app.call('PATCH', other, { token: otherBrandKey, body: { name: 'x' } });
      expectBody(change, 404, problem(404, errorText.noSuchBrand, other));
    }
    for (const id of ['two', '2.5', '-', '0x2', '999999999999999999999']) {
      const bad = `/api/brands/${id}`;
      expectBody(
        await app.call('GET', bad, { token: otherBrandKey }),
        404,
        problem(404, errorText.notFound, bad),
      );
    }
  });
});

describe('/api/clients', () => {
  const create = (body: unknown) => app.call('POST', '/api/clients', { body });

  it('gives a new client and its key, which is shown this once', async () => {
    const answer = await create({ name: 'Fast Track', scopes: ['consents:write', 'consents:read'] });
    const { id, key } = answer.as<ServiceKey>();
    expectBody(answer, 201, JSON.stringify({ id, key }));
    const [row] = await app.sql('select brand_id, name, key_hash from service_clients where id = $1', [id]);
    expect(row).toEqual({ brand_id: 1, name: 'Fast Track', key_hash: sha256(key) });
    const list = await app.call('GET', '/api/clients');
    expect(list.status).toBe(200);
    expect(list.text).not.toContain(key);
    const own = list.as<{ id: string; created_at: string }[]>().find((each) => each.id === id);
    expect(JSON.stringify(own)).toBe(
      `{"id":"${id}","name":"Fast Track","scopes":["consents:write","consents:read"],"created_at":"${own?.created_at}"}`,
    );
    expect(own?.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('lists the brand’s own clients that are not revoked', async () => {
    const { id } = await app.createClient(['admin'], otherBrandKey);
    const list = async (token?: string) =>
      (await app.call('GET', '/api/clients', { token })).as<{ id: string }[]>().map((each) => each.id);
    expect((await list(otherBrandKey)).sort()).toEqual([id, 'demo2'].sort());
    expect(await list()).toContain('demo');
    expect(await list()).not.toContain('demo2');
    expect((await app.call('DELETE', `/api/clients/${id}`, { token: otherBrandKey })).status).toBe(204);
    expect(await list(otherBrandKey)).toEqual(['demo2']);
  });

  it('revokes a client once, and only its own brand’s', async () => {
    const { id, key } = await app.createClient(['consents:read']);
    const path = `/api/clients/${id}`;
    const notFound = problem(404, errorText.noSuchClient, path);
    expectBody(await app.call('DELETE', path, { token: otherBrandKey }), 404, notFound);
    expect((await app.call('GET', '/userconsents/1001', { token: key })).status).toBe(200);
    expectBody(await app.call('DELETE', path), 204, '');
    expectBody(
      await app.call('GET', '/userconsents/1001', { token: key }),
      401,
      crmError(401, errorText.unauthorized),
    );
    expectBody(await app.call('DELETE', path), 404, notFound);
  });

  const cases: [string, unknown, string, string][] = [
    ['an unknown scope', { name: 'x', scopes: ['root'] }, 'scopes', errorText.unknownScope],
    ['no scope', { name: 'x', scopes: [] }, 'scopes', 'scopes must contain at least 1 elements'],
    ['scopes that are no list', { name: 'x', scopes: 'admin' }, 'scopes', 'scopes must be an array'],
    ['a scope twice', { name: 'x', scopes: ['admin', 'admin'] }, 'scopes', errorText.unique('scopes')],
    ['no name', { scopes: ['admin'] }, 'name', 'name must be a string'],
    [
      'a name too long',
      { name: 'x'.repeat(101), scopes: ['admin'] },
      'name',
      'name must be shorter than or equal to 100 characters',
    ],
    ['a brand', { name: 'x', scopes: ['admin'], brandId: 2 }, 'brandId', errorText.unknownKey('brandId')],
    ['a key of the caller’s', { name: 'x', scopes: ['admin'], key: 'k' }, 'key', errorText.unknownKey('key')],
  ];
  it.each(cases)('refuses %s', async (_name, body, field, text) => {
    const before = await app.countRows();
    expectBody(await create(body), 400, problem(400, text, '/api/clients', field));
    expect(await app.countRows()).toEqual(before);
  });
});
