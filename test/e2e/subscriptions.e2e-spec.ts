import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/crm-server.js';
import { errorText, problem } from '../support/errors.js';
import {
  isSignedWith,
  type NewSubscription,
  type PrintedDelivery,
  type PrintedSubscription,
  settleWebhooks,
  subscribePath,
  subscriptionRoutes,
  subscriptionsPath,
} from '../support/subscriptions.js';
import { type Answer, createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';
import { newUserId, universalRoutes } from '../support/universal.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const unknownId = '01900000-0000-7000-8000-000000000000';
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
let app: TestApp;
let routes: ReturnType<typeof subscriptionRoutes>;
let consents: ReturnType<typeof universalRoutes>;
let receiver: WebhookReceiver;

beforeAll(async () => {
  app = await createTestApp({ deliveries: true });
  await app.sql('delete from webhook_subscriptions');
  routes = subscriptionRoutes(app);
  consents = universalRoutes(app);
});
afterAll(() => app?.close());
beforeEach(async () => {
  receiver = new WebhookReceiver();
  await receiver.start();
});
afterEach(async () => {
  await routes.removeAll();
  await routes.removeAll({ token: otherBrandKey });
  await receiver.stop();
});

const expectBody = (answer: Answer, status: number, body: string) =>
  expect([answer.status, answer.text]).toEqual([status, body]);
const expectMissing = (answer: Answer, path: string, text: string = errorText.noSuchSubscription) =>
  expectBody(answer, 404, problem(404, text, path));
const subscribe = async (body: object = {}, token?: string): Promise<NewSubscription> =>
  (await routes.subscribe({ WebhookUrl: receiver.url, ...body }, { token })).as<NewSubscription>();
const listed = async (token?: string) => (await routes.list({ token })).as<PrintedSubscription[]>();
const find = async (id: string) => (await listed()).find(({ Id }) => Id === id);
const logOf = async (id: string, query = '') => (await routes.deliveries(id, query)).as<PrintedDelivery[]>();
const newest = async (id: string) => (await logOf(id))[0];
const arrived = (count: number) => eventually(() => receiver.webhooks.length >= count);
const tried = (id: string, attempts = 1) =>
  eventually(async () => {
    const delivery = await newest(id);
    return delivery && delivery.Attempts.length >= attempts ? delivery : null;
  });

describe('POST /api/universalconsent/subscribe', () => {
  it('answers the subscription, and its secret this once', async () => {
    const criteria = { CustomUserId: 'somebody', Reference: 'newsletter', ConsentType: 'Call' };
    const answer = await routes.subscribe({ WebhookUrl: receiver.url, ...criteria });
    const { Id, Created, Secret } = answer.as<NewSubscription>();
    const printed = {
      Id,
      WebhookUrl: receiver.url,
      ...criteria,
      Created,
      FailingSince: null,
      DisabledAt: null,
      DisabledReason: null,
    };
    expectBody(answer, 200, JSON.stringify({ ...printed, Secret }));
    expect(Id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(Created).toMatch(instant);
    expect(Math.abs(Date.parse(Created) - Date.now())).toBeLessThan(5000);
    expect(Secret).toMatch(/^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/);
    expectBody(await routes.list(), 200, JSON.stringify([printed]));
    const [row] = await app.sql<{ holds: boolean }>(
      `select bool_or(t::text like '%' || $1 || '%' or position(convert_to($1, 'UTF8') in t.secret) > 0) as holds
       from webhook_subscriptions t`,
      [Secret.replace('whsec_', '')],
    );
    expect(row?.holds).toBe(false);
  });

  it('takes no criteria for all, and gives each subscription an id and a secret of its own', async () => {
    const [one, other] = [await subscribe(), await subscribe()];
    expect([one.CustomUserId, one.Reference, one.ConsentType]).toEqual([null, null, null]);
    expect(one.Id).not.toBe(other.Id);
    expect(one.Secret).not.toBe(other.Secret);
    expect((await listed()).map(({ Id }) => Id)).toEqual([one.Id, other.Id]);
  });

  it('keeps the address as it is understood, without its fragment', async () => {
    const { WebhookUrl } = await subscribe({ WebhookUrl: 'HTTP://127.1:8080/a b?c=1#d' });
    expect(WebhookUrl).toBe('http://127.0.0.1:8080/a%20b?c=1');
  });

  it.each([
    [{}, 'WebhookUrl', errorText.notAText('WebhookUrl')],
    [{ WebhookUrl: null }, 'WebhookUrl', errorText.notAText('WebhookUrl')],
    [{ WebhookUrl: ['http://127.0.0.1/'] }, 'WebhookUrl', errorText.notAText('WebhookUrl')],
    [{ WebhookUrl: '' }, 'WebhookUrl', errorText.webhookUrl],
    [{ WebhookUrl: '/webhooks' }, 'WebhookUrl', errorText.webhookUrl],
    [{ WebhookUrl: 'ftp://127.0.0.1/' }, 'WebhookUrl', errorText.webhookUrl],
    [{ WebhookUrl: 'http://user:pass@127.0.0.1/' }, 'WebhookUrl', errorText.webhookUser],
    [{ WebhookUrl: 'http://10.0.0.1/' }, 'WebhookUrl', errorText.webhookAddress],
    [{ CustomUserId: '' }, 'CustomUserId', errorText.tooShort('CustomUserId')],
    [{ CustomUserId: 1001 }, 'CustomUserId', errorText.notAText('CustomUserId')],
    [{ CustomUserId: null }, 'CustomUserId', errorText.notAText('CustomUserId')],
    [{ CustomUserId: 'x'.repeat(257) }, 'CustomUserId', errorText.tooLong('CustomUserId', 256)],
    [{ Reference: '' }, 'Reference', errorText.tooShort('Reference')],
    [{ Reference: 'x'.repeat(501) }, 'Reference', errorText.tooLong('Reference', 500)],
    [{ ConsentType: false }, 'ConsentType', errorText.notAText('ConsentType')],
    [{ ConsentType: 'x'.repeat(101) }, 'ConsentType', errorText.tooLong('ConsentType', 100)],
    [{ webhookUrl: 'http://127.0.0.1/' }, 'webhookUrl', errorText.unknownKey('webhookUrl')],
    [{ Secret: 'whsec_bWluZQ==' }, 'Secret', errorText.unknownKey('Secret')],
  ])('refuses %j and stores nothing', async (body, field, text) => {
    const before = await app.countRows();
    const isWhole = field === 'WebhookUrl';
    const answer = await routes.subscribe(isWhole ? body : { WebhookUrl: receiver.url, ...body });
    expectBody(answer, 400, problem(400, text, subscribePath, field));
    expect(await app.countRows()).toEqual(before);
  });

  it('refuses an address that is too long, as it was sent or as it is understood', async () => {
    for (const [characters, text] of [
      ['x'.repeat(2048), errorText.tooLong('WebhookUrl', 2048)],
      ['ü'.repeat(1000), errorText.webhookUrlLength],
    ] as const) {
      const answer = await routes.subscribe({ WebhookUrl: `http://127.0.0.1/${characters}` });
      expectBody(answer, 400, problem(400, text, subscribePath, 'WebhookUrl'));
    }
    const { WebhookUrl } = await subscribe({ WebhookUrl: `http://127.0.0.1/${'x'.repeat(2031)}` });
    expect(WebhookUrl).toHaveLength(2048);
  });

  it('refuses what is no JSON object, and what is too large', async () => {
    const answers = [
      await routes.subscribe('{"WebhookUrl":'),
      await routes.subscribe(['http://127.0.0.1/']),
      await routes.subscribe({ WebhookUrl: receiver.url, Reference: 'a\0b' }),
      await routes.subscribe({ WebhookUrl: receiver.url, Reference: 'x'.repeat(2_000_000) }),
    ];
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [400, problem(400, errorText.malformedBody, subscribePath)],
      [400, problem(400, errorText.notAnObject, subscribePath)],
      [400, problem(400, errorText.holdsNul, subscribePath)],
      [413, problem(413, errorText.bodyTooLarge, subscribePath)],
    ]);
  });
});

