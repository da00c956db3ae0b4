import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PolicyCatalogue } from '../../src/consents/policies/policy-catalogue.js';
import { demoPolicyIds } from '../../src/demo-policies.js';
import { errorText, problem } from '../support/errors.js';
import {
  badPolicies,
  badVersions,
  html,
  type PrintedPolicy,
  type PrintedVersion,
  policyRoutes,
} from '../support/managed-policies.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

const unknownId = '01900000-0000-7000-8000-000000000000';
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown as string;
const strangeIds = [unknownId, 'terms', '1', `${unknownId}0`, '%00', "'", demoPolicyIds.terms.slice(1)];
const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString();

let app: TestApp;
let routes: ReturnType<typeof policyRoutes>;

beforeAll(async () => {
  app = await createTestApp();
  routes = policyRoutes(app);
});
afterAll(() => app?.close());

const expectBody = (answer: Answer, status: number, body: string) =>
  expect([answer.status, answer.text]).toEqual([status, body]);
const expectMissing = (answer: Answer, path: string, text: string = errorText.noSuchPolicy) =>
  expectBody(answer, 404, problem(404, text, path));
const create = async (body: object = {}) => (await routes.create(body)).as<PrintedPolicy>().Id;
const versionsOf = async (id: string) => (await routes.read(id)).as<PrintedPolicy>().Versions ?? [];
const draft = (Version: string, Text = `This is ${Version}.`, others: object = {}) => ({
  Version,
  Texts: [html(`<p>${Text}</p>`)],
  ...others,
});
const accept = (PolicyId: string, CustomUserId: string, ConsentGiven = true, Version?: string) =>
  app.call('POST', '/api/policyconsent', {
    body: { PolicyId, CustomUserId, ConsentGiven, Language: 'en', ...(Version !== undefined && { Version }) },
  });

describe('POST /api/policies', () => {
  it('answers the policy, which has no version yet', async () => {
    const body = { Name: 'Cookies', Type: 'Cookie', DefaultLanguage: 'PT-br', DomainId: 'shop' };
    const answer = await routes.create(body);
    expect(answer.status).toBe(201);
    const policy = answer.as<PrintedPolicy>();
    expect(policy).toEqual({
      ...body,
      DefaultLanguage: 'pt-BR',
      Id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as unknown,
      Created: instant,
      CurrentVersion: null,
    });
    expect((await routes.read(policy.Id)).json).toEqual({ ...policy, Versions: [] });
    expect((await routes.readText(policy.Id)).status).toBe(404);
  });

  it.each(badPolicies)('refuses %s', async (_what, body, field, message) => {
    const before = await app.countRows();
    expectBody(await routes.create(body), 400, problem(400, message, '/api/policies', field));
    expect(await app.countRows()).toEqual(before);
  });
});

describe('GET /api/policies', () => {
  it('lists the brand’s own, oldest first', async () => {
    const first = await create({ Name: 'first' });
    const second = await create({ Name: 'second' });
    const all = (await routes.list()).as<PrintedPolicy[]>();
    expect(all.slice(0, 2).map(({ Id, CurrentVersion }) => [Id, CurrentVersion])).toEqual([
      [demoPolicyIds.terms, '1.0'],
      [demoPolicyIds.privacy, '1.0'],
    ]);
    expect(all.slice(-2).map(({ Id }) => Id)).toEqual([first, second]);
    expect(all[0]).not.toHaveProperty('Versions');
    expectBody(await routes.list({ token: otherBrandKey }), 200, '[]');
  });

  it('shows none of them to another brand, nor what there is not to anybody', async () => {
    const id = await create();
    expectMissing(await routes.read(id, { token: otherBrandKey }), `/api/policies/${id}`);
    for (const strange of strangeIds) expect((await routes.read(strange)).status).toBe(404);
    expect((await routes.read(id.toUpperCase())).json).toMatchObject({ Id: id });
  });
});

