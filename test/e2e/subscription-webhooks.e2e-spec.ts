import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { change, newPlayerId } from '../support/consents.js';
import { eventually } from '../support/crm-server.js';
import { findLedgerFaults } from '../support/ledger.js';
import {
  isSignedWith,
  type NewSubscription,
  type PrintedDelivery,
  settleWebhooks,
  subscriptionRoutes,
} from '../support/subscriptions.js';
import {
  type CallOptions,
  createTestApp,
  demoKey,
  otherBrandKey,
  type TestApp,
} from '../support/test-app.js';
import { clientIdOf, newUserId, type UniversalRecord, universalRoutes } from '../support/universal.js';
import { type ReceivedWebhook, WebhookReceiver } from '../support/webhook-receiver.js';

let app: TestApp;
let routes: ReturnType<typeof subscriptionRoutes>;
let consents: ReturnType<typeof universalRoutes>;
let receiver: WebhookReceiver;
const receivers: WebhookReceiver[] = [];

beforeAll(async () => {
  app = await createTestApp({ deliveries: true });
  routes = subscriptionRoutes(app);
  consents = universalRoutes(app);
});
afterAll(async () => {
  expect(await findLedgerFaults(app)).toEqual([]);
  await app?.close();
});
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await routes.removeAll();
  await routes.removeAll({ token: otherBrandKey });
  await Promise.all(receivers.splice(0).map((each) => each.stop()));
});

async function startReceiver(): Promise<WebhookReceiver> {
  const started = new WebhookReceiver();
  await started.start();
  receivers.push(started);
  return started;
}

const subscribe = async (criteria: object = {}, to = receiver, token = demoKey): Promise<NewSubscription> =>
  (await routes.subscribe({ WebhookUrl: to.url, ...criteria }, { token })).as<NewSubscription>();
const postMarketing = (player: string, optedIn: boolean, options: CallOptions = {}) =>
  app.call('POST', `/userconsents/${player}`, { body: { consents: change('email', optedIn) }, ...options });
const arrived = (count: number) => eventually(() => receiver.webhooks.length >= count);
/** The record as a service client with `universal:read` gets it. */
const readRecord = async (clientId: string, reference: string) =>
  (await consents.get(clientId, reference, { token: demoKey })).as<UniversalRecord>();

