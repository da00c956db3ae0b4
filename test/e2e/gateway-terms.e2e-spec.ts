import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { registerPlayer } from '../support/gateway-players.js';
import { publishPolicy, publishVersion } from '../support/policy-pages.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

const privacyLeft = '{"sign: ":["privacy_policy"]}';
const signed = 'successfully signed TNC';
const invalid = (what = '') => `{"errMsg":"invalid input${what}"}`;

let app: TestApp;
let policies: { tnc: string; privacy: string };
let players = 2000;
let player: string;
let token: string;

beforeAll(async () => {
  app = await createTestApp();
  const texts = { en: '<p>Be fair.</p>', de: '<p>Sei fair.</p>' };
  const terms = { name: 'House rules', type: 'TermsOfService' as const };
  const versions = [{ version: '1.0', at: '2025-01-15T09:30:00Z', texts }];
  policies = {
    tnc: await publishPolicy(app, { ...terms, versions }),
    privacy: await publishPolicy(app, { versions }),
  };
  const settings = { termsPolicyId: policies.tnc, privacyPolicyId: policies.privacy };
  await app.call('PATCH', '/api/brands/1', { body: settings });
});
afterAll(() => app?.close());
beforeEach(async () => {
  players += 1;
  player = String(players);
  await registerPlayer(app, player);
  token = (await app.openSession(player)).auth_token;
});

const path = '/gateway/player/multi/1.0/sign/tnc';
const sign = (body: object = {}, options: { token?: string | null; path?: string } = {}): Promise<Answer> =>
  app.call('POST', options.path ?? path, {
    token: options.token === undefined ? token : options.token,
    body: { brand_id: 1, player_id: player, language: 'en', type: 'tnc', ...body },
  });
const firstCode = async () => {
  const { text } = await app.call('GET', '/gateway/online-player/1.0/1/player/info', { token });
  return (JSON.parse(text) as { result?: string }).result;
};
const document = (type = 'tnc', language = 'en', brand = '1', version = '1.0') =>
  app.call('GET', `/gateway/tnc/${version}/document/revision/lastPublished/${brand}/${language}/${type}`, {
    token: null,
  });

function expectAnswer(answer: Answer, status: number, text: string): void {
  expect([answer.status, answer.text]).toEqual([status, text]);
  expect(answer.headers.location).toBeUndefined();
  const type = status === 201 ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
  expect(answer.headers['content-type']).toBe(type);
}

describe('signing', () => {
  it('the terms first records them, and says that the privacy policy is left', async () => {
    expect(await firstCode()).toBe('TNC_APPROVAL_REQUIRED');
    expectAnswer(await sign(), 303, privacyLeft);
    expect(await firstCode()).toBe('PRIVACY_APPROVAL_REQUIRED');
    expectAnswer(await sign(), 303, privacyLeft);
    expectAnswer(await sign({ type: 'privacy' }), 201, signed);
    expect(await firstCode()).toBeUndefined();
  });

  it('the privacy policy first leaves nothing to say', async () => {
    expectAnswer(await sign({ type: 'privacy' }), 201, signed);
    expect(await firstCode()).toBe('TNC_APPROVAL_REQUIRED');
    expectAnswer(await sign(), 201, signed);
    expect(await firstCode()).toBeUndefined();
  });

  it('takes ids as numbers and as texts, each spelling of the version, and keys it does not know', async () => {
    await sign({ type: 'privacy' });
    for (const [body, version] of [
      [{ brand_id: 1, player_id: Number(player) }, '1.0'],
      [{ brand_id: '1', player_id: player, comment: 'x' }, 'v1'],
      [{ language: 'pt-BR' }, '1'],
    ] as const)
      expectAnswer(await sign(body, { path: path.replace('1.0', version) }), 201, signed);
  });

  it('is a policy consent of the player, through the door it came by', async () => {
    await sign({ language: 'de-AT' });
    const list = await app.call('GET', `/api/policyconsent?PolicyId=${policies.tnc}&CustomUserId=${player}`);
    expect(list.json).toMatchObject([
      { ConsentGiven: true, PolicyType: 'TermsOfService', Version: '1.0', CustomUserId: player },
    ]);
    const [{ ClientId } = { ClientId: '' }] = list.as<{ ClientId: string }[]>();
    const given = `/api/policyconsent/consent-given?ClientId=${ClientId}&PolicyId=${policies.tnc}`;
    expect((await app.call('GET', given, { token: null })).text).toBe('{"ConsentGiven":true}');
    const [event] = await app.sql(
      'select actor, source, detail, before, after from consent_events where player_id = $1',
      [player],
    );
    expect(event).toMatchObject({
      actor: 'player',
      source: 'gateway',
      detail: { version: '1.0', language: 'de', assumed: true },
      before: 0,
      after: 2,
    });
  });

  it('what was accepted through the other door counts here, and a withdrawal there is asked again', async () => {
    const consent = (type: 'tnc' | 'privacy', ConsentGiven: boolean) =>
      app.call('POST', '/api/policyconsent', {
        body: { PolicyId: policies[type], ConsentGiven, Language: 'en', CustomUserId: player },
      });
    await consent('privacy', true);
    await consent('tnc', true);
    expect(await firstCode()).toBeUndefined();
    await consent('privacy', false);
    expect(await firstCode()).toBe('PRIVACY_APPROVAL_REQUIRED');
    expectAnswer(await sign(), 303, privacyLeft);
  });

  it('may be asked for twice at once', async () => {
    await sign({ type: 'privacy' });
    const answers = await Promise.all(Array.from({ length: 8 }, () => sign()));
    for (const answer of answers) expectAnswer(answer, 201, signed);
  });

  it('is refused for another player, as for a token that is none', async () => {
    await registerPlayer(app, player, { brandId: 2 });
    const stranger = await app.openSession(player, otherBrandKey);
    expectAnswer(await sign({ player_id: '1001' }), 401, invalid(' - invalid token'));
    expectAnswer(await sign({}, { token: null }), 401, invalid(' - invalid token'));
    expectAnswer(await sign({}, { token: stranger.auth_token }), 401, invalid(' - invalid token'));
    expectAnswer(await sign({ brand_id: 2 }), 401, invalid(' - invalid token'));
    expect(
      await app.sql(
        'select 1 from policy_consents c join subjects s on s.client_id = c.subject_id where s.player_id = $1',
        [player],
      ),
    ).toEqual([]);
  });

  it.each([
    ['no player', { player_id: undefined }],
    ['what is no player', { player_id: ['x'] }],
    ['an empty player', { player_id: '' }],
    ['no type', { type: undefined }],
    ['another type', { type: 'cookie' }],
    ['a type that every object has', { type: 'constructor' }],
    ['no language', { language: undefined }],
    ['what is no language', { language: 'e' }],
    ['a language that is a number', { language: 1 }],
  ])('is refused with %s', async (_what, body) => {
    expectAnswer(await sign(body), 400, invalid());
  });

  it.each([[undefined], ['x'], [0], [-1], [1.5], [99], [null], [{}], ['1 '], ['99999999999']])(
    'is refused with the brand %p',
    async (brand) => {
      expectAnswer(await sign({ brand_id: brand }), 400, invalid(' - invalid brand id'));
    },
  );

  it('looks at the version before the brand, and at the brand before the session', async () => {
    const other = path.replace('1.0', '2.0');
    expectAnswer(await sign({ brand_id: 'x' }, { path: other, token: null }), 400, invalid());
    expectAnswer(await sign({ brand_id: 'x' }, { token: null }), 400, invalid(' - invalid brand id'));
    expectAnswer(await sign({ type: 'x' }, { token: null }), 401, invalid(' - invalid token'));
  });

  it('needs a body that is JSON', async () => {
    const send = (body: string) => app.call('POST', path, { token, body });
    for (const body of ['', '{', '{"brand_id":1,"brand_id":1}'])
      expectAnswer(await send(body), 400, invalid());
    for (const body of ['null', '"x"', '[]', '{}'])
      expectAnswer(await send(body), 400, invalid(' - invalid brand id'));
  });

  it('is refused where nothing is in force', async () => {
    await registerPlayer(app, player, { brandId: 2 });
    const session = await app.openSession(player, otherBrandKey);
    expectAnswer(await sign({ brand_id: 2 }, { token: session.auth_token }), 400, invalid());
    const info = await app.call('GET', '/gateway/online-player/1.0/2/player/info', {
      token: session.auth_token,
    });
    expect(info.status).toBe(200);
  });
});

