import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { change, newPlayerId } from '../support/consents.js';
import { eventually } from '../support/crm-server.js';
import { findLedgerFaults } from '../support/ledger.js';
import { policyRoutes, type PrintedPolicyRecord } from '../support/policies.js';
import {
  isSignedWith,
  type NewSubscription,
  type PrintedDelivery,
  settleWebhooks,
  subscriptionRoutes,
} from '../support/subscriptions.js';
import { type Answer, createTestApp, demoKey, otherBrandKey, type TestApp } from '../support/test-app.js';
import { clientIdOf, newUserId, universalRoutes } from '../support/universal.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

let app: TestApp;
let routes: ReturnType<typeof policyRoutes>;
let subscriptions: ReturnType<typeof subscriptionRoutes>;
const receiver = new WebhookReceiver();
const operator = { token: demoKey };

beforeAll(async () => {
  await receiver.start();
  app = await createTestApp({ deliveries: true });
  routes = policyRoutes(app);
  subscriptions = subscriptionRoutes(app);
});
beforeEach(async () => {
  await settleWebhooks(app);
  await subscriptions.removeAll();
  receiver.webhooks.length = 0;
  receiver.behave = () => ({ status: 204 });
});
afterAll(async () => {
  expect(await findLedgerFaults(app)).toEqual([]);
  await app?.close();
  await receiver.stop();
});

const subscribe = async (criteria: object = {}): Promise<NewSubscription> =>
  (await subscriptions.subscribe({ WebhookUrl: receiver.url, ...criteria })).as<NewSubscription>();
const read = async (answer: Answer, PolicyId: string) =>
  (await routes.record(clientIdOf(answer), { PolicyId }, operator)).as<PrintedPolicyRecord>();
const arrived = (count: number) => eventually(() => receiver.webhooks.length >= count);

describe('the webhook of a consent to a policy', () => {
  it('carries the record as a reader gets it, and its sequence', async () => {
    const { Secret } = await subscribe();
    const PolicyId = await routes.createPublished('1', { type: 'Privacy' });
    const OtherId = await routes.createPublished('1', { type: 'Cookie' });
    const printed: PrintedPolicyRecord[] = [];
    const post = async (id: string, body: object, options = {}): Promise<Answer> => {
      const answer = await routes.post({ PolicyId: id, ...body }, options);
      printed.push(await read(answer, id));
      await arrived(printed.length);
      return answer;
    };
    const CustomUserId = newUserId();
    await post(PolicyId, { CustomUserId }, { headers: { origin: 'https://demo.example' } });
    await post(PolicyId, { CustomUserId, ConsentGiven: false, URI: 'a/screen' }, operator);
    await post(OtherId, { CustomUserId }, operator);
    await post(PolicyId, { CustomUserId: newPlayerId() }, operator);
    const nobody = clientIdOf(await post(PolicyId, {}));
    await post(PolicyId, { CustomUserId, ClientId: nobody }, operator);
    await settleWebhooks(app);
    const sequences = [1, 1, 2, 1, 1, 3];
    expect(receiver.webhooks.map(({ text }) => text)).toEqual(
      printed.map((data, index) =>
        JSON.stringify({
          type: 'policy_consent.updated',
          timestamp: data.Created,
          data: { ...data, Sequence: sequences[index] },
        }),
      ),
    );
    expect(printed.map((data) => data.CustomUserId)).toContain(null);
    for (const webhook of receiver.webhooks) expect(isSignedWith(Secret, webhook)).toBe(true);
  });

  it('says the same at every try, whatever has become of the subject meanwhile', async () => {
    const { Id } = await subscribe();
    const PolicyId = await routes.createPublished();
    receiver.behave = () => ({ status: 500 });
    const nobody = clientIdOf(await routes.post({ PolicyId }));
    await arrived(1);
    await routes.post(
      { PolicyId, ClientId: nobody, CustomUserId: newUserId(), ConsentGiven: false },
      operator,
    );
    await arrived(2);
    await settleWebhooks(app);
    receiver.behave = () => ({ status: 204 });
    for (const delivery of (await subscriptions.deliveries(Id)).as<PrintedDelivery[]>())
      await subscriptions.redeliver(delivery.Id);
    await arrived(4);
    const texts = new Map<string, Set<string>>();
    for (const { id, text } of receiver.webhooks) texts.set(id, (texts.get(id) ?? new Set()).add(text));
    expect([...texts.values()].map(({ size }) => size)).toEqual([1, 1]);
    expect(receiver.webhooks[0]?.body.data).toMatchObject({ ClientId: nobody, CustomUserId: null });
  });

  it('is chosen by CustomUserId, by PolicyId as Reference, and by type as ConsentType', async () => {
    const PolicyId = await routes.createPublished('1', { type: 'Privacy' });
    const OtherId = await routes.createPublished('1', { type: 'Cookie' });
    const CustomUserId = newUserId();
    const names = new Map<string, string>();
    for (const [name, criteria] of Object.entries({
      user: { CustomUserId },
      policy: { Reference: PolicyId },
      type: { ConsentType: 'Cookie' },
      all: { CustomUserId, Reference: OtherId, ConsentType: 'Cookie' },
      none: { Reference: PolicyId, ConsentType: 'Cookie' },
      marketing: { ConsentType: 'marketing' },
    }))
      names.set((await subscribe(criteria)).Id, name);
    await routes.post({ PolicyId, CustomUserId });
    await routes.post({ PolicyId: OtherId, CustomUserId }, operator);
    await routes.post({ PolicyId: OtherId, CustomUserId: newUserId() }, operator);
    await routes.post({ PolicyId });
    await app.call('POST', `/userconsents/${newPlayerId()}`, { body: { consents: change('email', true) } });
    await universalRoutes(app).post({ CustomUserId: newUserId() });
    const elsewhere = await routes.createPublished('1', { brandId: 2 });
    await routes.post({ PolicyId: elsewhere, CustomUserId }, { token: otherBrandKey });
    await settleWebhooks(app);
    const counts: Record<string, number> = {};
    for (const [id, name] of names)
      counts[name] = (await subscriptions.deliveries(id)).as<PrintedDelivery[]>().length;
    expect(counts).toEqual({ user: 2, policy: 2, type: 2, all: 1, none: 0, marketing: 1 });
  });

  it('comes beside those of the other doors, each by its own kind', async () => {
    await subscribe();
    const PolicyId = await routes.createPublished();
    const CustomUserId = newPlayerId();
    await app.call('POST', `/userconsents/${CustomUserId}`, { body: { consents: change('email', true) } });
    await routes.post({ PolicyId, CustomUserId }, operator);
    await universalRoutes(app).post({ CustomUserId });
    await arrived(3);
    expect(receiver.webhooks.map(({ body }) => [body.type, body.data.Sequence])).toEqual([
      ['marketing_consent.updated', 1],
      ['policy_consent.updated', 2],
      ['universal_consent.updated', 3],
    ]);
  });
});
