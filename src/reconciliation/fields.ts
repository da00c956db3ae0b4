import { escapeLiteral } from 'pg';
import { AppError } from '../common/errors.js';
import { Channel, type ChannelName, type CrmChannel, crmChannels } from '../consents/channels.js';
import { stateColumns } from '../consents/marketing-state.js';

/** The consent fields of POST /reconciliation by the channel they are about. */
const consentFields = {
  consent_email: 'email',
  consent_sms: 'sms',
  consent_telephone: 'telephone',
  consent_post_mail: 'postMail',
  consent_site_notification: 'siteNotification',
  consent_push_notification: 'pushNotification',
} as const satisfies Record<string, CrmChannel>;
export const standardFields = ['blocked', 'excluded', ...Object.keys(consentFields)] as const;
export const productFields: readonly string[] = crmChannels;

/** What the brand's rules say at the snapshot. */
export interface FieldRules {
  brandId: number;
  /** The instant of the snapshot. */
  at: Date;
  /** Products the brand has, in its order. */
  products: { bit: number; name: string }[];
  /** Channels on which a consent counts only with products, as the database keeps them. */
  productsRequiredOn: number;
}

/** A field of one of the two routes. */
export interface Field {
  name: string;
  /** Whether its answer is a map of products by player, or a list of players. */
  hasProducts: boolean;
  /** The kind of message that makes the CRM read it again. */
  isBlock: boolean;
  /** SQL of the rows of `marketing_states` for which it is true: a condition. */
  condition(rules: FieldRules): string;
  /** SQL of the products that it answers, as a bit mask; 0 where it has none. */
  mask(rules: FieldRules): string;
}

/** The field of POST /reconciliation; throws unknown_field. */
export function getStandardField(name: string): Field {
  const channel = Object.hasOwn(consentFields, name)
    ? consentFields[name as keyof typeof consentFields]
    : undefined;
  if (channel)
    return { ...listed(name), condition: (rules) => `${isOptedIn(channel, rules)} and ${isHeard(rules)}` };
  if (name === 'blocked') return { ...listed(name), isBlock: true, condition: () => 'blocked' };
  if (name === 'excluded') return { ...listed(name), isBlock: true, condition: isExcluded };
  throw unknownField(name);
}

/** The field of POST /reconciliation/products; throws unknown_field. */
export function getProductsField(name: string): Field {
  if (!productFields.includes(name)) throw unknownField(name);
  const channel = name as CrmChannel;
  const mask = ({ products }: FieldRules) => `${stateColumns[channel]} & ${maskOf(products)}`;
  return {
    ...{ name, hasProducts: true, isBlock: false, mask },
    condition: (rules) => `${mask(rules)} <> 0 and ${isHeard(rules)}`,
  };
}

/** The field of either route; throws unknown_field. */
export function getField(name: string): Field {
  return productFields.includes(name) ? getProductsField(name) : getStandardField(name);
}

/** SQL: a row of COPY for each player of the field, `,"id"` or `,"id":["product"]`. Ids and products are of letters, digits, _ and -. */
export function selectUsers(field: Field, rules: FieldRules): string {
  const products = field.hasProducts ? ` || ${printProducts(field.mask(rules), rules)}` : '';
  const user = `',"' || player_id || '"'${products}`;
  return `select ${user} from marketing_states where brand_id = ${Number(rules.brandId)} and ${field.condition(rules)}`;
}

/** SQL: the products that a mask holds, as what follows a key in JSON, `:["product"]`. */
export function printProducts(mask: string, { products }: FieldRules): string {
  const names = products.map(
    ({ bit, name }) => `case when ${mask} & ${2 ** bit} <> 0 then ${escapeLiteral(`,"${name}"`)} else '' end`,
  );
  return `':[' || substr(${names.join(' || ') || "''"}, 2) || ']'`;
}

function listed(name: string) {
  return { name, hasProducts: false, isBlock: false, mask: () => '0' };
}

/** As GET /userconsents tells it: a consent without products does not count where the brand asks for products. */
function isOptedIn(channel: ChannelName, { productsRequiredOn }: FieldRules): string {
  const needsProducts = (productsRequiredOn & (1 << Channel[channel])) !== 0;
  return `${stateColumns[channel]} ${needsProducts ? 'not in (0, 1)' : '<> 0'}`;
}

/** Nobody who is blocked or excluded is in a list of consents. */
function isHeard(rules: FieldRules): string {
  return `not blocked and not (${isExcluded(rules)})`;
}

function isExcluded({ at }: FieldRules): string {
  return `excluded and (excluded_until is null or excluded_until > ${escapeLiteral(at.toISOString())})`;
}

function maskOf(products: { bit: number }[]): number {
  return products.reduce((mask, { bit }) => mask + 2 ** bit, 0);
}

function unknownField(name: string): AppError {
  return new AppError('unknown_field', `unknown field: ${name.slice(0, 100)}`);
}