describe('the current document', () => {
  it('is the policy’s text in force, with what asks for it', async () => {
    const answer = await document();
    expectAnswer(
      answer,
      200,
      '{"language":"en","prompt":"Please read the terms and conditions and accept them to go on.",' +
        '"version":"1.0","body":"<p>Be fair.</p>"}',
    );
    expect(answer.headers).toMatchObject({ 'content-language': 'en', 'cache-control': 'no-cache' });
    expectAnswer(
      await document('privacy', 'de-AT'),
      200,
      '{"language":"de","prompt":"Bitte lesen Sie die Datenschutzerklärung und stimmen Sie ihr zu, um fortzufahren.",' +
        '"version":"1.0","body":"<p>Sei fair.</p>"}',
    );
  });

  it('comes in the policy’s own language where there is no other', async () => {
    expect((await document('tnc', 'fi')).json).toMatchObject({ language: 'en' });
  });

  it('is none of what is not there', async () => {
    expectAnswer(await document('tnc', 'en', '2'), 404, '{"errMsg":"not found"}');
    expectAnswer(await document('cookie'), 400, invalid());
    expectAnswer(await document('tnc', 'e'), 400, invalid());
    expectAnswer(await document('tnc', 'en', 'x'), 400, invalid(' - invalid brand id'));
    expectAnswer(await document('tnc', 'en', 'x', '3'), 400, invalid());
  });

  it('asks everybody again once a material version is in force, and nobody for another one', async () => {
    const texts = { en: '<p>Be fairer.</p>' };
    await sign({ type: 'privacy' });
    await sign();
    expect(await firstCode()).toBeUndefined();
    await publishVersion(app, policies.tnc, { version: '2.0', at: '2026-01-01T00:00:00Z', texts });
    await until(async () => (await firstCode()) === 'TNC_APPROVAL_REQUIRED');
    expect((await document()).json).toMatchObject({ version: '2.0', body: '<p>Be fairer.</p>' });
    expectAnswer(await sign(), 201, signed);
    expect(await firstCode()).toBeUndefined();
    await app.call('POST', `/api/policies/${policies.tnc}/versions`, {
      body: {
        Version: '2.1',
        Material: false,
        Texts: [{ Language: 'en', Format: 'html', Text: '<p>Be fair, please.</p>' }],
      },
    });
    await app.call('POST', `/api/policies/${policies.tnc}/versions/2.1/publish`);
    expect((await document()).json).toMatchObject({ version: '2.1' });
    expect(await firstCode()).toBeUndefined();
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(50);
}
