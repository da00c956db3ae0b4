import { describe, expect, it } from '@jest/globals';
import { BrandSettings } from '../brands/brand-settings.js';
import { defaultStatement } from '../brands/statement.js';
import { Channel, type ChannelName, channelsToMask, type CrmChannel } from './channels.js';
import { applyChoices, type GridChoice, readGrid } from './marketing-grid.js';
import type { MarketingStateRow } from './marketing-state.js';

const casino = 1 << 1;
const sports = 1 << 2;
const both = 1 | casino | sports;

function brandOf(products = ['casino', 'sports'], required: ChannelName[] = []): BrandSettings {
  return new BrandSettings({
    id: 1,
    name: 'Demo Casino',
    products: products.map((name, index) => ({ bit: index + 1, name })),
    productsMask: products.reduce((mask, _name, index) => mask | (1 << (index + 1)), 0),
    productAliases: products.includes('sports') ? { sportsbook: 'sports' } : {},
    productsRequiredOn: channelsToMask(required),
    storeFullIp: true,
    currency: 'EUR',
    emailVerificationRequired: false,
    mobileVerificationRequired: false,
    passwordMaxLength: 15,
    libraryPhoneCheck: true,
    fraudEmailDomains: [],
    messageFormats: {},
    sessionIdleTtl: 1800,
    sessionTtl: 43200,
    webCustomUserId: true,
    defaultLanguage: 'en',
    colour: null,
    productLabels: {},
    unsubscribeLinkDays: null,
    statement: defaultStatement,
  });
}

const stateOf = (values: Partial<MarketingStateRow>): MarketingStateRow => ({
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
const choice = (channel: CrmChannel, product: string | null, optedIn: boolean): GridChoice => ({
  channel,
  product,
  optedIn,
});
/** The boxes that are on. */
const on = (brand: BrandSettings, values: Partial<MarketingStateRow> | null) =>
  readGrid(brand, values && stateOf(values))
    .filter(({ optedIn }) => optedIn)
    .map(({ channel, product }) => (product === null ? channel : `${channel}.${product}`));

describe('the form', () => {
  it('has a box for each product on email, sms and telephone, and one for each other channel', () => {
    const boxes = readGrid(brandOf(), null).map(({ channel, product }) => [channel, product]);
    expect(boxes).toEqual([
      ...['email', 'sms', 'telephone'].flatMap((channel) => [
        [channel, 'casino'],
        [channel, 'sports'],
      ]),
      ...['postMail', 'pushNotification', 'siteNotification'].map((channel) => [channel, null]),
    ]);
  });

  it('has one for each channel where the brand has no products, and products wherever they are required', () => {
    expect(readGrid(brandOf([]), null).every(({ product }) => product === null)).toBe(true);
    expect(readGrid(brandOf([], ['email']), null).map(({ channel }) => channel)).not.toContain('email');
    const required = readGrid(brandOf(['casino'], ['postMail']), null);
    expect(required.find(({ channel }) => channel === 'postMail')?.product).toBe('casino');
  });

  it.each<[string, Partial<MarketingStateRow> | null, string[]]>([
    ['nothing of an unknown player', null, []],
    [
      'consent as it is',
      { email: 1 | casino, sms: both, post_mail: 1 },
      ['email.casino', 'sms.casino', 'sms.sports', 'postMail'],
    ],
    ['consent without products as consent to each', { email: 1 }, ['email.casino', 'email.sports']],
    ['a switch as on, whatever it is limited to', { site_notification: 1 | casino }, ['siteNotification']],
    ['nothing while excluded', { email: both, excluded: true }, []],
    ['nothing while blocked', { email: both, blocked: true }, []],
  ])('shows %s', (_what, values, expected) => expect(on(brandOf(), values)).toEqual(expected));

  it('shows nothing where products are required and there are none', () => {
    expect(on(brandOf(['casino'], ['email']), { email: 1 })).toEqual([]);
  });
});

const appliedChoices: [string, Partial<MarketingStateRow>, GridChoice[], [ChannelName, number][]][] = [
  ['none', { email: both }, [], []],
  ['a first product', {}, [choice('email', 'casino', true)], [['email', 1 | casino]]],
  ['another', { email: 1 | casino }, [choice('email', 'sports', true)], [['email', both]]],
  ['an alias', {}, [choice('email', 'sportsbook', true)], [['email', 1 | sports]]],
  ['one less', { email: both }, [choice('email', 'casino', false)], [['email', 1 | sports]]],
  ['the last one', { email: 1 | casino }, [choice('email', 'casino', false)], [['email', 0]]],
  ['one less of all', { email: 1 }, [choice('email', 'casino', false)], [['email', 1 | sports]]],
  ['what is so already', { email: 1 }, [choice('email', 'casino', true)], []],
  ['what is out already', { email: 1 | casino }, [choice('email', 'sports', false)], []],
  ['a switch', {}, [choice('postMail', null, true)], [['postMail', 1]]],
  [
    'a switch off',
    { site_notification: 1 | casino },
    [choice('siteNotification', null, false)],
    [['siteNotification', 0]],
  ],
  ['a switch that is on', { site_notification: 1 | casino }, [choice('siteNotification', null, true)], []],
  [
    'several channels',
    { email: 1, sms: both },
    [choice('sms', 'casino', false), choice('sms', 'sports', false), choice('telephone', 'sports', true)],
    [
      ['sms', 0],
      ['telephone', 1 | sports],
    ],
  ],
];

describe('choices', () => {
  it.each(appliedChoices)('of %s', (_what, values, choices, expected) => {
    const changes = applyChoices(brandOf(), stateOf(values), choices);
    expect(changes).toEqual(expected.map(([name, target]) => ({ channel: Channel[name], target })));
  });

  it('replace consent without products where the brand requires them, and leave it alone otherwise', () => {
    const brand = brandOf(['casino', 'sports'], ['email']);
    expect(applyChoices(brand, stateOf({ email: 1 }), [choice('email', 'casino', true)])).toEqual([
      { channel: Channel.email, target: 1 | casino },
    ]);
    expect(applyChoices(brand, stateOf({ email: 1 }), [choice('email', 'casino', false)])).toEqual([]);
  });
});

describe('choices that the form does not have', () => {
  it.each<[string, GridChoice[], string]>([
    [
      'an unknown product',
      [choice('email', 'poker', true)],
      'preferences: email has no choice product "poker"',
    ],
    [
      'a whole channel of the grid',
      [choice('email', null, true)],
      'preferences: email has no choice without a product',
    ],
    [
      'a product of a switch',
      [choice('postMail', 'casino', true)],
      'preferences: postMail has no choice product "casino"',
    ],
    [
      'one twice',
      [choice('sms', 'sports', true), choice('sms', 'sportsbook', false)],
      'preferences: sms.4 comes twice',
    ],
  ])('are refused: %s', (_what, choices, message) => {
    expect(() => applyChoices(brandOf(), stateOf({}), choices)).toThrow(message);
  });
});
