import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { SubscriptionsService } from '../../src/delivery/webhooks/subscriptions.service.js';
import { change, newPlayerId } from '../support/consents.js';
import { eventually } from '../support/crm-server.js';
import { createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

interface Entry {
  id: string;
  attempts: number;
  last_status: number | null;
  last_error: string | null;
  wait: number;
  parked: boolean;
  delivered: boolean;
}

let app: TestApp;
let subscriptions: SubscriptionsService;
let receiver: WebhookReceiver;
let subscriptionId: string;
let secret: string;

beforeAll(async () => {
  app = await createTestApp({ deliveries: true });
  subscriptions = app.nest.get(SubscriptionsService, { strict: false });
});
afterAll(() => app?.close());
beforeEach(async () => {
  receiver = new WebhookReceiver();
  await receiver.start();
  ({ id: subscriptionId, secret } = await subscribe(receiver.url));
});
afterEach(async () => {
  for (const { id } of await subscriptions.list(1)) await subscriptions.remove(1, id);
  await receiver.stop();
});

async function subscribe(url: string, criteria = {}, brandId = 1): Promise<{ id: string; secret: string }> {
  const made = await subscriptions.create(brandId, url, criteria);
  return { id: made.subscription.id, secret: made.secret };
}
const post = (player: string, optedIn: boolean, products?: string[], token?: string) =>
  app.call('POST', `/userconsents/${player}`, {
    ...(token !== undefined && { token }),
    body: { consents: change('email', optedIn, products) },
  });
const entries = (player: string) =>
  app.sql<Entry>(
    `select id, attempts, last_status, last_error, extract(epoch from next_attempt_at - now())::float as wait,
       parked_at is not null as parked, delivered_at is not null as delivered
     from outbox where brand_id = 1 and player_id = $1 and kind = 4 order by id`,
    [player],
  );
const entry = async (player: string): Promise<Entry> => (await entries(player))[0] as Entry;
const arrived = (player: string, count = 1) => eventually(() => receiver.about(player).length >= count);
const failed = (player: string, attempts = 1) =>
  eventually(async () => (await entry(player))?.attempts >= attempts);

describe('a webhook', () => {
  it('arrives within a second, signed, with the record after the change', async () => {
    const player = newPlayerId();
    const startedAt = Date.now();
    await post(player, true, ['casino', 'sportsbook']);
    await arrived(player);
    const [webhook] = receiver.about(player);
    expect((webhook?.at ?? 0) - startedAt).toBeLessThan(1000);
    const verified = new Webhook(secret).verify(
      webhook?.text ?? '',
      webhook?.headers as Record<string, string>,
    );
    expect(verified).toEqual({
      type: 'marketing_consent.updated',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      data: {
        CustomUserId: player,
        consents: [
          { type: 'email', opted_in: true, products: ['casino', 'sports'] },
          { type: 'sms', opted_in: false },
          { type: 'siteNotification', opted_in: false },
          { type: 'telephone', opted_in: false },
          { type: 'postMail', opted_in: false },
          { type: 'pushNotification', opted_in: false },
        ],
        Sequence: 1,
      },
    });
    expect(webhook?.id).toMatch(/^msg_[0-9a-f-]{36}$/);
    expect(() =>
      new Webhook('whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBrZXk=').verify(
        webhook?.text ?? '',
        webhook?.headers as Record<string, string>,
      ),
    ).toThrow();
  });

  it('is signed with the old secret too while a rotation lasts', async () => {
    const { secret: next } = await subscriptions.rotateSecret(1, subscriptionId);
    const player = newPlayerId();
    await post(player, true);
    await arrived(player);
    const { text = '', headers } = receiver.about(player)[0] ?? {};
    for (const key of [secret, next])
      expect(() => new Webhook(key).verify(text, headers as Record<string, string>)).not.toThrow();
    await app.sql('update webhook_subscriptions set old_secret_until = now()');
    await post(player, false);
    await arrived(player, 2);
    const later = receiver.about(player)[1];
    expect(() =>
      new Webhook(secret).verify(later?.text ?? '', later?.headers as Record<string, string>),
    ).toThrow();
  });

  it('goes to every subscription that matches, of its own brand alone', async () => {
    const player = newPlayerId();
    const [mine, elsewhere] = [new WebhookReceiver(), new WebhookReceiver()];
    await Promise.all([mine.start(), elsewhere.start()]);
    await subscribe(mine.url, { customUserId: player });
    await subscribe(elsewhere.url, {}, 2);
    const other = newPlayerId();
    await Promise.all([post(player, true), post(other, true)]);
    await post(newPlayerId(), true, undefined, otherBrandKey);
    await eventually(() => mine.webhooks.length === 1 && elsewhere.webhooks.length === 1);
    await arrived(player);
    await arrived(other);
    expect(mine.about(player)).toHaveLength(1);
    expect(elsewhere.about(player)).toHaveLength(0);
    for (const { id } of await subscriptions.list(2)) await subscriptions.remove(2, id);
    await Promise.all([mine.stop(), elsewhere.stop()]);
  });

  it('tells of each act in order, with a sequence that only grows', async () => {
    const player = newPlayerId();
    for (let turn = 0; turn < 10; turn++) await post(player, turn % 2 === 0);
    await arrived(player, 10);
    expect(receiver.about(player).map(({ body }) => body.data.Sequence)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    expect(receiver.about(player).map(({ body }) => body.data.consents[0]?.opted_in)).toEqual(
      Array.from({ length: 10 }, (_, turn) => turn % 2 === 0),
    );
  });

  it('of an exclusion says that the player is out of everything', async () => {
    const player = newPlayerId();
    await post(player, true);
    await app.call('PUT', `/internal/players/${player}/blocks`, {
      body: { excluded: { active: true, note: '' } },
    });
    await arrived(player, 2);
    expect(receiver.about(player)[1]?.body.data.consents.some((consent) => consent.opted_in)).toBe(false);
  });

  it('is the same on each retry, and on a redelivery that was asked for', async () => {
    const player = newPlayerId();
    receiver.behave = () => ({ status: receiver.about(player).length === 1 ? 500 : 200 });
    await post(player, true);
    await failed(player);
    const { id } = await entry(player);
    expect((await app.call('POST', `/api/deliveries/${id}/redeliver`)).status).toBe(202);
    await arrived(player, 2);
    await eventually(async () => (await entry(player)).delivered);
    // Meanwhile the player has changed again; the record of the first change has not.
    await post(player, false);
    await arrived(player, 3);
    const again = await app.call('POST', `/api/deliveries/${id}/redeliver`);
    expect([again.status, again.as<{ status: string }>().status]).toEqual([202, 'pending']);
    await arrived(player, 4);
    const [first, second, , fourth] = receiver.about(player);
    expect([second?.id, second?.text]).toEqual([first?.id, first?.text]);
    expect([fourth?.id, fourth?.text]).toEqual([first?.id, first?.text]);
  });
});

describe('a receiver that fails', () => {
  it('is tried again after 5 s, and later changes of the subject no longer wait', async () => {
    const player = newPlayerId();
    receiver.behave = ({ body }) => ({
      status: body.data.Sequence === 1 ? 500 : 200,
      text: 'try\u0000later',
    });
    await post(player, true);
    await failed(player);
    await post(player, false);
    await arrived(player, 2);
    const first = await entry(player);
    expect(first).toMatchObject({ last_status: 500, delivered: false, parked: false });
    expect(first.wait).toBeGreaterThan(2);
    expect(first.wait).toBeLessThanOrEqual(5);
    const [attempt] = await app.sql<{ attempt: number; status: number; answer: string; duration_ms: number }>(
      'select * from delivery_attempts where brand_id = 1 and outbox_id = $1',
      [first.id],
    );
    expect(attempt).toMatchObject({ attempt: 1, status: 500, answer: 'trylater' });
  });

  it('holds up later changes of the subject until its first answer, and no other subject', async () => {
    const [slow, quick] = [newPlayerId(), newPlayerId()];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    receiver.behave = ({ body }) => {
      if (body.data.CustomUserId !== slow || body.data.Sequence !== 1) return { status: 200 };
      void held.then(() => receiver.stop().then(() => undefined));
      return 'hang';
    };
    await post(slow, true);
    await arrived(slow);
    await post(slow, false);
    await post(quick, true);
    await arrived(quick);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(receiver.about(slow)).toHaveLength(1);
    release();
    await failed(slow);
    expect(await entry(slow)).toMatchObject({ last_status: null, last_error: 'connection_reset' });
  });

  it('is asked no sooner than its Retry-After says', async () => {
    const player = newPlayerId();
    receiver.behave = () => ({ status: 429, headers: { 'retry-after': '120' } });
    await post(player, true);
    await failed(player);
    expect((await entry(player)).wait).toBeGreaterThan(115);
  });

  it('has its webhook parked after the last try, where it is seen and can be sent again', async () => {
    const player = newPlayerId();
    receiver.behave = () => ({ status: 503 });
    await post(player, true);
    await failed(player);
    await app.sql(
      'update outbox set attempts = 9, next_attempt_at = now() where brand_id = 1 and player_id = $1',
      [player],
    );
    await eventually(async () => (await entry(player)).parked);
    const { id } = await entry(player);
    const parked = (await app.call('GET', '/api/deliveries?status=parked&kind=webhook')).as<{
      deliveries: { id: string; status: string; attempts: number; nextAttemptAt: string | null }[];
    }>();
    expect(parked.deliveries.find((delivery) => delivery.id === id)).toMatchObject({
      status: 'parked',
      attempts: 10,
      lastStatus: 503,
      nextAttemptAt: null,
    });
    receiver.behave = () => ({ status: 200 });
    await app.call('POST', `/api/deliveries/${id}/redeliver`);
    await eventually(async () => (await entry(player)).delivered);
  });

  it('that answers 410 is switched off, and on again by a ping that arrives', async () => {
    const [player, next] = [newPlayerId(), newPlayerId()];
    receiver.behave = () => ({ status: 410 });
    await post(player, true);
    await eventually(async () => (await subscriptions.get(1, subscriptionId)).disabledAt);
    expect((await subscriptions.get(1, subscriptionId)).disabledReason).toBe(
      'the receiver answered 410 Gone',
    );
    expect(await entry(player)).toMatchObject({ parked: true, last_status: 410 });
    await post(next, true);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(receiver.about(next)).toEqual([]);
    expect(await subscriptions.ping(1, subscriptionId)).toMatchObject({ status: 410 });
    expect((await subscriptions.get(1, subscriptionId)).disabledAt).not.toBeNull();
    receiver.behave = () => ({ status: 200 });
    expect(await subscriptions.ping(1, subscriptionId)).toMatchObject({ status: 200 });
    expect(receiver.webhooks.at(-1)?.body.type).toBe('ping');
    expect((await subscriptions.get(1, subscriptionId)).disabledAt).toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 700));
    await post(next, false);
    await arrived(next);
  });

  it('is switched off after five days of nothing but failures', async () => {
    const player = newPlayerId();
    receiver.behave = () => ({ status: 500 });
    await post(player, true);
    await failed(player);
    expect((await subscriptions.get(1, subscriptionId)).failingSince).not.toBeNull();
    await app.sql(`update webhook_subscriptions set failing_since = now() - interval '5 days'`);
    await app.sql('update outbox set next_attempt_at = now() where brand_id = 1 and player_id = $1', [
      player,
    ]);
    await eventually(async () => (await subscriptions.get(1, subscriptionId)).disabledAt);
    expect((await entry(player)).parked).toBe(true);
  });

  it('and hangs delays nobody else', async () => {
    const hanging = new WebhookReceiver();
    hanging.behave = () => 'hang';
    await hanging.start();
    for (let count = 0; count < 20; count++) await subscribe(hanging.url);
    const players = Array.from({ length: 20 }, newPlayerId);
    await Promise.all(players.map((player) => post(player, true)));
    await eventually(() => players.every((player) => receiver.about(player).length === 1), 5000);
    for (const { id, url } of await subscriptions.list(1))
      if (url === hanging.url) await subscriptions.remove(1, id);
    await hanging.stop();
  });

  it('and hangs under 64 subscriptions of a brand takes no place of another brand', async () => {
    const hanging = new WebhookReceiver();
    hanging.behave = () => 'hang';
    await hanging.start();
    for (let count = 0; count < 64; count++) await subscribe(hanging.url);
    const elsewhere = new WebhookReceiver();
    await elsewhere.start();
    await subscribe(elsewhere.url, {}, 2);
    await Promise.all(Array.from({ length: 20 }, () => post(newPlayerId(), true)));
    await eventually(() => hanging.webhooks.length >= 100);
    const player = newPlayerId();
    await post(player, true, undefined, otherBrandKey);
    await eventually(() => elsewhere.about(player).length === 1, 5000);
    for (const { id } of await subscriptions.list(2)) await subscriptions.remove(2, id);
    for (const { id } of await subscriptions.list(1)) await subscriptions.remove(1, id);
    await Promise.all([hanging.stop(), elsewhere.stop()]);
  });

  it('whose secret cannot be opened any more is shown as that, and delays nobody', async () => {
    await app.sql(
      `update webhook_subscriptions set secret = decode('00000000', 'hex') || secret where id = $1`,
      [subscriptionId],
    );
    const mine = new WebhookReceiver();
    await mine.start();
    await subscribe(mine.url);
    const player = newPlayerId();
    await post(player, true);
    await eventually(() => mine.about(player).length === 1);
    const [row] = await app.sql<{ last_error: string }>(
      'select last_error from outbox where brand_id = 1 and player_id = $1 and subscription_id = $2',
      [player, subscriptionId],
    );
    expect(row?.last_error).toBe('the secret was sealed under a key that SECRET_KEYS no longer has');
    await mine.stop();
  });

  it('that is switched off while webhooks are under way leaves none waiting', async () => {
    const [slow, last] = [newPlayerId(), newPlayerId()];
    const open: (() => void)[] = [];
    receiver.behave = ({ body }) => {
      if (body.data.CustomUserId === last) return { status: 410 };
      open.push(() => void receiver.stop());
      return 'hang';
    };
    await post(slow, true);
    await arrived(slow);
    await post(last, true);
    await eventually(async () => (await subscriptions.get(1, subscriptionId)).disabledAt);
    for (const close of open) close();
    await eventually(async () => (await entry(slow)).parked);
    const { id } = await entry(slow);
    const again = await app.call('POST', `/api/deliveries/${id}/redeliver`);
    expect([again.status, again.as<{ detail: string }>().detail]).toEqual([
      409,
      'the subscription is switched off: a ping that arrives switches it on',
    ]);
  });

  it('after a worker died with it under way, is asked by another once the lease is over', async () => {
    const player = newPlayerId();
    receiver.behave = () => ({ status: 500 });
    await post(player, true);
    await failed(player);
    await app.sql(
      `update outbox set next_attempt_at = now(), leased_until = now() + interval '1 second' where brand_id = 1 and player_id = $1`,
      [player],
    );
    receiver.behave = () => ({ status: 200 });
    await arrived(player, 2);
    const [first, second] = receiver.about(player);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(500);
  });
});

