import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { AppError, invalidField } from '../common/errors.js';
import { SecretBox } from '../common/secrets.js';
import { Config } from '../config/config.js';
import { type ChannelName, channelsToMask, maskToChannels } from '../consents/channels.js';
import { Brand } from '../database/entities/brand.entity.js';
import { BrandProduct } from '../database/entities/brand-product.entity.js';
import { Policy } from '../database/entities/policy.entity.js';
import { BrandCatalogue } from './brand-catalogue.js';
import { type CustomFieldDefinition, listCustomFields, replaceCustomFields } from './brand-custom-fields.js';
import { BrandHosts } from './brand-hosts.js';
import type { MessageFormats } from '../common/message-format.js';
import { StatementService } from './statement.service.js';
import type { Statement } from './statement.js';

const maxProducts = 30;

/** A brand as operators see and set it. The CRM's key goes in and never comes out. */
export interface BrandView {
  id: number;
  name: string;
  origin: string;
  products: string[];
  productAliases: Record<string, string>;
  productsRequiredOn: ChannelName[];
  currency: string;
  defaultLanguage: string;
  storeFullIp: boolean;
  hosts: string[];
  sessionIdleTtl: number;
  sessionTtl: number;
  webCustomUserId: boolean;
  emailVerificationRequired: boolean;
  mobileVerificationRequired: boolean;
  passwordMaxLength: number;
  libraryPhoneCheck: boolean;
  /** Its own words for messages to players. */
  messageFormats: MessageFormats;
  /** Domains whose e-mail addresses it does not take. */
  fraudEmailDomains: string[];
  customFields: CustomFieldDefinition[];
  /** Which policies players must accept; null: the oldest of its type that is of no site in particular. */
  termsPolicyId: string | null;
  privacyPolicyId: string | null;
  /** Of its pages, as #rrggbb; null: none of its own. */
  colour: string | null;
  /** What people read in place of a product's name: by product, then by language. */
  productLabels: Record<string, Record<string, string>>;
  /** Days after which a link to unsubscribe ends; null: never. */
  unsubscribeLinkDays: number | null;
  /** What people agree to when they opt in. */
  marketingStatement: Statement;
  crm: { enabled: boolean; baseUrl: string | null; origin: string | null; hasApiKey: boolean };
}

export type BrandChanges = Partial<Omit<BrandView, 'id' | 'crm' | 'marketingStatement'>> & {
  marketingStatement?: { texts: Record<string, string> };
  crm?: { enabled?: boolean; baseUrl?: string | null; apiKey?: string | null; origin?: string | null };
};

/** Reads, creates and changes brands. */
@Injectable()
export class BrandsService {
  private readonly crmKeys: SecretBox;

  constructor(
    private readonly dataSource: DataSource,
    private readonly catalogue: BrandCatalogue,
    private readonly hosts: BrandHosts,
    private readonly statements: StatementService,
    config: Config,
  ) {
    this.crmKeys = new SecretBox(config.SECRET_KEYS, 'crm-api-key');
  }

  /** One brand; not_found when there is none. */
  get(id: number): Promise<BrandView> {
    return this.read(this.dataSource.manager, id);
  }

  /** All brands, by id. */
  async list(): Promise<BrandView[]> {
    const brands = await this.dataSource
      .getRepository(Brand)
      .find({ order: { id: 'ASC' }, select: { id: true } });
    return Promise.all(brands.map(({ id }) => this.get(id)));
  }

  /** Creates a brand under the given id, or the next free one. */
  async create(name: string, changes: BrandChanges, id?: number): Promise<BrandView> {
    const created = await this.dataSource.transaction(async (manager) => {
      await manager.query('lock table brands in share row exclusive mode');
      const [next] = await manager.query<[{ id: number }]>(
        'select coalesce(max(id), 0) + 1 as id from brands',
      );
      const brandId = id ?? next.id;
      if (await manager.existsBy(Brand, { id: brandId })) {
        throw new AppError('conflict', `there is a brand ${brandId} already`);
      }
      await manager.insert(Brand, { id: brandId, name });
      await this.apply(manager, brandId, changes);
      return this.read(manager, brandId);
    });
    this.forget(created.id);
    return created;
  }

