import { buildMessage, ValidateBy } from 'class-validator';

/** A language tag as BCP 47 has it, such as en or pt-BR. */
export function IsLanguage(): PropertyDecorator {
  return ValidateBy({
    name: 'isLanguage',
    validator: {
      validate: isLanguage,
      defaultMessage: buildMessage((prefix) => `${prefix}$property must be a language, such as en or pt-BR`),
    },
  });
}

/** Whether a value keeps the rule of IsLanguage. */
export function isLanguage(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 35 && isTag(value);
}

function isTag(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}