describe('every route of subscriptions', () => {
  it('needs a credential with the scope, of a service and not of a player', async () => {
    const { Id } = await subscribe();
    const reader = await app.createClient(['universal:read', 'universal:write']);
    const player = (await app.openSession('1001')).auth_token;
    const before = await app.countRows();
    const requests = [
      (token: string | null) => routes.subscribe({ WebhookUrl: receiver.url }, { token }),
      (token: string | null) => routes.list({ token }),
      (token: string | null) => routes.deliveries(Id, '', { token }),
      (token: string | null) => routes.ping(Id, { token }),
      (token: string | null) => routes.rotateSecret(Id, { token }),
      (token: string | null) => routes.remove(Id, { token }),
    ];
    for (const request of requests) {
      const statuses = [await request(null), await request('wrong'), await request(reader.key)];
      expect(statuses.map(({ status }) => status)).toEqual([401, 401, 403]);
      expect((await request(player)).status).toBe(403);
    }
    expect(await app.countRows()).toEqual(before);
    expect(receiver.webhooks).toEqual([]);
  });

  it('knows the brand’s own subscriptions alone', async () => {
    const [own, foreign] = [await subscribe(), await subscribe({}, otherBrandKey)];
    expect((await listed()).map(({ Id }) => Id)).toEqual([own.Id]);
    expect((await listed(otherBrandKey)).map(({ Id }) => Id)).toEqual([foreign.Id]);
    for (const [id, text] of [
      [foreign.Id, errorText.noSuchSubscription],
      [unknownId, errorText.noSuchSubscription],
      ['1', errorText.notFound],
      [`${own.Id}0`, errorText.notFound],
      ['%00', errorText.notFound],
    ] as const) {
      const path = `${subscriptionsPath}/${id}`;
      expectMissing(await routes.remove(id), path, text);
      expectMissing(await routes.deliveries(id), `${path}/deliveries`, text);
      expectMissing(await routes.ping(id), `${path}/ping`, text);
      expectMissing(await routes.rotateSecret(id), `${path}/rotate-secret`, text);
    }
    expect((await listed(otherBrandKey)).map(({ Id }) => Id)).toEqual([foreign.Id]);
    const [row] = await app.sql<{ rotated: number }>(
      'select count(old_secret)::integer as rotated from webhook_subscriptions',
    );
    expect(row?.rotated).toBe(0);
    expect(receiver.webhooks).toEqual([]);
  });
});

