import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { Liquid, type LiquidOptions, type Template } from 'liquidjs';
import { Config } from '../../config/config.js';

const lastResort = 'en';
const layoutFile = 'layout.html.liquid';
const templateFile =
  /^(?<name>[a-z][a-z0-9-]*)\.(?<language>[a-z]{2,3}(?:-[a-z0-9]+)*)\.(?<kind>text|html)\.liquid$/;
/** What the first line of a text template must be; an empty line follows. */
const subjectLine = /^Subject: (?<subject>[^\n]+)\n\n(?<body>[^]+)$/;
const strict: LiquidOptions = { strictVariables: true, strictFilters: true, ownPropertyOnly: true };

/** Overrides the folder that templates are read from. */
export const mailTemplateFolder = Symbol('mailTemplateFolder');

/** A mail as its recipient will read it. */
export interface RenderedMail {
  /** One line without control characters. */
  subject: string;
  text: string;
  html: string;
}

export interface MailToRender {
  /** The name before the language in the template's file names. */
  template: string;
  /** The recipient's language (BCP 47); anything else is as if there were none. */
  language?: string;
  /** The brand's language, for recipients whose language has no template. */
  defaultLanguage: string;
  brandName: string;
  /** What the template names beside brand_name and public_url, which these cannot replace. */
  variables?: Readonly<Record<string, string>>;
}

interface ParsedMail {
  subject: Template[];
  text: Template[];
  html: Template[];
}

/**
 * Renders mails from the files in templates/: `<name>.<language>.text.liquid`, which starts with the subject, and
 * `<name>.<language>.html.liquid` in the common layout. All are read and parsed at start; a bad one stops it.
 */
@Injectable()
export class MailTemplates {
  private readonly textEngine = new Liquid(strict);
  private readonly htmlEngine: Liquid;
  private readonly mails = new Map<string, Map<string, ParsedMail>>();
  private readonly publicUrl: string;

  constructor(
    config: Config,
    @Optional()
    @Inject(mailTemplateFolder)
    folder: string = fileURLToPath(new URL('./templates/', import.meta.url)),
  ) {
    this.publicUrl = config.publicUrl;
    const sources = readSources(folder);
    const layout = sources.get(layoutFile);
    if (layout === undefined) throw new Error(`no ${layoutFile} in ${folder}`);
    this.htmlEngine = new Liquid({
      ...strict,
      outputEscape: 'escape',
      templates: { [layoutFile]: layout },
      cache: true,
    });
    this.htmlEngine.parse(layout, layoutFile);
    sources.delete(layoutFile);
    for (const file of sources.keys()) this.add(file, sources);
    for (const [name, languages] of this.mails)
      if (!languages.has(lastResort)) throw new Error(`mail template ${name} is missing in ${lastResort}`);
  }

  /**
   * The mail in the recipient's language, or else the brand's, or else English.
   *
   * @throws if there is no such template, or it names a variable that is not given
   */
  render({ template, language, defaultLanguage, brandName, variables }: MailToRender): RenderedMail {
    const languages = this.mails.get(template);
    const spelling = [language, defaultLanguage, lastResort]
      .flatMap(spellings)
      .find((candidate) => languages?.has(candidate));
    const mail = languages?.get(spelling ?? lastResort);
    if (!spelling || !mail) throw new Error(`no mail template ${template}`);
    const given = Object.entries(variables ?? {}).map(([name, value]) => [name, oneLine(value)] as const);
    const scope = {
      ...Object.fromEntries(given),
      brand_name: oneLine(brandName),
      public_url: this.publicUrl,
      language: spelling,
    };
    const subject = oneLine(this.print(this.textEngine, mail.subject, scope));
    return {
      subject,
      text: this.print(this.textEngine, mail.text, scope),
      html: this.print(this.htmlEngine, mail.html, { ...scope, subject }),
    };
  }

  private print(engine: Liquid, template: Template[], scope: object): string {
    return String(engine.renderSync(template, scope));
  }

  private add(file: string, sources: Map<string, string>): void {
    const { name, language } = templateFile.exec(file)?.groups ?? {};
    if (!name || !language) throw new Error(`${file} is not named like a mail template`);
    const languages = this.mails.get(name) ?? new Map<string, ParsedMail>();
    this.mails.set(name, languages);
    if (languages.has(language)) return;
    const files = { text: `${name}.${language}.text.liquid`, html: `${name}.${language}.html.liquid` };
    const text = sources.get(files.text);
    const html = sources.get(files.html);
    if (text === undefined || html === undefined)
      throw new Error(`mail template ${name}.${language} needs a text and an html file`);
    const { subject, body } = subjectLine.exec(text)?.groups ?? {};
    if (!subject || !body) throw new Error(`${files.text} must start with "Subject: …" and an empty line`);
    languages.set(language, {
      subject: this.textEngine.parse(subject, files.text),
      text: this.textEngine.parse(body, files.text),
      html: this.htmlEngine.parse(html, files.html),
    });
  }
}

/** The text with every run of line breaks and other control characters made one space. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

function readSources(folder: string): Map<string, string> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.liquid'));
  return new Map(files.map((file) => [file, readFileSync(`${folder}/${file}`, 'utf8')]));
}

/** `de-AT` → `de-at`, `de`. */
function spellings(language: string | undefined): string[] {
  const spelling = (language ?? '').toLowerCase().replaceAll('_', '-');
  return [spelling, spelling.split('-', 1)[0] ?? ''];
}
