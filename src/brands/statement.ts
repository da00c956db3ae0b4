import { findLanguage, readerLanguages } from '../pages/languages.js';

/** The words that people agree to when they opt in, by language, under the version that evidence names. `{brand}` is its name. */
export interface Statement {
  version: string;
  texts: Readonly<Record<string, string>>;
}

/** The words as somebody saw them. */
export interface ShownStatement {
  version: string;
  language: string;
  text: string;
}

/** What a brand has that has set none. Other words are another version. */
export const defaultStatement: Statement = {
  version: 'default-1',
  texts: {
    en:
      'By ticking a box I agree that {brand} may contact me on that channel with marketing about that product, or with ' +
      'marketing in general where no product is named. I can withdraw this at any time, as easily as I give it.',
    de:
      'Mit jedem Häkchen willige ich ein, dass {brand} mich auf diesem Weg mit Werbung zu diesem Produkt kontaktiert oder, wo ' +
      'kein Produkt genannt ist, mit Werbung allgemein. Ich kann das jederzeit so einfach widerrufen, wie ich es erteile.',
  },
};

/** What may stand in braces in a statement: everything else is as it was written. */
const brandName = '{brand}';

/** The statement in the language, or else in the brand's, or else in the first it has. */
export function showStatement(
  { version, texts }: Statement,
  brand: { name: string; defaultLanguage: string },
  language: string,
): ShownStatement {
  const languages = Object.keys(texts);
  const reader = readerLanguages(language, brand.defaultLanguage);
  const shown = findLanguage(languages, reader) ?? languages[0] ?? '';
  return { version, language: shown, text: (texts[shown] ?? '').replaceAll(brandName, () => brand.name) };
}