describe('a subscription', () => {
  it.each([
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://[fd00::1]/',
    'ftp://example.com/',
    'http://user:pass@127.0.0.1/',
  ])('to %s is refused', async (url) => {
    await expect(subscriptions.create(1, url, {})).rejects.toMatchObject({
      code: 'invalid_input',
      fields: [{ field: 'WebhookUrl' }],
    });
  });

  it('is not told of what happened before it', async () => {
    const player = newPlayerId();
    await post(player, true);
    await arrived(player);
    const late = new WebhookReceiver();
    await late.start();
    await subscribe(late.url);
    await post(player, false);
    await eventually(() => late.webhooks.length === 1);
    expect(late.about(player).map(({ body }) => body.data.Sequence)).toEqual([2]);
    await late.stop();
  });

  it('that is removed takes what waits for it along', async () => {
    const player = newPlayerId();
    receiver.behave = () => ({ status: 500 });
    await post(player, true);
    await failed(player);
    await subscriptions.remove(1, subscriptionId);
    expect(await entries(player)).toEqual([]);
    await expect(subscriptions.remove(1, subscriptionId)).rejects.toMatchObject({ code: 'not_found' });
    await expect(subscriptions.get(2, subscriptionId)).rejects.toMatchObject({ code: 'not_found' });
  });
});