describe('POST /api/policies/:id/versions', () => {
  it('answers a draft, which nobody but managers see', async () => {
    const id = await create({ DefaultLanguage: 'de' });
    const answer = await routes.draft(id, {
      Version: 'Spring 2026_v1.0-b',
      Texts: [
        html('<p>hello</p>'),
        { Language: 'de', Format: 'markdown', Text: '# Hallo' },
        html('olá', 'pt-br'),
      ],
    });
    expect(answer.status).toBe(201);
    const printed: PrintedVersion = {
      Version: 'Spring 2026_v1.0-b',
      State: 'draft',
      Material: true,
      Languages: ['de', 'en', 'pt-BR'],
      Created: instant,
      EffectiveFrom: null,
      Published: null,
      EffectiveAt: null,
    };
    expect(answer.json).toEqual(printed);
    expect(await versionsOf(id)).toEqual([printed]);
    expect((await routes.readText(id)).status).toBe(404);
    expect((await accept(id, 'early')).status).toBe(404);
    expect((await accept(id, 'early', true, printed.Version)).status).toBe(404);
  });

  it('replaces a draft of the same version, with all its texts', async () => {
    const id = await create();
    await routes.draft(id, { Version: '1', Texts: [html('one'), html('eins', 'de')] });
    const again = { ...draft('1', 'two'), Material: false, EffectiveFrom: null };
    expect((await routes.draft(id, again)).json).toMatchObject({ Languages: ['en'], Material: false });
    expect(await versionsOf(id)).toHaveLength(1);
    await routes.publish(id, '1');
    expect((await routes.readText(id)).json).toMatchObject({ CompiledHtml: '<p>two</p>' });
  });

  it('never changes a published version', async () => {
    const id = await routes.createPublished({ '1': 'one' });
    const path = `/api/policies/${id}/versions`;
    expectBody(
      await routes.draft(id, draft('1')),
      409,
      problem(409, errorText.versionNeverChanges('1'), path),
    );
    expect((await routes.readText(id)).json).toMatchObject({ CompiledHtml: 'one' });
  });

  it('keeps a text safe, and takes a long one', async () => {
    const evil =
      '<h1 onclick="x()">Terms</h1><script>x()</script><a href="javascript:x()">y</a><iframe src="//z"></iframe>';
    const id = await routes.createPublished({ '1': evil });
    expect((await routes.readText(id)).json).toMatchObject({ CompiledHtml: '<h1>Terms</h1><a>y</a>' });
    const long = `<p>${'word '.repeat(190_000)}</p>`;
    const Texts = ['en', 'de', 'fr', 'pl', 'es'].map((language) => html(long, language));
    expect((await routes.draft(id, { Version: '2', Texts })).status).toBe(201);
    await routes.publish(id, '2');
    const { CompiledHtml } = (await routes.readText(id, '&LanguageCode=es')).as<{ CompiledHtml: string }>();
    expect(CompiledHtml).toHaveLength(long.length);
  });

  it.each(badVersions)('refuses %s', async (_what, body, field, message) => {
    const id = demoPolicyIds.terms;
    const before = await app.countRows();
    const answer = await routes.draft(id, { ...draft('9'), ...body });
    expectBody(answer, 400, problem(400, message, `/api/policies/${id}/versions`, field));
    expect(await app.countRows()).toEqual(before);
  });

  it('finds no policy that there is not, or that is another brand’s', async () => {
    for (const id of strangeIds) expect((await routes.draft(id, draft('9'))).status).toBe(404);
    const id = demoPolicyIds.terms;
    const answer = await routes.draft(id, draft('9'), { token: otherBrandKey });
    expectMissing(answer, `/api/policies/${id}/versions`);
  });
});

