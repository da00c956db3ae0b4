import { Injectable } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { invalidField } from '../common/errors.js';
import { isText } from '../common/is-text.js';
import { isPlayerId } from '../common/player-id.js';
import { Config } from '../config/config.js';
import { Channel, type CrmChannel, crmChannels, isCrmChannel } from '../consents/channels.js';
import { type LinkScope, LinkTokens, today } from './link-tokens.js';

/** So many are made in one turn of the event loop. */
const batch = 500;
const maxCampaignLength = 100;
const controlCharacter = /\p{Cc}/u;

/** What a link is to be for. */
export interface LinkToMint {
  player_id: string;
  channel: CrmChannel;
  product?: string;
  campaign?: string;
}

/** A link that was followed, and its brand. */
export interface OpenedLink extends LinkScope {
  brand: BrandSettings;
}

/** Makes and reads the links that marketing messages carry. */
@Injectable()
export class UnsubscribeLinksService {
  private readonly tokens: LinkTokens;
  private readonly origin: string;
  private readonly folder: string;

  constructor(
    private readonly catalogue: BrandCatalogue,
    config: Config,
  ) {
    this.tokens = new LinkTokens(config.SECRET_KEYS);
    this.origin = config.publicUrl;
    this.folder = `${config.PATH_PREFIX}/unsubscribe/`;
  }

  /** An address for each, in their order; nothing is kept of them. Rejects with invalid_input naming the first that is not right. */
  async create(brandId: number, links: readonly unknown[], issuedOn = today()): Promise<string[]> {
    const brand = await this.catalogue.get(brandId);
    const urls = new Array<string>(links.length);
    for (const [index, link] of links.entries()) {
      if (index % batch === batch - 1) await nextTurn();
      urls[index] = this.origin + this.folder + this.tokens.seal(toScope(brand, link, index, issuedOn));
    }
    return urls;
  }

  /** What stands behind the origin in an address made here. */
  pathOf(url: string): string {
    return url.slice(this.origin.length);
  }

  /** What the link is for; null when it is none of ours, or has ended. */
  async open(token: string): Promise<OpenedLink | null> {
    const link = this.tokens.open(token);
    const brand = link && (await this.catalogue.find(link.brandId));
    if (!brand) return null;
    const days = brand.facts.unsubscribeLinkDays;
    return days !== null && today() - link.issuedOn >= days ? null : { ...link, brand };
  }
}

function toScope(brand: BrandSettings, link: unknown, index: number, issuedOn: number): LinkScope {
  const field = `links[${index}]`;
  if (typeof link !== 'object' || link === null) throw invalidField(field, `${field} must be an object`);
  const { player_id: playerId, channel, product, campaign = '' } = link as Partial<LinkToMint>;
  if (!isPlayerId(playerId)) {
    throw invalidField(
      `${field}.player_id`,
      `${field}.player_id must be 1 to 64 letters, digits, _ or -, and not the word import or withdraw`,
    );
  }
  if (!isCrmChannel(channel)) {
    const known = crmChannels.join(', ');
    throw invalidField(`${field}.channel`, `${field}.channel must be one of the following values: ${known}`);
  }
  if (campaign !== '' && (!isText(campaign, maxCampaignLength) || controlCharacter.test(campaign))) {
    const message = `${field}.campaign must be a text of at most ${maxCampaignLength} characters`;
    throw invalidField(`${field}.campaign`, message);
  }
  const productBit = product === undefined ? 0 : bitOf(brand, product, `${field}.product`);
  return { brandId: brand.id, playerId, channel: Channel[channel], productBit, campaign, issuedOn };
}

function bitOf(brand: BrandSettings, product: unknown, field: string): number {
  const bit = typeof product === 'string' ? brand.productBit(product) : undefined;
  if (bit !== undefined) return bit;
  const name = JSON.stringify(typeof product === 'string' ? product.slice(0, 64) : product) ?? '';
  const known = brand.currentProducts.join(', ') || 'none';
  throw invalidField(field, `${field}: unknown product ${name.slice(0, 80)} (the brand has: ${known})`);
}
