/** How much of an Accept-Language is looked at: nobody reads more languages than that. */
const maxRanges = 32;
const range = /^(\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;
const rightToLeft = new Set(['Adlm', 'Arab', 'Aran', 'Hebr', 'Mand', 'Nkoo', 'Rohg', 'Syrc', 'Thaa']);

/** What a reader can read: best first, and what not at all. `*` stands for whatever there is. */
export interface ReaderLanguages {
  wanted: string[];
  refused: string[];
}

/** Accept-Language as RFC 9110 has it: by weight, then by place. What is no language range is passed over. */
export function parseAcceptLanguage(header: string | undefined): ReaderLanguages {
  const ranges = (header ?? '')
    .split(',', maxRanges)
    .flatMap((text) => {
      const [, tag = '', weight = '1'] = range.exec(text.trim()) ?? [];
      return tag ? [{ tag: tag.toLowerCase(), weight: Number(weight) }] : [];
    })
    .sort((a, b) => b.weight - a.weight);
  return {
    wanted: ranges.filter(({ weight }) => weight > 0).map(({ tag }) => tag),
    refused: ranges.filter(({ weight }) => weight === 0).map(({ tag }) => tag),
  };
}

/** What was asked for by name comes before what the browser says of its reader. */
export function readerLanguages(
  asked: string | undefined,
  acceptLanguage: string | undefined,
): ReaderLanguages {
  const { wanted, refused } = parseAcceptLanguage(acceptLanguage);
  const byName =
    asked !== undefined && range.test(asked) && !asked.includes(';') ? [asked.toLowerCase()] : [];
  return { wanted: [...byName, ...wanted], refused };
}

/**
 * The language of those there are that the reader asked for: `pt-BR` is satisfied with `pt` (the lookup of RFC 4647), `pt` with
 * `pt-BR`. Null when the reader asked for none of them.
 */
export function findLanguage(available: readonly string[], reader: ReaderLanguages): string | null {
  const isRefused = (tag: string) => reader.refused.some((refused) => isWithin(tag, refused));
  for (const wanted of reader.wanted) {
    const open = available.filter((tag) => isWithin(tag, wanted) || !isRefused(tag));
    const found = wanted === '*' ? open[0] : lookUp(open, wanted);
    if (found !== undefined) return found;
  }
  return null;
}

function lookUp(available: readonly string[], wanted: string): string | undefined {
  const same = (text: string) => available.find((tag) => tag.toLowerCase() === text);
  const narrower = () => available.find((tag) => isWithin(tag, wanted));
  return same(wanted) ?? narrower() ?? broader(wanted).map(same).find(Boolean);
}

/** `zh-hant-x-hk` → `zh-hant`, `zh`: a single letter only begins something. */
function broader(tag: string): string[] {
  const parts = tag.split('-');
  return parts
    .map((_part, index) => parts.slice(0, -1 - index))
    .filter((shorter) => shorter.length > 0 && (shorter.at(-1) ?? '').length > 1)
    .map((shorter) => shorter.join('-'));
}

function isWithin(tag: string, range: string): boolean {
  return `${tag.toLowerCase()}-`.startsWith(`${range}-`);
}

/** Which way the language is written. */
export function directionOf(language: string): 'ltr' | 'rtl' {
  const { script } = new Intl.Locale(language).maximize();
  return script !== undefined && rightToLeft.has(script) ? 'rtl' : 'ltr';
}

const rememberedNames = 1000;
const names = new Map<string, string>();

/** A language's name, in another language or in its own: `Deutsch`, `português (Brasil)`. */
export function languageName(language: string, inLanguage = language): string {
  const key = `${language} ${inLanguage}`;
  const known = names.get(key);
  if (known !== undefined) return known;
  const name = new Intl.DisplayNames([inLanguage, 'en'], { type: 'language' }).of(language) ?? language;
  if (names.size >= rememberedNames) names.clear();
  names.set(key, name);
  return name;
}