describe('POST /api/policies/:id/versions/:version/publish', () => {
  it('makes a draft the current version at once', async () => {
    const id = await create();
    await routes.draft(id, draft('1', 'one'));
    const published = (await routes.publish(id, '1')).as<PrintedVersion>();
    expect(published).toMatchObject({ State: 'current', Published: instant, EffectiveAt: instant });
    expect((await routes.readText(id)).json).toMatchObject({ Version: '1', CompiledHtml: '<p>one</p>' });
    await routes.draft(id, draft('2', 'two', { EffectiveFrom: '2020-01-01' }));
    await routes.publish(id, '2');
    expect((await routes.readText(id)).json).toMatchObject({ Version: '2' });
    expect((await versionsOf(id)).map(({ Version, State }) => [Version, State])).toEqual([
      ['1', 'superseded'],
      ['2', 'current'],
    ]);
    expect((await routes.read(id)).json).toMatchObject({ CurrentVersion: '2' });
  });

  it('lets it wait for its date, and then it takes effect by itself', async () => {
    const id = await routes.createPublished({ '1': 'one' });
    const EffectiveFrom = new Date(Date.now() + 1500).toISOString();
    await routes.draft(id, draft('2', 'two', { EffectiveFrom }));
    await routes.draft(id, draft('3', 'three', { EffectiveFrom: tomorrow() }));
    expect((await routes.publish(id, '2')).json).toMatchObject({
      State: 'scheduled',
      EffectiveAt: EffectiveFrom,
    });
    await routes.publish(id, '3');
    expect((await routes.readText(id)).json).toMatchObject({ Version: '1' });
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect((await routes.readText(id)).json).toMatchObject({ Version: '2' });
    expect((await versionsOf(id)).map(({ State }) => State)).toEqual(['superseded', 'current', 'scheduled']);
  });

  it('is seen at once by whoever asks here, however the id is written', async () => {
    const id = await routes.createPublished({ '1': 'one' });
    await routes.draft(id, draft('2'));
    expect((await routes.readText(id)).json).toMatchObject({ Version: '1' });
    expect((await routes.publish(id.toUpperCase(), '2')).status).toBe(200);
    expect((await routes.readText(id)).json).toMatchObject({ Version: '2' });
    expect((await routes.readText(id.toUpperCase())).json).toMatchObject({ Id: id, Version: '2' });
  });

  it('publishes a version once', async () => {
    const id = await create();
    await routes.draft(id, draft('1 a'));
    const answers = await Promise.all([1, 2, 3].map(() => routes.publish(id, '1 a')));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const path = `/api/policies/${id}/versions/1%20a/publish`;
    expectBody(await routes.publish(id, '1 a'), 409, problem(409, errorText.versionPublished('1 a'), path));
  });

  it('finds no version that there is not', async () => {
    const id = demoPolicyIds.terms;
    for (const version of ['7', '\0', '1.0 ', "'", '..%2f']) {
      const path = `/api/policies/${id}/versions/${encodeURIComponent(version)}/publish`;
      expectMissing(await routes.publish(id, version), path, errorText.noSuchVersion);
    }
    for (const strange of strangeIds) expect((await routes.publish(strange, '1.0')).status).toBe(404);
    expect((await routes.publish(id, '1.1', { token: otherBrandKey })).status).toBe(404);
    expect((await versionsOf(id)).map(({ State }) => State)).toEqual(['current', 'draft']);
  });
});

