import { ValidateBy } from 'class-validator';

const name = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/;

/** An object of at most 100 names to names. */
export const IsAliasMap = () =>
  ValidateBy({
    name: 'isAliasMap',
    validator: {
      validate: (value: unknown) =>
        typeof value === 'object' &&
        value !== null &&
        Object.keys(value).length <= 100 &&
        Object.entries(value).every(([alias, product]) => name.test(alias) && typeof product === 'string'),
      defaultMessage: () => 'productAliases must map names of up to 40 letters, digits, _ or - to products',
    },
  });