describe('DELETE /api/universalconsent/subscriptions/:id', () => {
  it('ends it: what waits for it is gone, with its log', async () => {
    const [ended, kept] = [await subscribe(), await subscribe({ ConsentType: 'kept' })];
    receiver.behave = () => ({ status: 500 });
    await consents.post({ CustomUserId: newUserId() });
    await tried(ended.Id);
    expectBody(await routes.remove(ended.Id), 204, '');
    const path = `${subscriptionsPath}/${ended.Id}`;
    expectMissing(await routes.remove(ended.Id), path);
    expectMissing(await routes.deliveries(ended.Id), `${path}/deliveries`);
    expect((await listed()).map(({ Id }) => Id)).toEqual([kept.Id]);
    const [row] = await app.sql<{ rows: number }>(
      'select (select count(*) from outbox)::integer + (select count(*) from delivery_attempts)::integer as rows',
    );
    expect(row?.rows).toBe(0);
    await consents.post({ CustomUserId: newUserId() });
    await settleWebhooks(app);
    expect(receiver.webhooks).toHaveLength(1);
  });

  it('may come while a webhook is under way', async () => {
    const { Id } = await subscribe();
    let answerNow: () => void = () => undefined;
    receiver.behave = () => {
      answerNow = () => void receiver.stop();
      return 'hang';
    };
    await consents.post({});
    await arrived(1);
    expect((await routes.remove(Id)).status).toBe(204);
    answerNow();
    await settleWebhooks(app);
    expect(await app.sql('select from outbox')).toEqual([]);
  });
});