describe('the webhook of a universal consent', () => {
  it('carries the record as a reader gets it, and its sequence', async () => {
    const { Secret } = await subscribe();
    const printed: UniversalRecord[] = [];
    const record = async (act: () => Promise<{ ClientId: string; Reference: string }>) => {
      const { ClientId, Reference } = await act();
      printed.push(await readRecord(ClientId, Reference));
      await arrived(printed.length);
    };
    const post =
      (body: object, options: CallOptions = {}) =>
      async () => {
        const answer = await consents.post(body, options);
        return { ClientId: clientIdOf(answer), Reference: 'callback' };
      };
    const CustomUserId = newUserId();
    await record(post({ CustomUserId, Metadata: ' {"a": "ü"}', URI: 'https://demo.example/?a=1' }));
    await record(
      post({ CustomUserId, ConsentGiven: 'Partial' }, { headers: { origin: 'https://demo.example' } }),
    );
    await record(post({ CustomUserId, ConsentGiven: 'None', ConsentType: 'Chatbot' }));
    await record(post({ CustomUserId: newPlayerId() }));
    await record(post({}));
    const ClientId = printed[0]?.ClientId ?? '';
    const key = { 'Idempotency-Key': 'webhook-1' };
    for (const body of [
      { ConsentGiven: 'All' },
      { Metadata: '"€"' },
      { ConsentGiven: 'None', Metadata: '1' },
    ])
      await record(async () => {
        await consents.patch({ ClientId, Reference: 'callback', ...body });
        return { ClientId, Reference: 'callback' };
      });
    await record(post({ CustomUserId, Metadata: 'null' }, { headers: key }));
    await record(async () => ({
      ClientId: clientIdOf(await consents.claim({ CustomUserId })),
      Reference: 'callback',
    }));
    // None of these is a change.
    await consents.post({ CustomUserId, Metadata: 'null' }, { headers: key });
    await consents.patch({ ClientId, Reference: 'callback', ConsentGiven: 'All' });
    await settleWebhooks(app);
    const sequences = [1, 2, 3, 1, 1, 4, 5, 6, 7, 1];
    expect(receiver.webhooks.map(({ text }) => text)).toEqual(
      printed.map((data, index) =>
        JSON.stringify({
          type: 'universal_consent.updated',
          timestamp: data.LastUpdated,
          data: { ...data, Sequence: sequences[index] },
        }),
      ),
    );
    expect(printed.map((data) => data.CustomUserId ?? null)).toContain(null);
    for (const webhook of receiver.webhooks) expect(isSignedWith(Secret, webhook)).toBe(true);
  });

  it('says the same at every try, whatever has become of the record meanwhile', async () => {
    const { Id } = await subscribe();
    const CustomUserId = newUserId();
    receiver.behave = () => ({ status: 500 });
    const ClientId = clientIdOf(
      await consents.post({ CustomUserId, Metadata: '"first"', URI: 'https://demo.example/first' }),
    );
    const states = [await readRecord(ClientId, 'callback')];
    await consents.patch({ ClientId, Reference: 'callback', ConsentGiven: 'Partial' });
    states.push(await readRecord(ClientId, 'callback'));
    await arrived(2);
    await consents.post({ CustomUserId, ConsentGiven: 'None', ConsentType: 'Chatbot', Metadata: '"third"' });
    states.push(await readRecord(ClientId, 'callback'));
    await consents.patch({ ClientId, Reference: 'callback', Metadata: '"fourth"' });
    states.push(await readRecord(ClientId, 'callback'));
    await settleWebhooks(app);
    receiver.behave = () => ({ status: 200 });
    const log = (await routes.deliveries(Id)).as<PrintedDelivery[]>();
    for (const times of [1, 2])
      for (const delivery of log) {
        await routes.redeliver(delivery.Id);
        await arrived(4 * times + 1);
      }
    await arrived(12);
    await settleWebhooks(app);
    for (const [index, state] of states.entries()) {
      const tries = receiver.webhooks.filter(({ body }) => body.data.Sequence === index + 1);
      expect(tries.map(({ id }) => id)).toEqual(Array.from({ length: 3 }, () => tries[0]?.id));
      expect(new Set(tries.map(({ text }) => text)).size).toBe(1);
      expect(tries[0]?.body.data).toEqual({ ...state, Sequence: index + 1 });
    }
  });

  it('stands in one sequence with the marketing consents of the player', async () => {
    const CustomUserId = newPlayerId();
    await subscribe({ CustomUserId });
    const ClientId = clientIdOf(await consents.post({ CustomUserId }));
    await postMarketing(CustomUserId, true);
    await consents.patch({ ClientId, Reference: 'callback', ConsentGiven: 'None' });
    await postMarketing(CustomUserId, false);
    await consents.post({ CustomUserId, Reference: 'other' });
    // Of another subject, whose sequence is its own.
    const claimant = clientIdOf(await consents.claim({ CustomUserId }));
    await arrived(6);
    const told = receiver.webhooks.map(({ body }) => body);
    const own = told.filter(({ data }) => data.ClientId !== claimant);
    expect(told.filter(({ data }) => data.ClientId === claimant).map(({ data }) => data.Sequence)).toEqual([
      1,
    ]);
    expect(own.map(({ type, data }) => [data.Sequence, type])).toEqual([
      [1, 'universal_consent.updated'],
      [2, 'marketing_consent.updated'],
      [3, 'universal_consent.updated'],
      [4, 'marketing_consent.updated'],
      [5, 'universal_consent.updated'],
    ]);
  });
});

/** What a webhook is about: the mark that the test gave it, or whose marketing consents. */
const markOf = ({ body: { type, data } }: ReceivedWebhook): string =>
  type === 'marketing_consent.updated' ? `marketing of ${data.CustomUserId}` : String(data.Metadata);

