import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { demoPolicyIds } from '../../src/demo-policies.js';
import { MessagesService } from '../../src/delivery/messages.service.js';
import { newPlayerId } from '../support/consents.js';
import { becomeJane, customFieldsPath, detailsPath, janesDetails } from '../support/details.js';
import { errorText, problem } from '../support/errors.js';
import { createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown as string;
const uuid = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f-]{27}$/) as unknown as string;

describe.each(['changes', 'export'])('GET /internal/players/:id/%s', (part) => {
  it('knows the players of its own brand alone', async () => {
    for (const [id, token] of [
      ['nobody-knows-me', undefined],
      ['1001', otherBrandKey],
    ] as const) {
      const path = `/internal/players/${id}/${part}`;
      const { status, text } = await app.call('GET', path, { token });
      expect([status, text]).toEqual([404, problem(404, errorText.userNotFound, path)]);
    }
    const path = `/internal/players/a%20b/${part}`;
    const { status, text } = await app.call('GET', path);
    expect([status, text]).toEqual([400, problem(400, errorText.badPlayerId, path, 'id')]);
  });
});

describe('GET /internal/players/:id/changes', () => {
  interface Page {
    changes: { after: string }[];
    next: string | null;
  }

  it('lists what was changed, newest first, a page at a time', async () => {
    const player = newPlayerId();
    const token = await becomeJane(app, player);
    const path = `/internal/players/${player}/changes`;
    expect((await app.call('GET', path)).text).toBe('{"changes":[],"next":null}');
    const put = (body: object) => app.call('PUT', detailsPath, { token, body });
    await put({ city: 'Leeds', optOut: { sms: false }, comment: 'moved', operator: 'Player' });
    await put({ city: 'York' });
    await app.call('PUT', customFieldsPath, {
      token,
      body: { intCustomFields: [{ id: 'lucky_number', value: 7 }] },
    });
    const answer = await app.call('GET', path);
    expect(answer.headers['cache-control']).toBe('no-store');
    const line = (field: string, before: string | null, after: string, more: object = {}) => ({
      ...{ id: uuid, field, before, after, actor: 'player', operator: null, comment: null },
      ...more,
      changed_at: instant,
    });
    const why = { operator: 'Player', comment: 'moved' };
    expect(answer.json).toEqual({
      changes: [
        line('customFields.lucky_number', null, '7'),
        line('city', 'Leeds', 'York'),
        line('optOut.sms', 'true', 'false', why),
        line('city', 'London', 'Leeds', why),
      ],
      next: null,
    });
    const pages: string[][] = [];
    for (let next: string | null = ''; next !== null; ) {
      const page: Page = (await app.call('GET', `${path}?limit=2${next && `&cursor=${next}`}`)).as<Page>();
      pages.push(page.changes.map(({ after }) => after));
      next = page.next;
    }
    expect(pages).toEqual([
      ['7', 'York'],
      ['false', 'Leeds'],
    ]);
  });

  it.each([
    ['limit=0', 'limit', errorText.limitTooSmall],
    ['limit=1001', 'limit', errorText.limitTooLarge],
    ['cursor=x', 'cursor', errorText.badCursor],
  ])('refuses %s', async (query, field, error) => {
    const path = '/internal/players/1001/changes';
    const { status, text } = await app.call('GET', `${path}?${query}`);
    expect([status, text]).toEqual([400, problem(400, error, path, field)]);
  });
});

