import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { BrandSettings } from '../brands/brand-settings.js';
import type { ReaderLanguages } from '../pages/languages.js';
import { type Page, PageTemplates } from '../pages/page-templates.js';
import { boxName, shownBoxes } from './preference-form.js';
import { pageKey, type PageToShow, preferencePageVariables } from './preference-page.view.js';

/** Of one brand, until its settings are read again. */
const rememberedPages = 300;

type PageFacts = Omit<PageToShow, 'text' | 'languages' | 'mark'>;

/** A page but for its ticks: what stands between them, and in each gap the name of a box, or `shown`. */
interface Skeleton {
  page: Page;
  texts: string[];
  gaps: string[];
}

/**
 * Renders the pages of preferences. By far the most differ in nothing but which boxes are ticked: the rest is rendered once for all of
 * them, and the ticks are put in.
 */
export class PreferencePages {
  private readonly pages = new PageTemplates(fileURLToPath(new URL('./pages/', import.meta.url)));
  private readonly skeletons = new WeakMap<BrandSettings, Map<string, Skeleton>>();
  /** Nobody can have written it into a name. */
  private readonly mark = randomUUID();

  /** One of the pages' languages: see PageTemplates. */
  chooseLanguage(reader: ReaderLanguages, fallback?: string): string {
    return this.pages.chooseLanguage(reader, fallback);
  }

  render(facts: PageFacts): Page {
    const { choices } = facts.grid;
    const { page, texts, gaps } = this.getSkeleton(facts);
    const ticked = new Set(choices.filter(({ optedIn }) => optedIn).map(boxName));
    const shown = shownBoxes(choices);
    let html = texts[0] ?? '';
    for (const [index, gap] of gaps.entries()) {
      if (gap === 'shown') html += shown;
      else if (ticked.has(gap)) html += ' checked';
      html += texts[index + 1];
    }
    return { ...page, html };
  }

  /** The page of every link that is none of ours. */
  renderBadLink(language: string): Page {
    return this.pages.renderPage({
      template: 'bad-link',
      language,
      status: 404,
      variables: { brand_name: '' },
    });
  }

  private getSkeleton(facts: PageFacts): Skeleton {
    const { brand } = facts.grid;
    const known = this.skeletons.get(brand) ?? new Map<string, Skeleton>();
    this.skeletons.set(brand, known);
    const key = pageKey(facts);
    const skeleton = known.get(key) ?? this.makeSkeleton(facts);
    if (known.size < rememberedPages) known.set(key, skeleton);
    return skeleton;
  }

  private makeSkeleton(facts: PageFacts): Skeleton {
    const { language, link } = facts;
    const markOf = (name: string) => this.mark + name + this.mark;
    const page = this.pages.renderPage({
      template: 'preferences',
      language,
      colour: link.brand.facts.colour,
      formAction: "'self'",
      variables: preferencePageVariables({
        ...facts,
        languages: this.pages.languages,
        text: (key) => this.pages.getText(language, key),
        mark: { box: markOf, shown: markOf('shown') },
      }),
    });
    const parts = page.html.split(this.mark);
    return {
      page,
      texts: parts.filter((_part, index) => index % 2 === 0),
      gaps: parts.filter((_part, index) => index % 2 === 1),
    };
  }
}
