import { describe, expect, it } from '@jest/globals';
import { BrandSettings } from '../brands/brand-settings.js';
import { defaultStatement } from '../brands/statement.js';
import { BlockChannel, Channel, channelsToMask } from './channels.js';
import { type DecisionFacts, decide } from './consent-decision.js';
import type { LastEventRow } from './consent-history.service.js';
import type { MarketingStateRow } from './marketing-state.js';

const products = [
  { bit: 2, name: 'sports' },
  { bit: 1, name: 'casino' },
  { bit: 3, name: 'retired' },
];
const brandWith = (required: 'email'[] = []) =>
  new BrandSettings({
    id: 1,
    name: 'Demo Casino',
    products,
    productsMask: 0b110,
    productAliases: { sportsbook: 'sports' },
    productsRequiredOn: channelsToMask(required),
    currency: 'EUR',
    defaultLanguage: 'en',
    emailVerificationRequired: false,
    mobileVerificationRequired: false,
    passwordMaxLength: 15,
    libraryPhoneCheck: true,
    fraudEmailDomains: [],
    messageFormats: {},
    storeFullIp: true,
    sessionIdleTtl: 1800,
    sessionTtl: 43200,
    webCustomUserId: true,
    colour: null,
    productLabels: {},
    unsubscribeLinkDays: null,
    statement: defaultStatement,
  });

const state = (values: Partial<MarketingStateRow> = {}): MarketingStateRow => ({
  player_id: 'p',
  email: 0,
  sms: 0,
  telephone: 0,
  post_mail: 0,
  site_notification: 0,
  push_notification: 0,
  chat: 0,
  excluded: false,
  blocked: false,
  ...values,
});
const event = (channel: number, seq: string): [number, LastEventRow] => [
  channel,
  { channel, seq, after: 0, detail: null },
];

const facts = (values: Partial<DecisionFacts> = {}): DecisionFacts => ({
  brand: brandWith(),
  state: state(),
  lastEvents: new Map([
    event(Channel.email, '7'),
    event(BlockChannel.excluded, '8'),
    event(BlockChannel.blocked, '9'),
  ]),
  channel: 'email',
  ...values,
});
const sports = { name: 'sports', bit: 0b100 };
const codes = (values: Partial<DecisionFacts>) => {
  const { allowed, reasons } = decide(facts(values));
  return [allowed, ...reasons.map(({ code }) => code)];
};

describe('decide', () => {
  it('allows what was consented to', () => {
    expect(codes({ state: state({ email: 0b101 }), product: sports })).toEqual([
      true,
      'opted_in_for_product',
    ]);
    expect(codes({ state: state({ email: 1 }), product: sports })).toEqual([true, 'opted_in']);
    expect(codes({ state: state({ email: 1 }) })).toEqual([true, 'opted_in']);
  });

  it('refuses what was not', () => {
    expect(codes({})).toEqual([false, 'withdrawn']);
    expect(codes({ lastEvents: new Map() })).toEqual([false, 'no_choice_recorded']);
    expect(codes({ state: state({ email: 0b011 }), product: sports })).toEqual([
      false,
      'product_not_included',
    ]);
    expect(codes({ state: state({ email: 0b011 }) })).toEqual([false, 'product_not_named']);
    expect(codes({ state: state({ email: 1 }), brand: brandWith(['email']), product: sports })).toEqual([
      false,
      'products_required',
    ]);
    expect(codes({ state: state({ email: 0b101 }), brand: brandWith(['email']), product: sports })).toEqual([
      true,
      'opted_in_for_product',
    ]);
    expect(codes({ state: state({ sms: 1 }) })).toEqual([false, 'withdrawn']);
  });

  it('refuses whatever was consented to while the player is excluded or blocked', () => {
    expect(codes({ state: state({ email: 1, excluded: true }) })).toEqual([false, 'excluded']);
    expect(codes({ state: state({ email: 1, blocked: true }) })).toEqual([false, 'blocked']);
    expect(codes({ state: state({ excluded: true, blocked: true }) })).toEqual([
      false,
      'excluded',
      'blocked',
      'withdrawn',
    ]);
  });
});

describe('a reason', () => {
  it('names the event that each reason rests on, where there is one', () => {
    const { reasons } = decide(facts({ state: state({ excluded: true, blocked: true }) }));
    expect(reasons.map(({ event_id }) => event_id)).toEqual(['p:8', 'p:9', 'p:7']);
    for (const reason of decide(facts({ lastEvents: new Map() })).reasons)
      expect(reason).not.toHaveProperty('event_id');
  });

  it('is always given, in words', () => {
    for (const email of [0, 1, 0b11, 0b111]) {
      for (const [excluded, blocked] of [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ] as const) {
        for (const product of [undefined, sports]) {
          for (const brand of [brandWith(), brandWith(['email'])]) {
            const decision = decide(
              facts({ brand, state: state({ email, excluded, blocked }), ...(product && { product }) }),
            );
            expect(decision.reasons.length).toBeGreaterThan(0);
            for (const { text } of decision.reasons) expect(text.length).toBeGreaterThan(10);
            expect(decision.allowed && (excluded || blocked)).toBe(false);
            if (email === 0) expect(decision.allowed).toBe(false);
          }
        }
      }
    }
  });

  it('prints products in the brand’s order', () => {
    const [reason] = decide(facts({ state: state({ email: 0b111 }) })).reasons;
    expect(reason?.text).toContain('sports, casino');
  });
});

describe('BrandSettings', () => {
  it('knows products and aliases of now, and prints those of the past', () => {
    const brand = brandWith();
    expect([
      brand.productBit('casino'),
      brand.productBit('sportsbook'),
      brand.productBit('retired'),
      brand.productBit('Casino'),
    ]).toEqual([0b10, 0b100, undefined, undefined]);
    expect(brand.currentProducts).toEqual(['sports', 'casino']);
    expect(brand.productNames(0b1111)).toEqual(['sports', 'casino', 'retired']);
    expect([brand.productBit('toString'), brand.productBit('__proto__')]).toEqual([undefined, undefined]);
  });
});