describe('GET /api/policies/:id/versions/:version/diff/:other', () => {
  const json = { headers: { accept: 'application/json' } };
  let id: string;
  beforeAll(async () => {
    const one = [
      html('<p>You must be 18 & sober.</p><p>Old rule.</p>'),
      html('<p>Alt</p>', 'de'),
      html('x', 'fr'),
    ];
    id = await routes.createPublished({ '1': one });
    const two = [html('<p>You must be <b>21</b> & sober.</p>'), html('<p>Neu</p>', 'de')];
    await routes.draft(id, { Version: '2', Texts: two });
  });

  it('answers HTML with what is new in <ins> and what is gone in <del>', async () => {
    const answer = await routes.diff(id, '1', '2');
    expectBody(
      answer,
      200,
      '<p>You must be <del>18 </del><b><ins>21</ins></b> &amp; sober.</p><p><del>Old rule.</del></p>',
    );
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-language': 'en',
      vary: 'Accept',
      'cache-control': 'no-store',
    });
    expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none'; .*sandbox$/);
    expect((await routes.diff(id, '2', '2')).text).not.toMatch(/<ins>|<del>/);
  });

  it('answers a list of passages to those who prefer JSON', async () => {
    const answer = await routes.diff(id, '1', '2', '', json);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      vary: 'Accept',
    });
    expect(answer.json).toEqual([
      { Kind: 'same', Text: 'You must be ' },
      { Kind: 'removed', Text: '18 ' },
      { Kind: 'added', Text: '21 ' },
      { Kind: 'same', Text: '& sober.\n' },
      { Kind: 'removed', Text: '\nOld rule.\n' },
    ]);
    const preferences: [string, boolean][] = [
      ['text/html', false],
      ['*/*', false],
      ['image/png', false],
      ['text/html,application/xhtml+xml,*/*;q=0.8', false],
      ['application/json, text/plain, */*', true],
      ['text/html;q=0.5, application/json', true],
      ['application/json;q=0.1, text/html', false],
      ['application/*', true],
      ['application/json;q=0', false],
    ];
    for (const [accept, isJson] of preferences) {
      const { headers } = await routes.diff(id, '1', '2', '', { headers: { accept } });
      expect([accept, headers['content-type']?.startsWith('application/json')]).toEqual([accept, isJson]);
    }
  });

  it('compares texts of one language, one that both have', async () => {
    const inLanguage = async (language: string) => {
      const answer = await routes.diff(id, '1', '2', `?Language=${language}`);
      return [answer.headers['content-language'], answer.text];
    };
    expect(await inLanguage('de-AT')).toEqual(['de', '<p><del>Alt</del><ins>Neu</ins></p>']);
    expect((await inLanguage('fr'))[0]).toBe('en');
    const path = `/api/policies/${id}/versions/1/diff/2`;
    const message = errorText.notALanguage('Language');
    expectBody(await routes.diff(id, '1', '2', '?Language=e'), 400, problem(400, message, path, 'Language'));
  });

  it('finds nothing that there is not', async () => {
    for (const [from, to, missing] of [
      ['1', '3', '3'],
      ['3', '1', '3'],
      ['%00', '1', '\0'],
      ['1', "'", "'"],
    ] as const) {
      const path = `/api/policies/${id}/versions/${from}/diff/${to}`;
      expectMissing(await routes.diff(id, from, to), path, errorText.noVersion(missing));
    }
    for (const strange of strangeIds) expect((await routes.diff(strange, '1', '2')).status).toBe(404);
    expect((await routes.diff(id, '1', '2', '', { token: otherBrandKey })).status).toBe(404);
  });

  it('answers soon, however much has changed', async () => {
    const words = (word: string) => Array.from({ length: 60_000 }, (_, index) => `${word}${index}`).join(' ');
    const long = await routes.createPublished({ '1': `<p>${words('a')}</p>`, '2': `<p>${words('b')}</p>` });
    const startedAt = Date.now();
    const { text } = await routes.diff(long, '1', '2');
    expect(Date.now() - startedAt).toBeLessThan(10_000);
    expect(text.match(/<ins>/g)).toHaveLength(1);
  });
});

