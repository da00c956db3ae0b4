import { readdirSync, readFileSync } from 'node:fs';

const textsFile = /^(?<language>[a-z]{2,3}(?:-[A-Za-z0-9]+)*)\.json$/;
const placeholder = /\{([a-z_]+)\}/g;

export type Texts = Readonly<Record<string, string>>;

/**
 * The texts of pages, from `<language>.json` of each folder, by language. The languages are those of the first folder; every
 * other must have the same, with the same keys and placeholders in each.
 */
export function readTexts(folders: readonly string[]): Map<string, Texts> {
  const all = new Map<string, Record<string, string>>();
  for (const [index, folder] of folders.entries()) {
    const texts = readFolder(folder);
    requireSame(folder, texts);
    if (index > 0 && [...texts.keys()].sort().join() !== [...all.keys()].sort().join())
      throw new Error(`${folder} must have the languages ${[...all.keys()].join(', ')}`);
    for (const [language, own] of texts) all.set(language, { ...all.get(language), ...own });
  }
  return all;
}

/** The text with each `{name}` replaced by its value; throws when a name has no value. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(placeholder, (_whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw new Error(`no value for {${name}}`);
    return value;
  });
}

function readFolder(folder: string): Map<string, Texts> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return new Map(
    files.map((file) => {
      const { language } = textsFile.exec(file)?.groups ?? {};
      if (!language) throw new Error(`${file} is not named like a language`);
      return [language, JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as Texts];
    }),
  );
}

function requireSame(folder: string, texts: Map<string, Texts>): void {
  const [first, ...others] = [...texts].map(([language, own]) => ({ language, shape: shapeOf(own) }));
  for (const { language, shape } of others)
    for (const line of new Set([...shape, ...(first?.shape ?? [])]))
      if (!shape.has(line) || !first?.shape.has(line))
        throw new Error(`${folder}: ${first?.language} and ${language} differ in ${line}`);
}

/** `greeting {name}` for each text. */
function shapeOf(texts: Texts): Set<string> {
  return new Set(
    Object.entries(texts).map(([key, text]) => {
      if (typeof text !== 'string' || text.trim() === '') throw new Error(`${key} is no text`);
      const names = [...text.matchAll(placeholder)].map(([whole]) => whole);
      return [key, ...new Set(names.sort())].join(' ');
    }),
  );
}