  /** Changes what is given and nothing else, all or none. A product that players still hold is not taken away: conflict. */
  async update(id: number, changes: BrandChanges): Promise<BrandView> {
    const changed = await this.dataSource.transaction(async (manager) => {
      // Waits for every consent change under way and holds up the next, so that none is judged by the old rules.
      await manager.query('select pg_advisory_xact_lock(2001, $1)', [id]);
      await this.apply(manager, id, changes);
      return this.read(manager, id);
    });
    this.forget(id);
    return changed;
  }

  private forget(id: number): void {
    this.catalogue.forget(id);
    this.hosts.forget();
  }

  private async apply(manager: EntityManager, id: number, changes: BrandChanges): Promise<void> {
    if (!(await manager.existsBy(Brand, { id }))) throw new AppError('not_found', 'there is no such brand');
    await requirePolicies(manager, id, changes);
    if (changes.products) await this.replaceProducts(manager, id, changes.products);
    const productAliases = await this.aliasesAfter(manager, id, changes);
    const {
      products: _products,
      productAliases: _aliases,
      productsRequiredOn,
      fraudEmailDomains,
      hosts,
      marketingStatement,
      customFields,
      crm,
      ...columns
    } = changes;
    await manager.update(Brand, id, {
      ...columns,
      productAliases,
      ...(fraudEmailDomains && {
        fraudEmailDomains: fraudEmailDomains.map((domain) => domain.toLowerCase()),
      }),
      ...(productsRequiredOn && { productsRequiredOn: channelsToMask(productsRequiredOn) }),
      ...(crm?.enabled !== undefined && { crmEnabled: crm.enabled }),
      ...(crm?.baseUrl !== undefined && { crmBaseUrl: crm.baseUrl }),
      ...(crm?.origin !== undefined && { crmOrigin: crm.origin }),
      ...(crm?.apiKey !== undefined && {
        crmApiKey: crm.apiKey === null ? null : this.crmKeys.seal(crm.apiKey),
      }),
      updatedAt: new Date(),
    });
    if (hosts) await this.hosts.replace(manager, id, hosts);
    if (customFields) await replaceCustomFields(manager, id, customFields);
    const brand = await manager.findOneByOrFail(Brand, { id });
    if (marketingStatement) await this.statements.add(manager, brand, marketingStatement.texts);
    if (brand.crmEnabled && !brand.crmBaseUrl) {
      throw invalidField('crm.baseUrl', 'crm.baseUrl is needed before the CRM can be switched on');
    }
  }

  private async replaceProducts(manager: EntityManager, brandId: number, names: string[]): Promise<void> {
    const known = await manager.findBy(BrandProduct, { brandId });
    const bits = new Map(known.map((product) => [product.name, product.bit]));
    const unused = Array.from({ length: maxProducts }, (_, index) => index + 1).filter(
      (bit) => !known.some((product) => product.bit === bit),
    );
    const kept = names.map((name, position) => {
      const bit = bits.get(name) ?? unused.shift();
      if (bit === undefined) {
        throw invalidField(
          'products',
          `products: a brand can have ${maxProducts} products over its whole life`,
        );
      }
      return { brandId, name, position, bit, retiredAt: null };
    });
    const mask = kept.reduce((sum, { bit }) => sum | (1 << bit), 0);
    const retired = known.filter((product) => !names.includes(product.name) && product.retiredAt === null);
    for (const product of retired) await this.refuseWhileHeld(manager, product);
    if (kept.length > 0) await manager.upsert(BrandProduct, kept, ['brandId', 'bit']);
    if (retired.length > 0) {
      await manager.save(retired.map((product) => Object.assign(product, { retiredAt: new Date() })));
    }
    await manager.update(Brand, brandId, { productsMask: mask });
  }

