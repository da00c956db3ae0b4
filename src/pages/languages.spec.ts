import { describe, expect, it } from '@jest/globals';
import {
  directionOf,
  findLanguage,
  languageName,
  parseAcceptLanguage,
  readerLanguages,
} from './languages.js';

describe('Accept-Language', () => {
  it.each<[string | undefined, string[], string[]]>([
    [undefined, [], []],
    ['', [], []],
    ['de', ['de'], []],
    ['de-DE,de;q=0.9,en;q=0.8', ['de-de', 'de', 'en'], []],
    ['en;q=0.5, de', ['de', 'en'], []],
    ['en;q=0.5,de;q=0.5,fr;q=0.501', ['fr', 'en', 'de'], []],
    ['de ; q=0.8 , \tEN;Q=1.000', ['en', 'de'], []],
    ['en;q=0, *', ['*'], ['en']],
    ['de;q=0.000', [], ['de']],
    ['zh-Hant-x-hk', ['zh-hant-x-hk'], []],
    // None of these is a language range with a weight.
    ['de;q=1.5, fr;q=-1, es;q=0.1234, it;q=, nl;q=1;x=2', [], []],
    ['toolongaword, d@, en_US, <script>, ,;q=1', [], []],
    [`${'xx,'.repeat(100)}de`, Array<string>(32).fill('xx'), []],
  ])('%j', (header, wanted, refused) => {
    expect(parseAcceptLanguage(header)).toEqual({ wanted, refused });
  });

  it('takes no time that grows faster than its length', () => {
    const started = performance.now();
    for (const part of ['-a', ' ;', ';q=0', '*', ','])
      parseAcceptLanguage(`en${part.repeat(16_000 / part.length)}`);
    expect(performance.now() - started).toBeLessThan(200);
  });
});

describe('the language that is found', () => {
  it.each<[string, string[], string | null]>([
    ['de', ['en', 'de'], 'de'],
    ['de-AT', ['en', 'de'], 'de'],
    ['de', ['en', 'de-AT'], 'de-AT'],
    ['DE-at', ['de-AT', 'de'], 'de-AT'],
    ['pt-PT,en', ['pt-BR', 'en'], 'en'],
    ['pt-PT,pt;q=0.9,en;q=0.8', ['pt-BR', 'en'], 'pt-BR'],
    ['pt-BR', ['en', 'pt', 'pt-BR'], 'pt-BR'],
    ['zh-Hant-x-hk', ['zh', 'zh-Hant'], 'zh-Hant'],
    ['zh-Hant-TW', ['zh', 'en'], 'zh'],
    ['fr,de;q=0.5', ['en', 'de'], 'de'],
    ['fr', ['en', 'de'], null],
    ['', ['en', 'de'], null],
    ['en', ['eno', 'de'], null],
    ['*', ['en', 'de'], 'en'],
    ['en;q=0,*', ['en', 'de'], 'de'],
    ['de;q=0,de-AT', ['de', 'de-AT'], 'de-AT'],
    ['*;q=0,de', ['en', 'de'], 'de'],
    ['*;q=0', ['en', 'de'], null],
    ['de', [], null],
  ])('for %j of %j is %j', (header, available, expected) => {
    expect(findLanguage(available, readerLanguages(undefined, header))).toBe(expected);
  });

  it.each<[string | undefined, string, string | null]>([
    ['de', 'en', 'de'],
    ['de-CH', 'en', 'de'],
    ['fr', 'en', 'en'],
    ['fr', 'es', null],
    ['', 'de', 'de'],
    ['not a language', 'de', 'de'],
    ['en;q=1', 'de', 'de'],
    [undefined, 'de', 'de'],
    ['de', 'de;q=0', 'de'],
  ])('asked for by name as %j, of a reader of %j, is %j', (asked, header, expected) => {
    expect(findLanguage(['en', 'de'], readerLanguages(asked, header))).toBe(expected);
  });
});

describe('a language', () => {
  it.each([
    ['de', 'ltr'],
    ['ar', 'rtl'],
    ['he-IL', 'rtl'],
    ['fa', 'rtl'],
    ['az-Arab', 'rtl'],
    ['xx', 'ltr'],
  ])('%s is written %s', (language, direction) => expect(directionOf(language)).toBe(direction));

  it('has a name, in any language', () => {
    expect(languageName('de')).toBe('Deutsch');
    expect(languageName('pt-BR')).toBe('português (Brasil)');
    expect(languageName('de', 'en')).toBe('German');
  });
});
