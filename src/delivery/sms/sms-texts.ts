import { fileURLToPath } from 'node:url';
import { Injectable } from '@nestjs/common';
import { type CodeOrigin, DerivedCodes } from '../../common/derived-codes.js';
import { Config } from '../../config/config.js';
import { findLanguage } from '../../pages/languages.js';
import { fill, readTexts } from '../../pages/page-texts.js';

const lastResort = 'en';

/** A text message by the name of its text, whose code stands in no table. */
export interface SmsToRender {
  /** A key of the files in texts/. */
  message: string;
  /** The reader's language (BCP 47). */
  language?: string;
  /** The brand's language, for readers whose language has no text. */
  defaultLanguage: string;
  brandName: string;
  /** What the text names beside brand and code. */
  variables?: Readonly<Record<string, string>>;
  code?: CodeOrigin;
}

/** Renders text messages from `<language>.json` in texts/, with codes worked out only now. */
@Injectable()
export class SmsTexts {
  private readonly texts = readTexts([fileURLToPath(new URL('./texts/', import.meta.url))]);
  private readonly codes: DerivedCodes;

  constructor(config: Config) {
    this.codes = new DerivedCodes(config.SECRET_KEYS, 'mobile-code');
  }

  /** The text; throws when there is none of that name, or its code cannot be worked out any more. */
  render({ message, language, defaultLanguage, brandName, variables, code }: SmsToRender): string {
    const wanted = [language ?? '', defaultLanguage, lastResort].filter((tag) => tag !== '');
    const found = findLanguage([...this.texts.keys()], {
      wanted: wanted.map((tag) => tag.toLowerCase()),
      refused: [],
    });
    const text = this.texts.get(found ?? lastResort)?.[message];
    if (text === undefined) throw new Error(`no text message ${message}`);
    return fill(text, { ...variables, brand: brandName, ...(code && { code: this.codes.code(code) }) });
  }
}
