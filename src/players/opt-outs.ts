import type { BrandSettings } from '../brands/brand-settings.js';
import { AppError } from '../common/errors.js';
import { Channel, type ChannelName } from '../consents/channels.js';
import { type MarketingMasks, readConsent } from '../consents/marketing-state.js';

/** The gateway's names of the channels that it shows. */
export const optOutChannels = {
  chat: 'chat',
  sms: 'sms',
  email: 'email',
  phone: 'telephone',
} as const satisfies Record<string, ChannelName>;
export type OptOutName = keyof typeof optOutChannels;
export const optOutNames = Object.keys(optOutChannels) as OptOutName[];

/** Where a player wants no messages (true), or wants them (false). */
export type OptOuts = Partial<Record<OptOutName, boolean>>;

/** What becomes of the consent to one channel. */
export interface OptOutChange {
  name: OptOutName;
  wasOut: boolean;
  isOut: boolean;
  channel: number;
  /** The mask that the channel is to have. */
  target: number;
}

/** Whether a player is out on a channel. */
export function isOut(brand: BrandSettings, state: MarketingMasks, name: OptOutName): boolean {
  return !readConsent(brand, state, optOutChannels[name]).optedIn;
}

/**
 * What opt-outs ask of the consents there are. Out withdraws the whole channel; in grants one that is out, without products.
 * invalid_input where that cannot be: the brand wants products named on the channel, or the player is excluded or blocked.
 */
export function planOptOuts(brand: BrandSettings, state: MarketingMasks, choices: OptOuts): OptOutChange[] {
  return optOutNames.flatMap((name) => {
    const wanted = choices[name];
    const wasOut = isOut(brand, state, name);
    // Out is recorded as asked for even by somebody who is out: it is an answer. In changes nothing for who is in.
    if (wanted === undefined || (!wanted && !wasOut)) return [];
    const channel = optOutChannels[name];
    if (!wanted && (state.excluded || state.blocked || brand.requiresProducts(channel))) {
      throw new AppError('invalid_input', `optOut.${name} cannot be false: it needs more than this`);
    }
    return [{ name, wasOut, isOut: wanted, channel: Channel[channel], target: wanted ? 0 : 1 }];
  });
}