describe('GET /api/universalconsent/subscriptions/:id/deliveries', () => {
  it('has every try: status, duration, the first kilobyte of the answer', async () => {
    const { Id } = await subscribe();
    const answers = [
      { status: 500, text: `${'x'.repeat(1022)}äö` },
      { status: 302, headers: { location: receiver.url }, text: '' },
      { status: 200, text: 'taken\0' },
    ];
    receiver.behave = () => answers[receiver.webhooks.length - 1] ?? { status: 200 };
    await consents.post({ CustomUserId: newUserId() });
    const pending = await tried(Id);
    expect(pending).toEqual({
      Id: expect.stringMatching(/^[1-9]\d*$/),
      MessageId: receiver.webhooks[0]?.id,
      Status: 'pending',
      Created: expect.stringMatching(instant),
      NextAttempt: expect.stringMatching(instant),
      Attempts: [
        {
          AttemptedAt: expect.stringMatching(instant),
          Status: 500,
          Error: null,
          Answer: `${'x'.repeat(1022)}ä`,
          DurationMs: expect.any(Number),
        },
      ],
    });
    expect(Date.parse(pending.NextAttempt ?? '')).toBeGreaterThan(Date.now() + 2000);
    for (const attempts of [2, 3]) {
      const answer = await routes.redeliver(pending.Id);
      expect([answer.status, answer.as<{ status: string }>().status]).toEqual([202, 'pending']);
      await tried(Id, attempts);
    }
    const delivered = await newest(Id);
    expect(delivered).toMatchObject({ Status: 'delivered', NextAttempt: null });
    expect(delivered?.Attempts.map(({ Status, Answer }) => [Status, Answer])).toEqual([
      [200, 'taken'],
      [302, ''],
      [500, `${'x'.repeat(1022)}ä`],
    ]);
    const times = delivered?.Attempts.map(({ AttemptedAt }) => AttemptedAt) ?? [];
    expect(times).toEqual([...times].sort().reverse());
    for (const { DurationMs } of delivered?.Attempts ?? []) {
      expect(DurationMs).toBeGreaterThanOrEqual(0);
      expect(DurationMs).toBeLessThan(5000);
    }
  });

  it('says why no answer came', async () => {
    const { Id } = await subscribe();
    receiver.behave = () => 'reset';
    await consents.post({});
    expect((await tried(Id)).Attempts[0]).toMatchObject({
      Status: null,
      Error: 'connection_reset',
      Answer: null,
    });
  });

  it('shows what was given up, until somebody has it sent again', async () => {
    const { Id } = await subscribe();
    receiver.behave = () => ({ status: 503 });
    await consents.post({});
    await tried(Id);
    await app.sql('update outbox set attempts = 9, next_attempt_at = now() where subscription_id = $1', [Id]);
    const parked = await eventually(async () => {
      const delivery = await newest(Id);
      return delivery?.Status === 'parked' ? delivery : null;
    });
    expect([parked.NextAttempt, parked.Attempts.length]).toEqual([null, 2]);
    expect(await find(Id)).toMatchObject({ FailingSince: expect.stringMatching(instant), DisabledAt: null });
    receiver.behave = () => ({ status: 202 });
    expectMissing(
      await routes.redeliver(parked.Id, { token: otherBrandKey }),
      `/api/deliveries/${parked.Id}/redeliver`,
      errorText.noSuchDelivery,
    );
    await routes.redeliver(parked.Id);
    await eventually(async () => (await newest(Id))?.Status === 'delivered');
    expect(new Set(receiver.webhooks.map(({ id, text }) => id + text)).size).toBe(1);
    expect(await find(Id)).toMatchObject({ FailingSince: null });
  });

  it('pages through everything once, newest first', async () => {
    const { Id } = await subscribe();
    const references = Array.from({ length: 7 }, (_, index) => `page-${index}`);
    for (const Reference of references) await consents.post({ Reference });
    await arrived(7);
    await eventually(async () => (await logOf(Id)).every(({ Status }) => Status === 'delivered'));
    const all = await logOf(Id);
    const sent = new Map(receiver.webhooks.map(({ id, body }) => [id, body.data.Reference]));
    expect(all.map(({ MessageId }) => sent.get(MessageId))).toEqual([...references].reverse());
    const pages: PrintedDelivery[][] = [];
    let next: string | undefined = `${subscriptionsPath}/${Id}/deliveries?limit=3`;
    while (next !== undefined) {
      const answer: Answer = await app.call('GET', next);
      pages.push(answer.as<PrintedDelivery[]>());
      next = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers.link ?? ''))?.[1];
    }
    expect(pages.map(({ length }) => length)).toEqual([3, 3, 1]);
    expect(pages.flat()).toEqual(all);
    const exact = await routes.deliveries(Id, '?limit=7');
    expect([exact.as<unknown[]>().length, exact.headers.link]).toEqual([7, undefined]);
  });

  it.each([
    ['?limit=0', 'limit', errorText.limitTooSmall],
    ['?limit=1001', 'limit', errorText.limitTooLarge],
    ['?limit=1.5', 'limit', errorText.limitNotInteger],
    ['?cursor=abc', 'cursor', errorText.pageCursor],
    ['?cursor=9223372036854775808', 'cursor', errorText.pageCursor],
    ['?cursor=123456789012345678901', 'cursor', errorText.tooLong('cursor', 20)],
    ['?cursor=1&cursor=2', 'cursor', errorText.notAText('cursor')],
    ['?status=parked', 'status', errorText.unknownKey('status')],
  ])('refuses %s', async (query, field, text) => {
    const { Id } = await subscribe();
    const answer = await routes.deliveries(Id, query);
    expectBody(answer, 400, problem(400, text, `${subscriptionsPath}/${Id}/deliveries`, field));
  });
});