describe('GET /internal/players/:id/export', () => {
  const read = async (player: string) => {
    const answer = await app.call('GET', `/internal/players/${player}/export`);
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    return answer.as<Record<string, never>>();
  };

  it('holds everything that is kept of a player, and no secret', async () => {
    const player = newPlayerId();
    const token = await becomeJane(app, player);
    const secrets = await fill(player, token);
    const all = await read(player);
    expect(Object.keys(all)).toEqual([
      ...['player_id', 'exported_at', 'profile', 'credentials', 'consents', 'marketingForm', 'blocks'],
      ...['customFields', 'universalConsents', 'policyConsents', 'events', 'changes', 'sessions', 'codes'],
      ...['links', 'activity', 'play', 'games', 'messages'],
    ]);
    expect(all).toMatchObject({
      player_id: player,
      exported_at: instant,
      profile: {
        ...janesDetails,
        hasDetails: true,
        pendingMobileNumber: '44-7400654321',
        created_at: instant,
      },
      credentials: {
        ...{ username: 'jane', email: 'jane@example.com', signedOptOut: true },
        ...{ bonusCode: 'WELCOME', affiliateParameter: 'x=1' },
      },
      marketingForm: { answered_at: instant, textVersion: 'default-1', language: 'en', source: 'gateway' },
      blocks: { excluded: { active: false, note: '', until: null }, blocked: { active: false, note: '' } },
      customFields: [
        { id: 'favourite_team', name: 'Favourite team', type: 'string', value: 'Leeds' },
        { id: 'lucky_number', name: 'Lucky number', type: 'int', value: 7 },
      ],
      universalConsents: [
        { reference: 'callback', consentType: 'Call', level: 'All', uri: 'https://x.example' },
      ],
      policyConsents: [{ policyType: 'TermsOfService', version: '1.0', language: 'en', given: true }],
      changes: [
        { field: 'customFields.favourite_team', after: 'Leeds' },
        { field: 'customFields.lucky_number', after: '7' },
      ],
      sessions: [{ id: uuid, created_at: instant, ended_at: null }],
      codes: [{ number: '44-7400654321', created_at: instant, ended_at: null }],
      activity: {
        ...{ vip_level: 'Bronze', real_balance: '90604', rounds: '1', bets: '250', wins: '0' },
        ...{ last_bet: '2026-01-31T12:00:00.000Z', total_balance: null, checked_at: null },
      },
      play: [
        {
          ...{
            id: 'bet-1',
            type: 'bet',
            amount: '250',
            at: '2026-01-31T12:00:00.000Z',
            data: { game: 'starburst' },
          },
          recorded_at: instant,
        },
      ],
      games: [
        { game_id: 'starburst', created_at: instant, login_at: instant, expires_at: instant, ended_at: null },
      ],
      messages: [
        { kind: 'sms', to: '+447400654321', template: 'mobile_code', created_at: instant },
        { kind: 'mail', to: 'jane@example.com', template: 'test', created_at: instant },
      ],
    });
    const { consents, events } = all as unknown as {
      consents: { channel: string }[];
      events: Record<string, unknown>[];
    };
    expect(consents).toContainEqual({
      channel: 'email',
      optedIn: true,
      products: ['casino'],
      set_at: instant,
    });
    expect(consents).toContainEqual({ channel: 'chat', optedIn: false, set_at: null });
    expect(consents).toHaveLength(7);
    expect(events.map(({ type, channel, evidence }) => [type, channel, evidence !== null])).toEqual([
      ['marketing', 'email', true],
      ['universal', null, true],
      ['policy', null, true],
    ]);
    const text = JSON.stringify(all);
    for (const secret of secrets) expect(text).not.toContain(secret);
  });

  /** Leaves something of every kind; answers what must never be printed. */
  async function fill(player: string, token: string): Promise<string[]> {
    await app.sql(
      `insert into player_credentials (brand_id, player_id, username, username_key, email, email_key, password_hash,
         signed_opt_out, bonus_code, affiliate_parameter)
       values (1, $1, 'jane', 'jane', 'jane@example.com', 'jane@example.com', '$argon2id$marked', true, 'WELCOME', 'x=1')`,
      [player],
    );
    await app.call('POST', `/userconsents/${player}`, {
      body: { consents: [{ type: 'email', opted_in: true, products: ['casino'] }] },
    });
    await app.call('POST', '/api/universalconsent', {
      body: {
        ...{ ConsentGiven: 'All', Reference: 'callback', ConsentType: 'Call' },
        ...{ CustomUserId: player, URI: 'https://x.example' },
      },
    });
    await app.call('POST', '/api/policyconsent', {
      body: { PolicyId: demoPolicyIds.terms, ConsentGiven: true, Language: 'en', CustomUserId: player },
    });
    const customFields = {
      strCustomFields: [{ id: 'favourite_team', value: 'Leeds' }],
      intCustomFields: [{ id: 'lucky_number', value: 7 }],
    };
    await app.call('PUT', customFieldsPath, { token, body: customFields });
    const form = { preferences: [], textVersion: 'default-1' };
    await app.call('PUT', '/gateway/player-personal-details/1.0/marketing-preferences/1', {
      token,
      body: form,
    });
    await app.sql('update players set is_mobile_verification_on = true where player_id = $1', [player]);
    const answer = await app.call('PUT', detailsPath, { token, body: { phone: '44-7400654321' } });
    await app.call('PUT', `/internal/players/${player}/activity`, {
      body: { vip_level: 'Bronze', real_balance: 906.04 },
    });
    const bet = {
      id: 'bet-1',
      type: 'bet',
      amount: 2.5,
      at: '2026-01-31T12:00:00Z',
      data: { game: 'starburst' },
    };
    await app.call('POST', `/internal/players/${player}/events`, { body: { events: [bet] } });
    const game = await app.call('POST', '/internal/game-sessions', {
      body: { player_id: player, game_id: 'starburst' },
    });
    const { game_session_id: gameSession } = game.as<{ game_session_id: string }>();
    const messages = app.nest.get(MessagesService, { strict: false });
    await app.nest.get(DataSource).transaction((manager) =>
      messages.queueMail(manager, {
        ...{ brandId: 1, playerId: player, to: 'jane@example.com' },
        ...{ template: 'test', language: 'en', variables: {} },
      }),
    );
    const { data } = answer.as<{ data: { '2fa_auth_token': string } }>();
    return [token, data['2fa_auth_token'], gameSession, 'argon2id'];
  }

  it('of somebody known by a consent alone holds that', async () => {
    const player = newPlayerId();
    await app.call('POST', `/userconsents/${player}`, {
      body: { consents: [{ type: 'sms', opted_in: true }] },
    });
    await app.call('PUT', `/internal/players/${player}/blocks`, {
      body: { excluded: { active: true, note: 'asked for it', until: '2999-01-01T00:00:00Z' } },
    });
    expect(await read(player)).toMatchObject({
      ...{ profile: null, credentials: null, customFields: [], universalConsents: [], policyConsents: [] },
      ...{
        changes: [],
        sessions: [],
        codes: [],
        links: [],
        activity: null,
        play: [],
        games: [],
        messages: [],
      },
      blocks: { excluded: { active: true, note: 'asked for it', until: '2999-01-01T00:00:00.000Z' } },
      events: [{ channel: 'sms' }, { channel: 'excluded', type: 'block' }, { channel: 'sms' }],
    });
  });

  it('holds what was recorded of a visitor who turned out to be the player', async () => {
    const player = newPlayerId();
    await app.call('PUT', `/internal/players/${player}`, { body: {} });
    const visit = { ConsentGiven: 'All', Reference: 'newsletter', ConsentType: 'Banner' };
    const recorded = await app.call('POST', '/api/universalconsent', { body: visit });
    const { ClientId } = recorded.as<{ ClientId: string }>();
    const seen = { PolicyId: demoPolicyIds.terms, ConsentGiven: true, Language: 'en' };
    await app.call('POST', '/api/policyconsent', { body: { ...seen, ClientId, CustomUserId: player } });
    const all = (await read(player)) as unknown as { universalConsents: object[]; events: object[] };
    expect(all.universalConsents).toContainEqual(
      expect.objectContaining({ reference: 'newsletter', clientId: ClientId }),
    );
    expect(all.events).toMatchObject([{ type: 'universal' }, { type: 'policy' }]);
  });
});