describe('criteria', () => {
  it('each subscription gets what matches all of its own, and nothing else', async () => {
    const [one, other] = [newPlayerId(), newPlayerId()];
    const cases: [criteria: object, marks: string[]][] = [
      [{}, ['1', '2', '3', '4', '5', '6', '7', '8', `marketing of ${one}`, `marketing of ${other}`]],
      [{ CustomUserId: one }, ['1', '2', '3', '8', `marketing of ${one}`]],
      [{ CustomUserId: other }, ['5', '6', `marketing of ${other}`]],
      [{ Reference: 'callback' }, ['1', '3', '4', '5', '7', '8']],
      [{ Reference: 'terms' }, ['2']],
      [{ ConsentType: 'Call' }, ['1', '3', '4', '7', '8']],
      [{ ConsentType: 'Chatbot' }, ['2', '5']],
      [{ ConsentType: 'marketing' }, ['6', `marketing of ${one}`, `marketing of ${other}`]],
      [{ CustomUserId: one, ConsentType: 'marketing' }, [`marketing of ${one}`]],
      [{ CustomUserId: one, Reference: 'callback' }, ['1', '3', '8']],
      [{ Reference: 'callback', ConsentType: 'Chatbot' }, ['5']],
      [{ CustomUserId: one, Reference: 'terms', ConsentType: 'Chatbot' }, ['2']],
      [{ CustomUserId: other, Reference: 'terms' }, []],
      [{ Reference: 'callback', ConsentType: 'marketing' }, []],
      [{ CustomUserId: one.toUpperCase() }, []],
      [{ Reference: 'Callback' }, []],
      [{ ConsentType: 'call' }, []],
      [{ CustomUserId: '%' }, []],
    ];
    const subscribers = await Promise.all(
      cases.map(async ([criteria, marks]) => {
        const to = await startReceiver();
        await subscribe(criteria, to);
        return { criteria, marks, to };
      }),
    );
    const elsewhere = await startReceiver();
    await subscribe({}, elsewhere, otherBrandKey);
    await consents.post({ CustomUserId: one, Metadata: '1' });
    await consents.post({ CustomUserId: one, Reference: 'terms', ConsentType: 'Chatbot', Metadata: '2' });
    await consents.claim({ CustomUserId: one, Metadata: '3' });
    const ClientId = clientIdOf(await consents.post({ Metadata: '4' }));
    await consents.post({ CustomUserId: other, ConsentType: 'Chatbot', Metadata: '5' });
    await consents.post({ CustomUserId: other, Reference: 'news', ConsentType: 'marketing', Metadata: '6' });
    await consents.patch({ ClientId, Reference: 'callback', Metadata: '7' });
    await consents.claim({ CustomUserId: one, Metadata: '8' });
    await postMarketing(one, true);
    await postMarketing(other, true);
    await consents.post({ CustomUserId: one, Metadata: '9' }, { token: otherBrandKey });
    await postMarketing(one, true, { token: otherBrandKey });
    await settleWebhooks(app);
    expect(subscribers.map(({ criteria, to }) => [criteria, to.webhooks.map(markOf).sort()])).toEqual(
      subscribers.map(({ criteria, marks }) => [criteria, [...marks].sort()]),
    );
    expect(elsewhere.webhooks.map(markOf).sort()).toEqual(['9', `marketing of ${one}`]);
    for (const { body } of receiver.webhooks) expect(body.data.Metadata).not.toBe('9');
  });

  it('are held against the record as the change left it, whenever they are looked at', async () => {
    const [calls, chats] = [await startReceiver(), await startReceiver()];
    await subscribe({ ConsentType: 'Call' }, calls);
    await subscribe({ ConsentType: 'Chatbot' }, chats);
    const CustomUserId = newUserId();
    const held = new Client({ connectionString: app.database.superuserUrl });
    await held.connect();
    try {
      // As if whoever makes the webhooks were late.
      await held.query('select pg_advisory_lock(2008, 1)');
      const ClientId = clientIdOf(await consents.post({ CustomUserId, Metadata: '1' }));
      await consents.patch({ ClientId, Reference: 'callback', Metadata: '2' });
      await consents.post({ CustomUserId, ConsentType: 'Chatbot', Metadata: '3' });
      await consents.patch({ ClientId, Reference: 'callback', Metadata: '4' });
    } finally {
      await held.end();
    }
    await settleWebhooks(app);
    expect(calls.webhooks.map(markOf)).toEqual(['1', '2']);
    expect(chats.webhooks.map(markOf)).toEqual(['3', '4']);
  });

  it('may be those of several subscriptions to one address, which gets each change under each', async () => {
    await subscribe({ ConsentType: 'Call' });
    await subscribe({ Reference: 'callback' });
    await consents.post({});
    await arrived(2);
    await settleWebhooks(app);
    expect(new Set(receiver.webhooks.map(({ id }) => id)).size).toBe(2);
    expect(new Set(receiver.webhooks.map(({ text }) => text)).size).toBe(1);
  });

  it('do not reach back: what was recorded before is not told', async () => {
    await subscribe({ ConsentType: 'nobody has it' });
    const ClientId = clientIdOf(await consents.post({ Metadata: '1' }));
    await subscribe();
    await consents.patch({ ClientId, Reference: 'callback', Metadata: '2' });
    await settleWebhooks(app);
    expect(receiver.webhooks.map(markOf)).toEqual(['2']);
  });
});
