import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ChannelName, channels, type Consents, newPlayerId, printed } from '../support/consents.js';
import { crmError, errorText } from '../support/errors.js';
import { findLedgerFaults } from '../support/ledger.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const products = ['casino', 'sports', 'lottery', 'bingo'];

type Step =
  | { kind: 'change'; items: { channel: ChannelName; optedIn: boolean; products: string[] | undefined }[] }
  | { kind: 'block'; active: boolean }
  | { kind: 'exclude'; active: boolean }
  | { kind: 'excludeBriefly' };

/** What the contract says a player's consents are, in a few lines and without a database. */
class Model {
  private consents = new Map<ChannelName, string[]>();
  private blocked = false;
  private excluded = false;
  events = 0;

  /** What is answered: the reason of a refusal, or null. */
  change(items: (Step & { kind: 'change' })['items']): 'self-excluded' | 'blocked' | null {
    const grants = items.some((item) => item.optedIn && item.products?.length !== 0);
    if (grants && (this.excluded || this.blocked)) return this.excluded ? 'self-excluded' : 'blocked';
    for (const { channel, optedIn, products: chosen } of items) {
      if (optedIn && chosen?.length !== 0)
        this.set(
          channel,
          products.filter((each) => chosen?.includes(each)),
        );
      else this.set(channel, undefined);
    }
    return null;
  }

  block(active: boolean): void {
    if (this.blocked !== active) this.events++;
    this.blocked = active;
  }

  exclude(active: boolean): void {
    if (this.excluded !== active) this.events++;
    this.excluded = active;
    if (active) for (const channel of channels) this.set(channel, undefined);
  }

  print(): string {
    if (this.excluded || this.blocked) return printed();
    const state: Consents = {};
    for (const [channel, chosen] of this.consents) state[channel] = chosen.length === 0 ? true : chosen;
    return printed(state);
  }

  private set(channel: ChannelName, chosen: string[] | undefined): void {
    if (this.consents.get(channel)?.join() !== chosen?.join()) this.events++;
    if (chosen) this.consents.set(channel, chosen);
    else this.consents.delete(channel);
  }
}

const item = fc.record({
  channel: fc.constantFrom(...channels),
  optedIn: fc.boolean(),
  products: fc.option(fc.subarray(products), { nil: undefined }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .uniqueArray(item, { selector: ({ channel }) => channel, minLength: 1, maxLength: 4 })
      .map((items) => ({ kind: 'change' as const, items })),
  },
  { weight: 2, arbitrary: fc.boolean().map((active) => ({ kind: 'block' as const, active })) },
  { weight: 1, arbitrary: fc.boolean().map((active) => ({ kind: 'exclude' as const, active })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'excludeBriefly' as const }) },
);

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Applies a step to the service and to the model; both must say the same. */
async function apply(player: string, model: Model, step: Step): Promise<void> {
  const setBlocks = async (body: unknown) => {
    const { status } = await app.call('PUT', `/internal/players/${player}/blocks`, { body });
    expect(status).toBe(200);
  };
  if (step.kind === 'change') {
    const consents = step.items.map((each) => ({
      type: each.channel,
      opted_in: each.optedIn,
      ...(each.products && { products: [...each.products].reverse() }),
    }));
    const answer = await app.call('POST', `/userconsents/${player}`, { body: { consents } });
    const refusal = model.change(step.items);
    expect(answer.text).toBe(refusal ? crmError(400, errorText.cannotOptIn(player, refusal)) : model.print());
  } else if (step.kind === 'block') {
    await setBlocks({ blocked: { active: step.active, note: '' } });
    model.block(step.active);
  } else if (step.kind === 'exclude') {
    await setBlocks({ excluded: { active: step.active, note: '' } });
    model.exclude(step.active);
  } else {
    await setBlocks({ excluded: { active: false } });
    model.exclude(false);
    await setBlocks({ excluded: { active: true, until: new Date(Date.now() + 120).toISOString() } });
    model.exclude(true);
    expect((await app.call('GET', `/userconsents/${player}`)).text).toBe(printed());
    await pause(125);
    model.exclude(false);
  }
}

describe('a player’s consents', () => {
  it('are what the contract’s small model says: after each act, and at any instant asked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const player = newPlayerId();
        const model = new Model();
        await app.call('POST', `/userconsents/${player}`, {
          body: { consents: { type: 'email', opted_in: false } },
        });
        const seen: [string, string][] = [];
        for (const each of steps) {
          await apply(player, model, each);
          expect((await app.call('GET', `/userconsents/${player}`)).text).toBe(model.print());
          await pause(2);
          seen.push([new Date().toISOString(), model.print()]);
          await pause(2);
        }
        for (const [at, body] of seen) {
          expect([at, (await app.call('GET', `/userconsents/${player}?at=${at}`)).text]).toEqual([at, body]);
        }
        // The end of a last, brief exclusion is written when somebody next writes, or by the job.
        await app.call('POST', `/userconsents/${player}`, {
          body: { consents: { type: 'email', opted_in: false } },
        });
        model.change([{ channel: 'email', optedIn: false, products: undefined }]);
        const history = await app.call('GET', `/userconsents/${player}/history?limit=1000`);
        expect(history.as<{ events: unknown[] }>().events).toHaveLength(model.events);
      }),
      { numRuns: 40 },
    );
    expect(await findLedgerFaults(app)).toEqual([]);
  }, 60_000);
});