describe('POST /api/universalconsent/subscriptions/:id/ping', () => {
  it('sends a webhook of type ping at once, and shows the answer', async () => {
    const { Id, Secret } = await subscribe({ ConsentType: 'nobody has it' });
    receiver.behave = () => ({ status: 418, text: 'y'.repeat(2000) });
    const answer = await routes.ping(Id);
    const { DurationMs } = answer.as<{ DurationMs: number }>();
    expectBody(
      answer,
      200,
      JSON.stringify({ Status: 418, Error: null, Answer: 'y'.repeat(1024), DurationMs }),
    );
    expect(Number.isInteger(DurationMs)).toBe(true);
    const [ping] = receiver.webhooks;
    expect(ping?.body).toEqual({ type: 'ping', timestamp: expect.stringMatching(instant), data: {} });
    expect(ping && isSignedWith(Secret, ping)).toBe(true);
    expect(ping && isSignedWith((await subscribe()).Secret, ping)).toBe(false);
    expect(await logOf(Id)).toEqual([]);
  });

  it('says so when nobody is there', async () => {
    const { Id } = await subscribe();
    await receiver.stop();
    const answer = await routes.ping(Id);
    expect([answer.status, answer.json]).toEqual([
      200,
      { Status: null, Error: 'connection_refused', Answer: null, DurationMs: expect.any(Number) },
    ]);
    expect(await find(Id)).toMatchObject({ FailingSince: null, DisabledAt: null });
  });

  it('switches a subscription on again that was switched off, once it arrives', async () => {
    const { Id } = await subscribe();
    receiver.behave = () => ({ status: 410 });
    await consents.post({});
    const off = await eventually(async () => {
      const subscription = await find(Id);
      return subscription?.DisabledAt && subscription;
    });
    expect(off).toMatchObject({ DisabledReason: 'the receiver answered 410 Gone' });
    const parked = await tried(Id);
    expect(parked.Status).toBe('parked');
    expectBody(
      await routes.redeliver(parked.Id),
      409,
      problem(409, errorText.subscriptionOff, `/api/deliveries/${parked.Id}/redeliver`),
    );
    expect((await routes.ping(Id)).json).toMatchObject({ Status: 410 });
    expect(await find(Id)).toEqual(off);
    receiver.behave = () => ({ status: 200 });
    await routes.ping(Id);
    expect(await find(Id)).toMatchObject({ FailingSince: null, DisabledAt: null, DisabledReason: null });
    await consents.post({ Reference: 'after' });
    await eventually(() => receiver.webhooks.some(({ body }) => body.data.Reference === 'after'));
  });
});

describe('POST /api/universalconsent/subscriptions/:id/rotate-secret', () => {
  it('gives a new secret, and the old one signs along for a day', async () => {
    const { Id, Secret: old } = await subscribe();
    const answer = await routes.rotateSecret(Id);
    const { Secret, OldSecretUntil } = answer.as<{ Secret: string; OldSecretUntil: string }>();
    expectBody(answer, 200, JSON.stringify({ Secret, OldSecretUntil }));
    expect(Secret).toMatch(/^whsec_/);
    expect(Secret).not.toBe(old);
    expect(Math.abs(Date.parse(OldSecretUntil) - Date.now() - 86_400_000)).toBeLessThan(5000);
    expect((await routes.list()).text).not.toContain('whsec_');
    await consents.post({});
    await arrived(1);
    await routes.ping(Id);
    for (const webhook of receiver.webhooks) {
      expect([old, Secret].map((secret) => isSignedWith(secret, webhook))).toEqual([true, true]);
      expect(String(webhook.headers['webhook-signature']).split(' ')).toHaveLength(2);
    }
    await app.sql('update webhook_subscriptions set old_secret_until = now()');
    await consents.post({});
    await arrived(3);
    await routes.ping(Id);
    expect(receiver.webhooks).toHaveLength(4);
    for (const webhook of receiver.webhooks.slice(2))
      expect([old, Secret].map((secret) => isSignedWith(secret, webhook))).toEqual([false, true]);
  });
});