describe('GET /api/policies/:id/acceptance', () => {
  it('counts who accepted which version, by their last word', async () => {
    const id = await routes.createPublished({ '1': 'one' });
    await accept(id, 'a');
    await accept(id, 'a', false);
    await accept(id, 'b');
    await accept(id, 'b');
    await accept(id, 'c', false);
    await routes.draft(id, draft('2'));
    await routes.publish(id, '2');
    await routes.draft(id, draft('3'));
    await accept(id, 'b', true, '2');
    const answer = await routes.acceptance(id);
    expect(answer.status).toBe(200);
    const Day = new Date().toISOString().slice(0, 10);
    expect(answer.json).toEqual([
      {
        Version: '1',
        EffectiveAt: instant,
        Accepted: 1,
        Subjects: 3,
        Days: [{ Day, Accepted: 3, Withdrawn: 2 }],
      },
      {
        Version: '2',
        EffectiveAt: instant,
        Accepted: 1,
        Subjects: 1,
        Days: [{ Day, Accepted: 1, Withdrawn: 0 }],
      },
    ]);
  });

  it('finds no policy that there is not, or that is another brand’s', async () => {
    const path = `/api/policies/${demoPolicyIds.terms}/acceptance`;
    expectMissing(await routes.acceptance(demoPolicyIds.terms, { token: otherBrandKey }), path);
    for (const id of strangeIds) expect((await routes.acceptance(id)).status).toBe(404);
  });
});

describe('termsPolicyId and privacyPolicyId of a brand', () => {
  const set = (changes: object, brand = 1, token?: string) =>
    app.call('PATCH', `/api/brands/${brand}`, { body: changes, ...(token !== undefined && { token }) });
  const found = async (type: 'TermsOfService' | 'Privacy', brand = 1) => {
    await new Promise((resolve) => setTimeout(resolve, 510));
    return (await app.nest.get(PolicyCatalogue, { strict: false }).findBrandPolicy(brand, type))?.id ?? null;
  };

  it('name the policies that players must accept; without them, the oldest of no site in particular', async () => {
    expect(await found('TermsOfService')).toBe(demoPolicyIds.terms);
    expect(await found('Privacy')).toBe(demoPolicyIds.privacy);
    expect(await found('Privacy', 2)).toBeNull();
    const own = await create();
    expect((await set({ termsPolicyId: own })).json).toMatchObject({
      termsPolicyId: own,
      privacyPolicyId: null,
    });
    expect(await found('TermsOfService')).toBe(own);
    expect(await found('Privacy')).toBe(demoPolicyIds.privacy);
    await set({ termsPolicyId: null });
    expect(await found('TermsOfService')).toBe(demoPolicyIds.terms);
  });

  it('must be the brand’s, and of the right type', async () => {
    const refused = async (field: string, value: unknown, message: string, brand = 1, token?: string) =>
      expectBody(
        await set({ [field]: value }, brand, token),
        400,
        problem(400, message, `/api/brands/${brand}`, field),
      );
    const terms = errorText.notABrandPolicy('termsPolicyId', 'TermsOfService');
    await refused('termsPolicyId', demoPolicyIds.privacy, terms);
    await refused('termsPolicyId', unknownId, terms);
    await refused('termsPolicyId', demoPolicyIds.terms, terms, 2, otherBrandKey);
    const privacy = errorText.notABrandPolicy('privacyPolicyId', 'Privacy');
    await refused('privacyPolicyId', demoPolicyIds.terms, privacy);
    await refused('privacyPolicyId', 'privacy', 'privacyPolicyId must be a UUID');
    expect((await app.call('GET', '/api/brands/1')).json).toMatchObject({ privacyPolicyId: null });
  });
});

describe('the demo data', () => {
  it('has two policies in two languages, which its players have accepted', async () => {
    for (const [id, title, titel] of [
      [demoPolicyIds.terms, 'Terms and conditions', 'Allgemeine Geschäftsbedingungen'],
      [demoPolicyIds.privacy, 'Privacy policy', 'Datenschutzerklärung'],
    ] as const) {
      expect((await routes.readText(id)).text).toContain(`<h1>${title}</h1>`);
      expect((await routes.readText(id, '&LanguageCode=de-CH')).text).toContain(`<h1>${titel}</h1>`);
      expect((await routes.acceptance(id)).json).toMatchObject([
        { Version: '1.0', Accepted: id === demoPolicyIds.terms ? 6 : 5 },
      ]);
    }
    expect((await routes.diff(demoPolicyIds.terms, '1.0', '1.1')).text).toContain(
      '<del>10 </del><ins>5</ins>',
    );
  });
});
