import { Injectable } from '@nestjs/common';
import { AppError } from '../common/errors.js';
import { ShortMemory } from '../common/short-memory.js';
import { Database } from '../database/database.js';
import { BrandSettings } from './brand-settings.js';
import type { MessageFormats } from '../common/message-format.js';
import { defaultStatement, type Statement } from './statement.js';

const findSettings = {
  name: 'find_brand_settings',
  text: `
    select b.id, b.name, b.products_mask, b.product_aliases, b.products_required_on, b.store_full_ip,
      b.currency, b.default_language, b.email_verification_required, b.mobile_verification_required, b.password_max_length,
      b.library_phone_check, b.message_formats, b.fraud_email_domains,
      b.session_idle_ttl, b.session_ttl, b.web_custom_user_id, b.colour, b.product_labels,
      b.unsubscribe_link_days,
      (select json_build_object('version', t.version::text, 'texts', t.texts) from statement_texts t
       where t.brand_id = b.id order by t.version desc limit 1) as statement,
      coalesce((select json_agg(json_build_object('bit', p.bit, 'name', p.name) order by p.position, p.bit)
                from brand_products p where p.brand_id = b.id), '[]') as products
    from brands b where b.id = $1`,
};

interface SettingsRow {
  id: number;
  name: string;
  products_mask: number;
  product_aliases: Record<string, string>;
  products_required_on: number;
  store_full_ip: boolean;
  currency: string;
  default_language: string;
  email_verification_required: boolean;
  mobile_verification_required: boolean;
  password_max_length: number;
  library_phone_check: boolean;
  message_formats: MessageFormats;
  fraud_email_domains: string[];
  session_idle_ttl: number;
  session_ttl: number;
  web_custom_user_id: boolean;
  colour: string | null;
  product_labels: Record<string, Record<string, string>>;
  unsubscribe_link_days: number | null;
  statement: Statement | null;
  products: { bit: number; name: string }[];
}

/**
 * The settings of brands, read from memory: at most 5 s old, at once on the instance that changed them. Writes do not rest
 * on it: the database checks every mask again and says when this copy is old.
 */
@Injectable()
export class BrandCatalogue {
  private readonly memory = new ShortMemory<number, BrandSettings>();

  constructor(private readonly database: Database) {}

  /** The settings of a brand, or null when there is none. */
  find(brandId: number): Promise<BrandSettings | null> {
    return this.memory.find(brandId, () => this.read(brandId));
  }

  /** As find; rejects with not_found when there is none. */
  async get(brandId: number): Promise<BrandSettings> {
    const settings = await this.find(brandId);
    if (!settings) throw new AppError('not_found', 'there is no such brand');
    return settings;
  }

  /** Drops what is remembered of a brand, after a change of it. */
  forget(brandId: number): void {
    this.memory.forget(brandId);
  }

  private async read(brandId: number): Promise<BrandSettings | null> {
    const [row] = await this.database.prepared<SettingsRow>(findSettings, [brandId]);
    if (!row) return null;
    return new BrandSettings({
      id: row.id,
      name: row.name,
      products: row.products,
      productsMask: row.products_mask,
      productAliases: row.product_aliases,
      productsRequiredOn: row.products_required_on,
      currency: row.currency,
      defaultLanguage: row.default_language,
      emailVerificationRequired: row.email_verification_required,
      mobileVerificationRequired: row.mobile_verification_required,
      passwordMaxLength: row.password_max_length,
      libraryPhoneCheck: row.library_phone_check,
      messageFormats: row.message_formats,
      fraudEmailDomains: row.fraud_email_domains,
      storeFullIp: row.store_full_ip,
      sessionIdleTtl: row.session_idle_ttl,
      sessionTtl: row.session_ttl,
      webCustomUserId: row.web_custom_user_id,
      colour: row.colour,
      productLabels: row.product_labels,
      unsubscribeLinkDays: row.unsubscribe_link_days,
      statement: row.statement ?? defaultStatement,
    });
  }
}
