import { ValidateBy } from 'class-validator';
import { isLanguage } from '../common/is-language.js';
import { isText } from '../common/is-text.js';

const maxStatementLength = 2000;
const maxLabelLength = 60;
const maxEntries = 100;

/** An object of languages to statements, at least one. */
export const IsStatementMap = () =>
  ValidateBy({
    name: 'isStatementMap',
    validator: {
      validate: (value: unknown) => isTextMap(value, maxStatementLength) && Object.keys(value).length > 0,
      defaultMessage: () =>
        `$property must map languages, such as en or pt-BR, to texts of up to ${maxStatementLength} characters`,
    },
  });

/** An object of products to objects of languages to labels. */
export const IsLabelMap = () =>
  ValidateBy({
    name: 'isLabelMap',
    validator: {
      validate: (value: unknown) =>
        isSmallObject(value) && Object.values(value).every((labels) => isTextMap(labels, maxLabelLength)),
      defaultMessage: () =>
        `$property must map products to objects of languages to texts of up to ${maxLabelLength} characters`,
    },
  });

function isTextMap(value: unknown, maxLength: number): value is Record<string, string> {
  return (
    isSmallObject(value) &&
    Object.entries(value).every(
      ([language, text]) => isLanguage(language) && isText(text, maxLength) && text.trim() !== '',
    )
  );
}

function isSmallObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length <= maxEntries
  );
}