  private async refuseWhileHeld(manager: EntityManager, { brandId, bit, name }: BrandProduct): Promise<void> {
    const [row] = await manager.query<[{ players: number }]>(
      `select count(*)::integer as players from marketing_states where brand_id = $1
       and (email | sms | telephone | post_mail | site_notification | push_notification | chat) & $2 <> 0`,
      [brandId, 1 << bit],
    );
    if (row.players > 0) {
      throw new AppError(
        'conflict',
        `${row.players} players still have a consent for the product ${name}: it cannot be removed`,
      );
    }
  }

  /** The aliases given, or those there are without the ones of products taken away; each names a product and is none itself. */
  private async aliasesAfter(
    manager: EntityManager,
    brandId: number,
    changes: BrandChanges,
  ): Promise<Record<string, string>> {
    const brand = await manager.findOneByOrFail(Brand, { id: brandId });
    const products = await manager.findBy(BrandProduct, { brandId });
    const names = new Set(products.filter(({ retiredAt }) => retiredAt === null).map(({ name }) => name));
    const given = Object.entries(changes.productAliases ?? brand.productAliases);
    const aliases = changes.productAliases ? given : given.filter(([, name]) => names.has(name));
    for (const [alias, name] of aliases) {
      if (!names.has(name)) {
        throw invalidField(
          'productAliases',
          `productAliases.${alias}: ${name} is not a product of the brand`,
        );
      }
      if (names.has(alias)) {
        throw invalidField('productAliases', `productAliases.${alias} is the name of a product`);
      }
    }
    return Object.fromEntries(aliases);
  }

  private async read(manager: EntityManager, id: number): Promise<BrandView> {
    const brand = await manager.findOneBy(Brand, { id });
    if (!brand) throw new AppError('not_found', 'there is no such brand');
    const products = await manager.find(BrandProduct, {
      where: { brandId: id },
      order: { position: 'ASC', bit: 'ASC' },
    });
    return {
      id: brand.id,
      name: brand.name,
      origin: brand.origin,
      products: products.filter(({ retiredAt }) => retiredAt === null).map(({ name }) => name),
      productAliases: brand.productAliases,
      productsRequiredOn: maskToChannels(brand.productsRequiredOn),
      currency: brand.currency,
      defaultLanguage: brand.defaultLanguage,
      storeFullIp: brand.storeFullIp,
      hosts: await this.hosts.list(manager, id),
      sessionIdleTtl: brand.sessionIdleTtl,
      sessionTtl: brand.sessionTtl,
      webCustomUserId: brand.webCustomUserId,
      emailVerificationRequired: brand.emailVerificationRequired,
      mobileVerificationRequired: brand.mobileVerificationRequired,
      passwordMaxLength: brand.passwordMaxLength,
      libraryPhoneCheck: brand.libraryPhoneCheck,
      messageFormats: brand.messageFormats,
      fraudEmailDomains: brand.fraudEmailDomains,
      customFields: await listCustomFields(manager, id),
      termsPolicyId: brand.termsPolicyId,
      privacyPolicyId: brand.privacyPolicyId,
      colour: brand.colour,
      productLabels: brand.productLabels,
      unsubscribeLinkDays: brand.unsubscribeLinkDays,
      marketingStatement: await this.statements.get(manager, id),
      crm: {
        enabled: brand.crmEnabled,
        baseUrl: brand.crmBaseUrl,
        origin: brand.crmOrigin,
        hasApiKey: brand.crmApiKey !== null,
      },
    };
  }
}

/** Policies are never deleted: what is one of the brand's now stays one. */
async function requirePolicies(
  manager: EntityManager,
  brandId: number,
  changes: BrandChanges,
): Promise<void> {
  const types = { termsPolicyId: 'TermsOfService', privacyPolicyId: 'Privacy' } as const;
  for (const field of ['termsPolicyId', 'privacyPolicyId'] as const) {
    const policyId = changes[field];
    if (!policyId || (await manager.existsBy(Policy, { id: policyId, brandId, type: types[field] })))
      continue;
    throw invalidField(
      field,
      `${field} must be the id of a policy of the brand, of the type ${types[field]}`,
    );
  }
}
