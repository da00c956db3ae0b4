import type { IncomingHttpHeaders, Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/crm-server.js';
import {
  compileGuide,
  findFreePort,
  type GuideModule,
  listCurls,
  readGuide,
  runCommand,
  shapeOf,
} from '../support/guide.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

interface Message {
  type: string;
  timestamp: string;
  data: Record<string, unknown>;
}

/** What the guide's code exports. */
interface Exports {
  record(customUserId: string, consentGiven: 'All' | 'Partial' | 'None', key?: string): Promise<string>;
  hasConsented(clientId: string, reference: string): Promise<boolean>;
  list(
    filters: Record<string, string>,
  ): AsyncIterable<{ ClientId: string; Reference: string; ConsentLevel: string }>;
  subscribe(consentType: string, webhookUrl: string): Promise<string>;
  read(secret: string, headers: IncomingHttpHeaders, body: string): Message | null;
  receive(secret: string, handle: (message: Message) => Promise<void>): Server;
}

const guide = readGuide('docs/guides/universal-consent.md');
const clientId = expect.stringMatching(/^[0-9A-F]{64}$/) as unknown as string;
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown as string;
const containing = (object: object) => expect.objectContaining(object) as unknown;

let app: TestApp;
let replacements: Record<string, string>;

async function start(): Promise<void> {
  app = await createTestApp({ deliveries: true });
  replacements = { 'http://127.0.0.1:3000': app.url, '4000': String(await findFreePort()) };
}

describe.each(listCurls())('the commands of the guide to universal consent, by %s', (curl) => {
  beforeAll(start);
  afterAll(() => app?.close());

  it('do what the guide says, one after the other', async () => {
    const answers: unknown[] = [];
    const variables: Record<string, string> = {};
    for (const command of guide.commands) {
      const answer = await runCommand(guide, command, curl, replacements, variables);
      variables.CLIENT_ID ??= (answer as { ClientId: string }).ClientId;
      const { line, printed } = command;
      if (printed !== undefined) expect([line, shapeOf(answer)]).toEqual([line, shapeOf(printed)]);
      answers.push(answer);
    }
    const change = { ClientId: variables.CLIENT_ID, Reference: 'callback' };
    // One for each command: one that does not stand here fails the test.
    expect(answers).toEqual([
      { Created: instant, ClientId: clientId },
      { Id: expect.stringMatching(/^int_[A-Za-z0-9_-]{22}$/) },
      { Created: instant, ClientId: clientId },
      { ConsentGiven: 'All' },
      containing({ ...change, ConsentGiven: 'All', Metadata: '{"text":"Call me back"}' }),
      containing({ ...change, ConsentGiven: 'None' }),
      [
        containing({
          ...change,
          ConsentLevel: 'None',
          Fingerprint: containing({ CustomUserId: 'jane@example.com' }),
        }),
      ],
      [
        containing({ Kind: 'withdrawn', Actor: 'subject' }),
        containing({ Kind: 'granted', Actor: 'client:demo' }),
      ],
      containing({ ConsentType: 'Call', Secret: expect.stringMatching(/^whsec_/) }),
      expect.arrayContaining([
        containing({ WebhookUrl: `http://127.0.0.1:${replacements['4000']}/webhooks`, DisabledAt: null }),
      ]),
    ]);
  });
});

describe('the code of the guide to universal consent', () => {
  let module: GuideModule;
  let code: Exports;
  let server: Server | undefined;

  beforeAll(async () => {
    await start();
    module = compileGuide(guide, replacements);
    code = (await import(module.path)) as Exports;
  });
  afterAll(async () => {
    server?.closeAllConnections();
    server?.close();
    await app?.close();
    module?.remove();
  });

  it('is all of it tried below', () => {
    expect(Object.keys(code).sort()).toEqual([
      'hasConsented',
      'list',
      'read',
      'receive',
      'record',
      'subscribe',
    ]);
  });

  it('records, once for a key, and checks', async () => {
    const joe = await code.record('joe@example.com', 'Partial', 'a key');
    expect(joe).toEqual(clientId);
    expect(await code.record('joe@example.com', 'Partial', 'a key')).toBe(joe);
    expect((await app.call('GET', `/api/subjects/${joe}/timeline`)).json).toHaveLength(1);
    await expect(code.record('joe@example.com', 'All', 'a key')).rejects.toThrow('422');
    expect(await code.hasConsented(joe, 'callback')).toBe(true);
    expect(await code.hasConsented(joe, 'something else')).toBe(false);
    expect(await code.record('joe@example.com', 'None')).toBe(joe);
    expect(await code.hasConsented(joe, 'callback')).toBe(false);
    await expect(code.hasConsented('nobody', 'callback')).rejects.toThrow('400');
  });

  it('lists every page', async () => {
    const made: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) made.push(await code.record(`${name}@example.com`, 'All'));
    const listed: string[] = [];
    for await (const { ClientId, ConsentLevel } of code.list({
      ConsentGiven: 'All',
      Reference: 'callback',
      limit: '2',
    })) {
      expect(ConsentLevel).toBe('All');
      listed.push(ClientId);
    }
    expect(listed.slice(0, 5)).toEqual(made.reverse());
    expect(new Set(listed).size).toBe(listed.length);
  });

  it('subscribes, and takes each webhook once, if it is genuine', async () => {
    const secret = await code.subscribe('Call', `http://127.0.0.1:${replacements['4000']}/webhooks`);
    const handled: Message[] = [];
    const headers: IncomingHttpHeaders[] = [];
    const isBroken = { first: true };
    server = code.receive(secret, async (message) => {
      if (isBroken.first) {
        isBroken.first = false;
        throw new Error('the database is away');
      }
      handled.push(message);
    });
    server.on('request', (request) => headers.push(request.headers));
    const jane = await code.record('jane@example.com', 'All');
    await eventually(() => !isBroken.first);
    const delivery = await findDelivery(1);
    expect(handled).toEqual([]);

    // What was not handled comes again, and is no repeat.
    await redeliver(delivery);
    await eventually(() => handled.length === 1);
    const [message] = handled as [Message];
    expect(message).toEqual({
      type: 'universal_consent.updated',
      timestamp: instant,
      data: containing({
        ClientId: jane,
        CustomUserId: 'jane@example.com',
        ConsentGiven: 'All',
        Sequence: 1,
      }),
    });
    expect(guide.documents.map(({ json }) => shapeOf(json))).toEqual([shapeOf(message)]);

    // What was handled is.
    await findDelivery(2);
    await redeliver(delivery);
    await eventually(() => headers.length === 3);
    await findDelivery(3);
    expect(handled).toHaveLength(1);
    expect(new Set(headers.map((each) => each['webhook-id'])).size).toBe(1);

    const last = headers.at(-1) ?? {};
    const body = JSON.stringify(message);
    expect(code.read(secret, last, body)).toBeNull();
    expect(() => code.read(secret, last, body.replace('"All"', '"None"'))).toThrow(
      'No matching signature found',
    );
    expect(() => code.read(secret, { ...last, 'webhook-id': 'msg_another' }, body)).toThrow(
      'No matching signature',
    );
    const tooOld = { ...last, 'webhook-timestamp': String(Math.floor(Date.now() / 1000) - 301) };
    expect(() => code.read(secret, tooOld, body)).toThrow('Message timestamp too old');
  });

  interface Delivery {
    Id: string;
    Attempts: { Status: number | null }[];
  }

  /** The only webhook of the guide's subscription, once it has been tried so often. */
  async function findDelivery(attempts: number): Promise<Delivery> {
    const all = (await app.call('GET', '/api/universalconsent/subscriptions')).as<
      { Id: string; DisabledAt: null }[]
    >();
    const subscription = all.find(({ DisabledAt }) => DisabledAt === null);
    const path = `/api/universalconsent/subscriptions/${subscription?.Id}/deliveries`;
    let deliveries: Delivery[] = [];
    await eventually(async () => {
      deliveries = (await app.call('GET', path)).as<Delivery[]>();
      return deliveries[0]?.Attempts.length === attempts;
    });
    expect(deliveries).toHaveLength(1);
    const [delivery] = deliveries as [Delivery];
    expect(delivery.Attempts[0]?.Status).toBe(attempts === 1 ? 400 : 204);
    return delivery;
  }

  async function redeliver({ Id }: Delivery): Promise<void> {
    expect((await app.call('POST', `/api/deliveries/${Id}/redeliver`)).status).toBeLessThan(300);
  }
});
