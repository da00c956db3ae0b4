import { fileURLToPath } from 'node:url';
import { Injectable } from '@nestjs/common';
import type { BrandSettings } from '../brands/brand-settings.js';
import { readerLanguages, type ReaderLanguages } from '../pages/languages.js';
import { type Page, PageTemplates } from '../pages/page-templates.js';
import { fill } from '../pages/page-texts.js';
import type { PasswordCode } from '../players/password-rules.js';
import type { OpenLink } from '../players/player-links.service.js';

/** Who reads a page, of which brand; null where the link names none. */
export interface LinkReader {
  brand: BrandSettings | null;
  languages: ReaderLanguages;
}

/** What may be wrong with what a form says. */
export type PasswordFault = PasswordCode | 'password_different';

/** What a link can have done. */
export type LinkDone = 'verified' | 'cancelled' | 'password';

/** The player's own language, where it is known, comes before the browser's. */
export function toReader(
  brand: BrandSettings | null,
  language: string | null,
  acceptLanguage: string | undefined,
): LinkReader {
  return { brand, languages: readerLanguages(language ?? undefined, acceptLanguage) };
}

/** The pages that mailed links lead to. */
@Injectable()
export class LinkPages {
  private readonly pages = new PageTemplates(fileURLToPath(new URL('./pages/', import.meta.url)));

  /** What a link will do, and the button that does it. */
  renderConfirmation({ purpose, address }: OpenLink, reader: LinkReader): Page {
    return this.render('confirmation', reader, (text) => ({
      heading: text(`heading_${purpose}`),
      explanation: text(`explanation_${purpose}`, { address }),
      button: text(`button_${purpose}`),
    }));
  }

  /** What a link has done. */
  renderDone(done: LinkDone, reader: LinkReader): Page {
    return this.render('done', reader, (text) => ({
      heading: text(`heading_${done}`),
      explanation: text(`explanation_${done}`),
    }));
  }

  /** The form for a new password, again with what is wrong with the one that was sent. */
  renderPasswordForm(reader: LinkReader, faults: readonly PasswordFault[] = []): Page {
    const max = String(reader.brand?.facts.passwordMaxLength ?? '');
    const page = this.render('password-form', reader, (text) => ({
      rules: text('rules_password', { max }),
      faults: faults.map((fault) => text(`fault_${fault}`, { max })),
    }));
    return faults.length > 0 ? { ...page, status: 422 } : page;
  }

  /** The page of every link that is used, old, or none. */
  renderBadLink(reader: LinkReader): Page {
    return { ...this.render('bad-link', reader, () => ({})), status: 400 };
  }

  private render(
    template: string,
    { brand, languages }: LinkReader,
    variablesOf: (text: (key: string, values?: Record<string, string>) => string) => Record<string, unknown>,
  ): Page {
    const language = this.pages.chooseLanguage(languages, brand?.facts.defaultLanguage);
    const name = brand?.facts.name ?? '';
    const text = (key: string, values: Record<string, string> = {}) =>
      fill(this.pages.getText(language, key), { brand: name, ...values });
    return this.pages.renderPage({
      template,
      language,
      colour: brand?.facts.colour ?? null,
      formAction: "'self'",
      variables: { brand_name: name, ...variablesOf(text) },
    });
  }
}
