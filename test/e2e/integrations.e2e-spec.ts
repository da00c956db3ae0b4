import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IntegrationsService } from '../../src/brands/integrations.service.js';
import { errorText, problem } from '../support/errors.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

interface Printed {
  Id: string;
  Name: string;
  Origins: string[];
  Created: string;
}

const path = '/api/integrations';
let app: TestApp;
let other: TestApp;

beforeAll(async () => {
  app = await createTestApp();
  other = await createTestApp({ database: app.database });
});
afterAll(async () => {
  await other?.close();
  await app?.close();
});

const create = (body: unknown, token?: string) => app.call('POST', path, { token, body });
const created = async (body: unknown, token?: string) => (await create(body, token)).as<{ Id: string }>().Id;
const list = async (token?: string) => (await app.call('GET', path, { token })).as<Printed[]>();
const revoke = (id: string, token?: string) => app.call('DELETE', `${path}/${id}`, { token });
const find = (id: string, at = app) => at.nest.get(IntegrationsService).find(id);
const expectBody = (answer: Answer, status: number, body: string) =>
  expect([answer.status, answer.text]).toEqual([status, body]);

describe('/api/integrations', () => {
  it('gives an id of its own to each', async () => {
    const first = await create({ Name: 'Web shop', Origins: ['https://shop.example'] });
    const { Id } = first.as<{ Id: string }>();
    expectBody(first, 201, `{"Id":"${Id}"}`);
    expect(Id).toMatch(/^int_[A-Za-z0-9_-]{22}$/);
    const twin = await created({ Name: 'Web shop', Origins: ['https://shop.example'] });
    expect(twin).not.toBe(Id);
    const answer = await app.call('GET', path);
    const own = answer.as<Printed[]>().find((each) => each.Id === Id);
    expect(answer.text).toContain(
      `{"Id":"${Id}","Name":"Web shop","Origins":["https://shop.example"],"Created":"${own?.Created}"}`,
    );
    expect(own?.Created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('keeps origins as browsers print them, each once', async () => {
    const Origins = [
      'HTTPS://Shop.Example:443/',
      'https://shop.example',
      'http://127.0.0.1:5173',
      'https://müller.example',
    ];
    const id = await created({ Name: 'x', Origins });
    const own = (await list()).find(({ Id }) => Id === id);
    expect(own?.Origins).toEqual([
      'https://shop.example',
      'http://127.0.0.1:5173',
      'https://xn--mller-kva.example',
    ]);
    expect(await find(id)).toEqual({ id, brandId: 1, origins: own?.Origins });
  });

  it('takes none for any page', async () => {
    for (const body of [{ Name: 'x' }, { Name: 'x', Origins: [] }]) {
      const id = await created(body);
      expect((await list()).find(({ Id }) => Id === id)?.Origins).toEqual([]);
    }
  });

  it('lists the brand’s own, by id, and revokes them once', async () => {
    const id = await created({ Name: 'theirs' }, otherBrandKey);
    expect((await list(otherBrandKey)).map(({ Id }) => Id)).toEqual([id]);
    const rows = await app.sql<{ id: string }>('select id from integrations where brand_id = 1 order by id');
    expect((await list()).map(({ Id }) => Id)).toEqual(rows.map((row) => row.id));
    expect(rows).toContainEqual({ id: 'int_demo' });

    const notFound = problem(404, errorText.noSuchIntegration, `${path}/${id}`);
    expectBody(await revoke(id), 404, notFound);
    expectBody(await revoke(id, otherBrandKey), 204, '');
    expectBody(await revoke(id, otherBrandKey), 404, notFound);
    expect(await list(otherBrandKey)).toEqual([]);
    const [row] = await app.sql<{ revoked: boolean }>(
      'select revoked_at is not null as revoked from integrations where id = $1',
      [id],
    );
    expect(row).toEqual({ revoked: true });
  });

  it.each(['int_unknown', 'demo', 'int_', `int_${'x'.repeat(101)}`, 'int_%C3%A4', 'int_%00'])(
    'does not find %s',
    async (id) => {
      const answer = await revoke(id);
      expect([answer.status, answer.as<{ detail: string }>().detail]).toEqual([
        404,
        errorText.noSuchIntegration,
      ]);
      expect(await find(decodeURIComponent(id))).toBeNull();
    },
  );

  const cases: [string, unknown, string, string][] = [
    ['no name', {}, 'Name', 'Name must be a string'],
    ['an empty name', { Name: '' }, 'Name', 'Name must be longer than or equal to 1 characters'],
    [
      'a name too long',
      { Name: 'x'.repeat(101) },
      'Name',
      'Name must be shorter than or equal to 100 characters',
    ],
    [
      'origins that are no list',
      { Name: 'x', Origins: 'https://shop.example' },
      'Origins',
      'Origins must be an array',
    ],
    ['null for origins', { Name: 'x', Origins: null }, 'Origins', 'Origins must be an array'],
    [
      'more than 20',
      { Name: 'x', Origins: Array.from({ length: 21 }, (_, n) => `https://h${n}.example`) },
      'Origins',
      'Origins must contain no more than 20 elements',
    ],
    [
      'an origin of a number',
      { Name: 'x', Origins: [1] },
      'Origins',
      'Origins: each value in Origins must be a string',
    ],
    ['a host', { Name: 'x', Origins: ['shop.example'] }, 'Origins[0]', errorText.notAnOrigin('Origins[0]')],
    [
      'a path',
      { Name: 'x', Origins: ['https://shop.example', 'https://shop.example/a'] },
      'Origins[1]',
      errorText.notAnOrigin('Origins[1]'),
    ],
    [
      'another scheme',
      { Name: 'x', Origins: ['ftp://shop.example'] },
      'Origins[0]',
      errorText.notAnOrigin('Origins[0]'),
    ],
    ['another spelling', { name: 'x', Name: 'x' }, 'name', errorText.unknownKey('name')],
    ['an id of the caller’s', { Name: 'x', Id: 'int_mine' }, 'Id', errorText.unknownKey('Id')],
  ];
  it.each(cases)('refuses %s', async (_name, body, field, text) => {
    const before = await app.countRows();
    expectBody(await create(body), 400, problem(400, text, path, field));
    expect(await app.countRows()).toEqual(before);
  });
});

describe('IntegrationsService', () => {
  it('finds an integration by its id, whosever it is', async () => {
    const id = await created({ Name: 'theirs', Origins: ['https://other.example'] }, otherBrandKey);
    expect(await find(id)).toEqual({ id, brandId: 2, origins: ['https://other.example'] });
    expect(await find('int_demo')).toEqual({ id: 'int_demo', brandId: 1, origins: [] });
  });

  it('forgets a revoked one at once here, and within five seconds elsewhere', async () => {
    const id = await created({ Name: 'x' });
    expect(await find(id, other)).not.toBeNull();
    expect(await find(id)).not.toBeNull();
    await revoke(id);
    expect(await find(id)).toBeNull();
    expect(await find(id, other)).not.toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 5100));
    expect(await find(id, other)).toBeNull();
  });
});
