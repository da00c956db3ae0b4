import { buildMessage, isURL, ValidateBy } from 'class-validator';

const rules = {
  protocols: ['http', 'https'],
  require_tld: false,
  require_protocol: true,
  disallow_auth: true,
};

/** An address that requests can go to: of some that pass for one, such as `http://crm.0x`, no URL can be made. */
export const IsBaseUrl = () =>
  ValidateBy({
    name: 'isBaseUrl',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && isURL(value, rules) && URL.canParse(value),
      defaultMessage: buildMessage((prefix) => `${prefix}$property must be a URL address`),
    },
  });
