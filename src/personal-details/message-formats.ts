import { fileURLToPath } from 'node:url';
import type { BrandSettings } from '../brands/brand-settings.js';
import type { MessageFormat, MessageType } from '../common/message-format.js';
import { findLanguage, parseAcceptLanguage } from '../pages/languages.js';
import { readTexts } from '../pages/page-texts.js';

/** Every message that an answer of ours may name. Its words are in message-formats/, a file for each language. */
const defaultTypes = {
  forgot_email_sent: 'success',
  email_required: 'error',
  password_successfully_changed: 'success',
  password_replaced: 'success',
  wrong_old_password: 'error',
  email_verified: 'success',
  tnc_approval_required: 'info',
  privacy_approval_required: 'info',
  general_failure: 'error',
} as const satisfies Record<string, MessageType>;

/** A message as it is shown, and the language it is in. */
export interface ShownMessage extends MessageFormat {
  language: string;
}

const defaults = readDefaults(fileURLToPath(new URL('./message-formats/', import.meta.url)));

/** What a message is shown as where there is no brand, or one without a language of the reader's. */
const lastResort = 'en';

/**
 * The words of a message: the brand's own, or else the default ones, in the language that the reader wants, or else in the brand's.
 * Null for a name that neither has.
 */
export function findMessageFormat(
  brand: BrandSettings | null,
  name: string,
  acceptLanguage: string | undefined,
): ShownMessage | null {
  const own = new Map(Object.entries(brand?.facts.messageFormats ?? {})).get(name);
  const formats = new Map([...(defaults.get(name) ?? []), ...Object.entries(own ?? {})]);
  const languages = [...formats.keys()];
  const fallbacks = [brand?.facts.defaultLanguage ?? lastResort, lastResort];
  const fallback = findLanguage(languages, { wanted: fallbacks, refused: [] }) ?? languages[0];
  if (fallback === undefined) return null;
  // It comes first, for it is what a reader gets to whom any will do: `*` is what programs send unasked.
  const language = findLanguage([fallback, ...languages], parseAcceptLanguage(acceptLanguage)) ?? fallback;
  const format = formats.get(language);
  return format ? { ...format, language } : null;
}

/** By name, then by language. A file that lacks a text of the table fails the start. */
function readDefaults(folder: string): Map<string, Map<string, MessageFormat>> {
  const languages = [...readTexts([folder])];
  return new Map(
    Object.entries(defaultTypes).map(([name, type]) => [
      name,
      new Map(
        languages.map(([language, texts]) => {
          const text = (part: string): string => {
            const found = texts[`${name}.${part}`];
            if (found === undefined) throw new Error(`${folder}${language}.json has no ${name}.${part}`);
            return found;
          };
          const [title, content, button] = [text('title'), text('content'), text('button_1_text')];
          return [language, { type, title, content, button_1_text: button }];
        }),
      ),
    ]),
  );
}
