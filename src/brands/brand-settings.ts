import { Channel, type ChannelName } from '../consents/channels.js';
import type { MessageFormats } from '../common/message-format.js';
import { type ShownStatement, type Statement, showStatement } from './statement.js';

/** A brand's settings as far as requests need them. */
export interface BrandFacts {
  id: number;
  name: string;
  /** All products the brand ever had, in its order; bits of those it has now are in productsMask. */
  products: readonly { bit: number; name: string }[];
  productsMask: number;
  productAliases: Record<string, string>;
  productsRequiredOn: number;
  currency: string;
  defaultLanguage: string;
  emailVerificationRequired: boolean;
  mobileVerificationRequired: boolean;
  passwordMaxLength: number;
  libraryPhoneCheck: boolean;
  /** Its own words for messages to players. */
  messageFormats: MessageFormats;
  /** Domains whose e-mail addresses it does not take. */
  fraudEmailDomains: readonly string[];
  storeFullIp: boolean;
  sessionIdleTtl: number;
  sessionTtl: number;
  /** Whether a request without a credential may name a CustomUserId. */
  webCustomUserId: boolean;
  /** Of the brand's pages, as #rrggbb. */
  colour: string | null;
  /** What people read in place of a product's name: by product, then by language. */
  productLabels: Record<string, Record<string, string>>;
  /** Days after which a link to unsubscribe ends; null: never. */
  unsubscribeLinkDays: number | null;
  /** What people agree to when they opt in. */
  statement: Statement;
}

/** What the rules of a brand come to, ready for the hot paths. */
export class BrandSettings {
  private readonly bits = new Map<string, number>();
  private readonly namesByMask = new Map<number, string[]>();

  constructor(readonly facts: BrandFacts) {
    const { products, productsMask, productAliases } = facts;
    for (const { bit, name } of products) if (productsMask & (1 << bit)) this.bits.set(name, 1 << bit);
    for (const [alias, name] of Object.entries(productAliases)) {
      const bit = this.bits.get(name);
      if (bit !== undefined && !this.bits.has(alias)) this.bits.set(alias, bit);
    }
  }

  get id(): number {
    return this.facts.id;
  }

  get storeFullIp(): boolean {
    return this.facts.storeFullIp;
  }

  /** The mask bit of a product or alias; undefined when the brand has none of that name. */
  productBit(name: string): number | undefined {
    return this.bits.get(name);
  }

  /** The names a mask holds, in the brand's order. */
  productNames(mask: number): string[] {
    const known = this.namesByMask.get(mask);
    if (known) return known;
    const names = this.facts.products.filter(({ bit }) => mask & (1 << bit)).map(({ name }) => name);
    // Bounded: a brand with many products could otherwise fill memory with every combination ever seen.
    if (this.namesByMask.size < 4096) this.namesByMask.set(mask, names);
    return names;
  }

  /** Names of the products the brand has now. */
  get currentProducts(): string[] {
    return this.facts.products
      .filter(({ bit }) => this.facts.productsMask & (1 << bit))
      .map(({ name }) => name);
  }

  /** What people read in place of a product's name: the brand's word for it in the language, or else the name. */
  productLabel(name: string, language: string): string {
    const labels = new Map(Object.entries(this.facts.productLabels[name] ?? {}));
    return labels.get(language) ?? labels.get(this.facts.defaultLanguage) ?? capitalise(name);
  }

  /** What people agree to when they opt in, in the language or else in the brand's. */
  statementIn(language: string): ShownStatement {
    return showStatement(this.facts.statement, this.facts, language);
  }

  /** Whether a consent on the channel counts only with products. */
  requiresProducts(channel: ChannelName): boolean {
    return (this.facts.productsRequiredOn & (1 << Channel[channel])) !== 0;
  }
}

/** `live-casino` → `Live casino`. */
function capitalise(name: string): string {
  const words = name.replaceAll(/[-_]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
