import type { BrandSettings } from '../brands/brand-settings.js';
import { type ChannelName, crmChannels } from './channels.js';

/** A player's marketing consents as the database keeps them; `excluded` is already compared with the clock. */
export interface MarketingStateRow {
  player_id: string;
  email: number;
  sms: number;
  telephone: number;
  post_mail: number;
  site_notification: number;
  push_notification: number;
  chat: number;
  excluded: boolean;
  blocked: boolean;
}

/** The same of a player who is known from elsewhere. */
export type MarketingMasks = Omit<MarketingStateRow, 'player_id'>;

export const stateColumns = {
  email: 'email',
  sms: 'sms',
  telephone: 'telephone',
  postMail: 'post_mail',
  siteNotification: 'site_notification',
  pushNotification: 'push_notification',
  chat: 'chat',
} as const satisfies Record<ChannelName, keyof MarketingMasks>;

/** One channel of a player. Products only where the consent is limited to some. */
export interface Consent {
  channel: ChannelName;
  optedIn: boolean;
  products?: string[];
}

/** A mask as it was recorded, whatever the brand's rules are today. */
export function readRecordedMask(brand: BrandSettings, channel: ChannelName, mask: number): Consent {
  if (mask === 0) return { channel, optedIn: false };
  if (mask === 1) return { channel, optedIn: true };
  return { channel, optedIn: true, products: brand.productNames(mask) };
}

/** A mask as what it means in the brand today. */
function readMask(brand: BrandSettings, channel: ChannelName, mask: number): Consent {
  return readRecordedMask(brand, channel, mask === 1 && brand.requiresProducts(channel) ? 0 : mask);
}

/** One channel as it counts now: nobody who is excluded or blocked is in on any. */
export function readConsent(brand: BrandSettings, state: MarketingMasks, channel: ChannelName): Consent {
  const silenced = state.excluded || state.blocked;
  return readMask(brand, channel, silenced ? 0 : state[stateColumns[channel]]);
}

/** All six channels of the CRM, in the order of its answers. */
export function readConsents(brand: BrandSettings, state: MarketingMasks): Consent[] {
  return crmChannels.map((channel) => readConsent(brand, state, channel));
}
