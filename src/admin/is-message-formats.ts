import { ValidateBy } from 'class-validator';
import { messageTypes } from '../common/message-format.js';
import { isLanguage } from '../common/is-language.js';
import { isText } from '../common/is-text.js';

const maxEntries = 200;
const namePattern = /^[a-z0-9][a-z0-9_]{0,59}$/;
const maxLengths = { title: 200, content: 2000, button_1_text: 60 } as const;

/** An object of names to objects of languages to messages. */
export const IsMessageFormats = () =>
  ValidateBy({
    name: 'isMessageFormats',
    validator: {
      validate: (value: unknown) =>
        isSmallObject(value) &&
        Object.entries(value).every(
          ([name, formats]) =>
            namePattern.test(name) &&
            isSmallObject(formats) &&
            Object.entries(formats).every(([language, format]) => isLanguage(language) && isFormat(format)),
        ),
      defaultMessage: () =>
        '$property must map names of a-z, 0-9 and _ to objects of languages to ' +
        '{type: success, info or error, title, content, button_1_text}',
    },
  });

function isFormat(value: unknown): boolean {
  if (!isSmallObject(value) || Object.keys(value).length !== 4) return false;
  const { type, ...texts } = value;
  if (!(messageTypes as readonly unknown[]).includes(type)) return false;
  return Object.entries(maxLengths).every(([key, max]) => isText(texts[key], max));
}

function isSmallObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length <= maxEntries
  );
}
