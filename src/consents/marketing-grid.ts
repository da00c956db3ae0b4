import type { BrandSettings } from '../brands/brand-settings.js';
import { invalidField } from '../common/errors.js';
import { Channel, type CrmChannel } from './channels.js';
import { type MarketingStateRow, stateColumns } from './marketing-state.js';

/** The channels on which players choose product by product, and those they switch as a whole: the order of the form. */
export const gridChannels = ['email', 'sms', 'telephone'] as const;
export const switchChannels = ['postMail', 'pushNotification', 'siteNotification'] as const;
const formChannels: readonly CrmChannel[] = [...gridChannels, ...switchChannels];

/** One box of the form: a product on a channel or, where product is null, the channel as a whole. */
export interface GridChoice {
  channel: CrmChannel;
  product: string | null;
  optedIn: boolean;
}

/** Every box of the form as it stands, the channels in the form's order and the products in the brand's. Without a state all are off. */
export function readGrid(brand: BrandSettings, state: MarketingStateRow | null): GridChoice[] {
  const isSilenced = state === null || state.excluded || state.blocked;
  return formChannels.flatMap((channel) => {
    const mask = isSilenced ? 0 : shownMask(brand, channel, state[stateColumns[channel]]);
    return boxesOf(brand, channel).map((product) => ({
      channel,
      product,
      optedIn: (mask & bitOf(brand, product)) !== 0,
    }));
  });
}

/**
 * What the choices make of the state: the target mask of every channel that they change. What is not chosen stays as it is.
 * Throws invalid_input for a box that the brand's form does not have, or that comes twice.
 */
export function applyChoices(
  brand: BrandSettings,
  state: MarketingStateRow,
  choices: readonly GridChoice[],
): { channel: number; target: number }[] {
  refuseStrangers(brand, choices);
  return formChannels.flatMap((channel) => {
    const own = choices.filter((choice) => choice.channel === channel);
    const before = state[stateColumns[channel]];
    const shown = shownMask(brand, channel, before);
    const after = own.reduce((mask, choice) => choose(brand, mask, choice), shown);
    const target = (after & ~1) === 0 && isByProduct(brand, channel) ? 0 : after;
    return target === shown ? [] : [{ channel: Channel[channel], target }];
  });
}

/** Whether the channel has a box for each product: it is of the grid, or consent to it counts only with products. */
function isByProduct(brand: BrandSettings, channel: CrmChannel): boolean {
  if (brand.requiresProducts(channel)) return true;
  return (gridChannels as readonly string[]).includes(channel) && brand.currentProducts.length > 0;
}

function boxesOf(brand: BrandSettings, channel: CrmChannel): (string | null)[] {
  return isByProduct(brand, channel) ? brand.currentProducts : [null];
}

/** A mask as the form shows it: consent that is not limited to products is consent to each of them. */
function shownMask(brand: BrandSettings, channel: CrmChannel, mask: number): number {
  if (mask !== 1 || !isByProduct(brand, channel)) return mask;
  return brand.requiresProducts(channel) ? 0 : brand.facts.productsMask | 1;
}

/** The bit that stands for a box: that of its product, or that of the channel. */
function bitOf(brand: BrandSettings, product: string | null): number {
  return product === null ? 1 : (brand.productBit(product) ?? 0);
}

function choose(brand: BrandSettings, mask: number, { product, optedIn }: GridChoice): number {
  if (optedIn) return mask | bitOf(brand, product) | 1;
  return product === null ? 0 : mask & ~bitOf(brand, product);
}

function refuseStrangers(brand: BrandSettings, choices: readonly GridChoice[]): void {
  const seen = new Set<string>();
  for (const { channel, product } of choices) {
    const box = product === null ? channel : `${channel}.${brand.productBit(product) ?? product}`;
    if (seen.has(box)) throw invalidField('preferences', `preferences: ${box} comes twice`);
    seen.add(box);
    const known = boxesOf(brand, channel);
    const name = product === null ? null : canonicalName(brand, product);
    if (!known.includes(name)) {
      const what = product === null ? 'without a product' : `product ${JSON.stringify(product.slice(0, 64))}`;
      throw invalidField('preferences', `preferences: ${channel} has no choice ${what}`);
    }
  }
}

function canonicalName(brand: BrandSettings, name: string): string {
  const bit = brand.productBit(name);
  return (bit === undefined ? undefined : brand.productNames(bit)[0]) ?? name;
}
