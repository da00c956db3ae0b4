import { hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Liquid, type Template } from 'liquidjs';
import { brandStyle } from './brand-style.js';
import { directionOf, findLanguage, readerLanguages, type ReaderLanguages } from './languages.js';
import { fill, readTexts, type Texts } from './page-texts.js';

const groundFolder = fileURLToPath(new URL('./layout/', import.meta.url));
const layoutFile = 'layout.html.liquid';
const ending = '.html.liquid';
const styleFile = 'page.css';
const lastResort = 'en';

/** A page as it is sent. */
export interface Page {
  status: number;
  headers: Readonly<Record<string, string>>;
  html: string;
}

export interface PageToRender {
  /** The template's file name up to `.html.liquid`. */
  template: string;
  /** One of `languages`. */
  language: string;
  /** Of what the page is there for; default `language`. */
  contentLanguage?: string;
  /** Default 200. */
  status?: number;
  /** For search engines; default `noindex`. */
  robots?: 'index' | 'noindex';
  /** The brand's, as #rrggbb; default none. */
  colour?: string | null;
  /** Where forms may be sent to, as in the policy's form-action; default nowhere. */
  formAction?: string;
  /** What the template names beside `text`, `language` and what the layout needs. */
  variables: Readonly<Record<string, unknown>>;
}

/**
 * The pages of a door, from the files in its folder: `<name>.html.liquid` in the common layout, texts in `<language>.json`, and what it
 * adds to the common style in `page.css`. All are read and parsed at start; a bad one stops it. Variables are escaped but for those that a template prints by `raw`.
 */
export class PageTemplates {
  private readonly engine: Liquid;
  private readonly templates = new Map<string, Template[]>();
  private readonly texts: Map<string, Texts>;
  private readonly style: string;
  private readonly styleSource: string;

  constructor(folder: string) {
    const folders = [groundFolder, folder];
    this.texts = readTexts(folders);
    const styles = folders.map((each) => `${each}/${styleFile}`).filter((file) => existsSync(file));
    this.style = styles.map((file) => readFileSync(file, 'utf8')).join('\n');
    this.styleSource = sourceOf(this.style);
    this.engine = new Liquid({
      strictVariables: true,
      strictFilters: true,
      ownPropertyOnly: true,
      outputEscape: 'escape',
      templates: { [layoutFile]: readFileSync(`${groundFolder}/${layoutFile}`, 'utf8') },
      cache: true,
    });
    this.engine.registerFilter('fill', (text: string, ...values: [string, string][]) =>
      fill(text, Object.fromEntries(values)),
    );
    for (const each of folders)
      for (const file of readdirSync(each).filter((name) => name.endsWith(ending) && name !== layoutFile))
        this.templates.set(
          file.slice(0, -ending.length),
          this.engine.parse(readFileSync(`${each}/${file}`, 'utf8'), file),
        );
  }

  /** The languages that pages are in. */
  get languages(): string[] {
    return [...this.texts.keys()];
  }

  /** A text as it stands in its file. */
  getText(language: string, key: string): string {
    const text = this.texts.get(language)?.[key];
    if (text === undefined) throw new Error(`no text ${key} in ${language}`);
    return text;
  }

  /** The language of a page for a reader: one that the reader asked for, or else `fallback`, or else English. */
  chooseLanguage(reader: ReaderLanguages, fallback?: string): string {
    const second = findLanguage(this.languages, readerLanguages(fallback, undefined)) ?? lastResort;
    return findLanguage([second, ...this.languages], reader) ?? second;
  }

  /**
   * A page and the headers it is safe with: it runs nothing, loads nothing, and is in no frame.
   *
   * @throws if there is no such template or language, or the template names what is not given
   */
  renderPage({
    template,
    language,
    contentLanguage = language,
    status = 200,
    robots = 'noindex',
    colour = null,
    formAction = "'none'",
    variables,
  }: PageToRender): Page {
    const parsed = this.templates.get(template);
    const text = this.texts.get(language);
    if (!parsed || !text) throw new Error(`no page ${template} in ${language}`);
    const brand = colour === null ? '' : brandStyle(colour);
    const scope = {
      ...variables,
      text,
      language,
      direction: directionOf(language),
      robots,
      style: this.style,
      brand_style: brand,
    };
    return {
      status,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-language': contentLanguage,
        'content-security-policy': [
          "default-src 'none'",
          `style-src ${this.styleSource}${brand && ` ${sourceOf(brand)}`}`,
          "base-uri 'none'",
          `form-action ${formAction}`,
          "frame-ancestors 'none'",
        ].join('; '),
      },
      html: String(this.engine.renderSync(parsed, scope)),
    };
  }

  /** The page that stands for everything that is not there, the same for all of it. */
  renderNotFound(reader: ReaderLanguages): Page {
    return this.renderPage({
      template: 'not-found',
      language: this.chooseLanguage(reader),
      status: 404,
      variables: { brand_name: '' },
    });
  }
}

/** How a Content-Security-Policy names a style that it allows. */
function sourceOf(style: string): string {
  return `'sha256-${hash('sha256', style, 'base64')}'`;
}
