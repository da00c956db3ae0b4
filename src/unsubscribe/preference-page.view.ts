import type { CrmChannel } from '../consents/channels.js';
import { channelName } from '../consents/channels.js';
import type { GridChoice } from '../consents/marketing-grid.js';
import type { PlayerGrid } from '../consents/marketing-grid.service.js';
import { type MarketingStateRow, stateColumns } from '../consents/marketing-state.js';
import { directionOf, languageName } from '../pages/languages.js';
import { fill } from '../pages/page-texts.js';
import { boxName } from './preference-form.js';
import type { OpenedLink } from './unsubscribe-links.service.js';

/** What has just been done; `shown`: nothing, the page was opened. */
export type Outcome = 'shown' | 'withdrawn' | 'withdrawn-all' | 'saved' | 'wording';

export interface PageToShow {
  link: OpenedLink;
  grid: PlayerGrid;
  outcome: Outcome;
  /** Whether a withdrawal by the link ended the whole channel, though the link is for a product. */
  endedChannel: boolean;
  language: string;
  /** Those that the page can be read in. */
  languages: string[];
  text: (key: string) => string;
  /** What stands for the tick of a box until it is known, and for the names of those that are ticked. */
  mark: { box: (name: string) => string; shown: string };
}

/** All that the page depends on, beside the brand and which boxes are ticked. */
export function pageKey(page: Omit<PageToShow, 'text' | 'languages' | 'mark'>): string {
  const { link, grid, outcome, endedChannel, language } = page;
  const { channel, productBit } = link;
  const facts = [isSilenced(grid.state), isOn(link, grid.state), isAnythingOn(grid.state), scopeOf(page)];
  return [language, channel, productBit, outcome, endedChannel, ...facts].join(' ');
}

/** What templates name in pages/preferences.html.liquid. */
export function preferencePageVariables(page: PageToShow): Record<string, unknown> {
  const { link, grid, outcome, language } = page;
  const { brand, state } = grid;
  const statement = brand.statementIn(language);
  const isWithdrawn = outcome === 'withdrawn' || outcome === 'withdrawn-all';
  return {
    brand_name: brand.facts.name,
    languages: page.languages.map((tag) => ({
      tag,
      name: languageName(tag),
      is_shown: tag === language,
      link: `?lang=${tag}`,
    })),
    notice: noticeOf(page),
    is_withdrawn: isWithdrawn,
    is_silenced: isSilenced(state),
    state: isSilenced(state) || isWithdrawn ? '' : stateOf(page),
    stop_this: isOn(link, state) ? say(page, `stop_${scopeOf(page)}`) : '',
    stop_all: isAnythingOn(state) ? say(page, 'stop_all') : '',
    shown: page.mark.shown,
    ...boxesOf(page),
    statement: {
      version: statement.version,
      language: statement.language,
      direction: directionOf(statement.language),
      text: statement.text,
    },
  };
}

function noticeOf(page: PageToShow): string {
  const { outcome, endedChannel, link } = page;
  if (outcome === 'shown') return '';
  if (outcome === 'withdrawn-all') return say(page, 'notice_all');
  if (outcome !== 'withdrawn') return say(page, `notice_${outcome}`);
  return say(page, link.productBit === 0 || endedChannel ? 'notice_channel' : 'notice_product');
}

function stateOf(page: PageToShow): string {
  const { link, grid } = page;
  return say(page, `state_${isOn(link, grid.state) ? 'in' : 'out'}_${scopeOf(page)}`);
}

/** What a withdrawal by the link would be of: consent that is not limited to products can only be withdrawn as a whole. */
function scopeOf({ link, grid }: Pick<PageToShow, 'link' | 'grid'>): 'channel' | 'product' {
  return link.productBit === 0 || maskOf(link, grid.state) === 1 ? 'channel' : 'product';
}

/** Whether there is something for the link to withdraw. */
function isOn(link: OpenedLink, state: MarketingStateRow | null): boolean {
  const mask = maskOf(link, state);
  if (mask === 1) return !link.brand.requiresProducts(channelOf(link));
  return link.productBit === 0 ? mask !== 0 : (mask & link.productBit) !== 0;
}

/** Whether nothing may be sent, whatever is recorded. */
export function isSilenced(state: MarketingStateRow | null): boolean {
  return state !== null && (state.excluded || state.blocked);
}

function isAnythingOn(state: MarketingStateRow | null): boolean {
  return state !== null && Object.values(stateColumns).some((column) => state[column] !== 0);
}

/** The mask of the link's channel. */
export function maskOf(link: OpenedLink, state: MarketingStateRow | null): number {
  return state?.[stateColumns[channelOf(link)]] ?? 0;
}

function channelOf({ channel }: OpenedLink): CrmChannel {
  return channelName(channel) as CrmChannel;
}

function say(page: PageToShow, key: string): string {
  const { link, text, language } = page;
  const { brand } = link;
  const [product = ''] = brand.productNames(link.productBit);
  return fill(text(key), {
    brand: brand.facts.name,
    by: text(`by_${channelOf(link)}`),
    product: brand.productLabel(product, language),
  });
}

function boxesOf({ grid: { brand, choices }, language, text, mark }: PageToShow) {
  const toBox = (choice: GridChoice) => ({
    name: boxName(choice),
    channel: text(`channel_${choice.channel}`),
    mark: mark.box(boxName(choice)),
  });
  const byProduct = choices.filter(({ product }) => product !== null);
  const products = [...new Set(byProduct.map(({ product }) => product as string))];
  return {
    columns: [...new Set(byProduct.map(({ channel }) => channel))].map((channel) =>
      text(`channel_${channel}`),
    ),
    rows: products.map((name) => ({
      label: brand.productLabel(name, language),
      boxes: byProduct.filter(({ product }) => product === name).map(toBox),
    })),
    switches: choices.filter(({ product }) => product === null).map(toBox),
  };
}
