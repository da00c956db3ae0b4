import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO4217CurrencyCode,
  IsISO6391,
  IsObject,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import type { BrandView } from '../brands/brands.service.js';
import { IfGiven } from '../common/if-given.js';
import { CustomFieldDto } from './custom-field.dto.js';
import { IsAliasMap } from './is-alias-map.js';
import { IsBaseUrl } from './is-base-url.js';
import { IsMessageFormats } from './is-message-formats.js';
import type { MessageFormats } from '../common/message-format.js';
import { IsLabelMap, IsStatementMap } from './is-text-map.js';
import type { ChannelName } from '../consents/channels.js';
import { crmChannels } from '../consents/channels.js';

/** Without a scheme, and with a port only where the address of the pages has one. */
const hostPattern = /^(?!.*\.\.)[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[1-9]\d{0,4})?$/i;

/** Two labels or more. */
const domainPattern =
  /^(?=.{3,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

export const productPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/;

/** Where the CRM is told of changes. */
export class CrmChangesDto {
  /** Whether the CRM is told. Needs a base URL. */
  @IfGiven()
  @IsBoolean()
  enabled?: boolean;

  /** @example https://crm.example/api */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsBaseUrl()
  @ApiProperty({ format: 'uri' })
  baseUrl?: string | null;

  /** Sent as X-Api-Key. Kept encrypted, never shown again; null forgets it. */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  @Length(1, 500)
  @Matches(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, {
    message: '$property must be what a header can carry: letters, digits and signs of ASCII on one line',
  })
  apiKey?: string | null;

  /** The origin told where the player has none. */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  @MaxLength(200)
  origin?: string | null;
}

/** What people agree to when they opt in. */
export class StatementChangesDto {
  /**
   * By language; one must be in the brand's default language. `{brand}` stands for its name. Other words than before are a new
   * version, and every version stays: evidence names it.
   * @example {"en": "By ticking a box I agree that {brand} may send me marketing. I can withdraw this at any time."}
   */
  @IsObject()
  @IsStatementMap()
  texts: Record<string, string>;
}

/** What is to change; absent keys stay. */
export class BrandChangesDto {
  /** @example Demo Casino */
  @IfGiven()
  @IsString()
  @Length(1, 100)
  name?: string;

  /** @example demo.example */
  @IfGiven()
  @IsString()
  @MaxLength(200)
  origin?: string;

  /**
   * The catalogue, in the order it is shown in. A product that players still hold cannot be left out.
   * @example ["casino", "sports", "lottery", "bingo"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(30)
  @ArrayUnique()
  @Matches(productPattern, {
    each: true,
    message: 'products must be names of up to 40 letters, digits, _ or -',
  })
  products?: string[];

  /**
   * Other names that are taken for a product.
   * @example {"sportsbook": "sports"}
   */
  @IfGiven()
  @IsObject()
  @IsAliasMap()
  productAliases?: Record<string, string>;

  /**
   * Channels on which only product-specific consent counts.
   * @example ["email", "sms", "telephone"]
   */
  @IfGiven()
  @IsArray()
  @ArrayUnique()
  @IsIn(crmChannels, { each: true })
  productsRequiredOn?: ChannelName[];

  /** @example EUR */
  @IfGiven()
  @Matches(/^[A-Z]{3}$/, { message: '$property must be an ISO 4217 code' })
  @IsISO4217CurrencyCode({ message: '$property must be an ISO 4217 code' })
  currency?: string;

  /** @example en */
  @IfGiven()
  @Matches(/^[a-z]{2}$/, { message: '$property must be an ISO 639-1 code' })
  @IsISO6391({ message: '$property must be an ISO 639-1 code' })
  defaultLanguage?: string;

  /** Whether evidence keeps whole IP addresses, or their network (/24, /48) only. */
  @IfGiven()
  @IsBoolean()
  storeFullIp?: boolean;

  /**
   * Hosts of the brand's web pages, with their port where they have one. Pages there may call the open routes from a
   * browser, and what they send counts for the brand. A host belongs to one brand alone.
   * @example ["demo.example", "shop.example:8443"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(100)
  @ArrayUnique((host) => String(host).toLowerCase())
  @Matches(hostPattern, {
    each: true,
    message: 'hosts must be names without a scheme, such as shop.example or shop.example:8443',
  })
  hosts?: string[];

  /**
   * Seconds without a request after which a session ends.
   * @example 1800
   */
  @IfGiven()
  @IsInt()
  @Min(60)
  @Max(31_536_000)
  sessionIdleTtl?: number;

  /**
   * Seconds after which a session ends in any case.
   * @example 43200
   */
  @IfGiven()
  @IsInt()
  @Min(60)
  @Max(31_536_000)
  sessionTtl?: number;

  /** Whether calls without a credential may name a CustomUserId. */
  @IfGiven()
  @IsBoolean()
  webCustomUserId?: boolean;

  /** Whether players must have verified their e-mail address before they may play. */
  @IfGiven()
  @IsBoolean()
  emailVerificationRequired?: boolean;

  /** Whether a new mobile number counts only once the code that was sent to it has come back. */
  @IfGiven()
  @IsBoolean()
  mobileVerificationRequired?: boolean;

  /**
   * Characters of a player's password at most; at least 8 are asked for.
   * @example 15
   */
  @IfGiven()
  @IsInt()
  @Min(8)
  @Max(128)
  passwordMaxLength?: number;

  /** Whether phone numbers must be ones that their country has; otherwise digits, a hyphen and digits are enough. */
  @IfGiven()
  @IsBoolean()
  libraryPhoneCheck?: boolean;

  /**
   * The brand's own words for messages to players: by name, then by language. What is not here is worded as
   * GET /gateway/site-management/… words it without a brand.
   * @example {"general_failure": {"en": {"type": "error", "title": "Sorry", "content": "Please ask for a new link.", "button_1_text": "OK"}}}
   */
  @IfGiven()
  @IsObject()
  @IsMessageFormats()
  messageFormats?: MessageFormats;

  /**
   * Domains whose e-mail addresses are not taken, and neither are those of domains under them: beside the throw-away ones that
   * everybody knows.
   * @example ["trash.example"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(10_000)
  @ArrayUnique((domain) => String(domain).toLowerCase())
  @Matches(domainPattern, {
    each: true,
    message: 'fraudEmailDomains must be domains such as trash.example, in ASCII (xn--…)',
  })
  fraudEmailDomains?: string[];

  /** What is kept of players beside their details, in the order it is shown in. One that players still have a value of stays. */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(100)
  @ArrayUnique((field: CustomFieldDto | null) => field?.id)
  @ValidateNested({ each: true })
  @Type(() => CustomFieldDto)
  customFields?: CustomFieldDto[];

  /** The policy that players must accept as terms, of the type TermsOfService; null: the oldest one without a DomainId. */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsUUID()
  termsPolicyId?: string | null;

  /** The same of privacy, of the type Privacy. */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsUUID()
  privacyPolicyId?: string | null;

  /**
   * Of the pages that players see; null: none of its own.
   * @example #0b4fb3
   */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @Matches(/^#[0-9a-f]{6}$/, { message: 'colour must be like #0b4fb3' })
  colour?: string | null;

  /**
   * What players read in place of a product's name: by product, then by language.
   * @example {"sports": {"en": "Sports betting", "de": "Sportwetten"}}
   */
  @IfGiven()
  @IsObject()
  @IsLabelMap()
  productLabels?: Record<string, Record<string, string>>;

  /** Days after which links to unsubscribe end; null: never. A withdrawal should not be refused because a mail is old. */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsInt()
  @Min(1)
  @Max(36_500)
  unsubscribeLinkDays?: number | null;

  @IfGiven()
  @ValidateNested()
  @IsObject()
  @Type(() => StatementChangesDto)
  marketingStatement?: StatementChangesDto;

  @IfGiven()
  @ValidateNested()
  @IsObject()
  @Type(() => CrmChangesDto)
  crm?: CrmChangesDto;
}

export class CrmDto {
  enabled: boolean;
  baseUrl: string | null;
  origin: string | null;

  /** The key itself is never shown. */
  hasApiKey: boolean;
}

export class StatementDto {
  /** @example 2 */
  version: string;

  /** By language. */
  texts: Record<string, string>;
}

export class BrandDto {
  id: number;
  name: string;
  origin: string;
  products: string[];
  productAliases: Record<string, string>;
  productsRequiredOn: string[];
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

  /** By name, then by language. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'object', additionalProperties: true } })
  messageFormats: MessageFormats;

  fraudEmailDomains: string[];
  customFields: CustomFieldDto[];
  termsPolicyId: string | null;
  privacyPolicyId: string | null;
  colour: string | null;
  productLabels: Record<string, Record<string, string>>;
  unsubscribeLinkDays: number | null;

  /** What players agree to when they opt in; `default-1` came with the service. */
  marketingStatement: StatementDto;

  crm: CrmDto;
}

/** A brand's settings. */
export function toBrandDto(brand: BrandView): BrandDto {
  return {
    id: brand.id,
    name: brand.name,
    origin: brand.origin,
    products: brand.products,
    productAliases: brand.productAliases,
    productsRequiredOn: brand.productsRequiredOn,
    currency: brand.currency,
    defaultLanguage: brand.defaultLanguage,
    storeFullIp: brand.storeFullIp,
    hosts: brand.hosts,
    sessionIdleTtl: brand.sessionIdleTtl,
    sessionTtl: brand.sessionTtl,
    webCustomUserId: brand.webCustomUserId,
    emailVerificationRequired: brand.emailVerificationRequired,
    mobileVerificationRequired: brand.mobileVerificationRequired,
    passwordMaxLength: brand.passwordMaxLength,
    libraryPhoneCheck: brand.libraryPhoneCheck,
    messageFormats: brand.messageFormats,
    fraudEmailDomains: brand.fraudEmailDomains,
    customFields: brand.customFields.map(({ id, name, type }) => ({ id, name, type })),
    termsPolicyId: brand.termsPolicyId,
    privacyPolicyId: brand.privacyPolicyId,
    colour: brand.colour,
    productLabels: brand.productLabels,
    unsubscribeLinkDays: brand.unsubscribeLinkDays,
    marketingStatement: brand.marketingStatement,
    crm: brand.crm,
  };
}
