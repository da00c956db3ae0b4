import { Injectable } from '@nestjs/common';
import type { ShownStatement } from '../brands/statement.js';
import { Channel } from '../consents/channels.js';
import { MarketingConsentsService } from '../consents/marketing-consents.service.js';
import { MarketingGridService, type PlayerGrid } from '../consents/marketing-grid.service.js';
import { readerLanguages, type ReaderLanguages } from '../pages/languages.js';
import type { Page } from '../pages/page-templates.js';
import { type LinkAct, readChoices } from './preference-form.js';
import { PreferencePages } from './preference-pages.js';
import { isSilenced, maskOf, type Outcome } from './preference-page.view.js';
import { type OpenedLink, UnsubscribeLinksService } from './unsubscribe-links.service.js';

const msPerDay = 86_400_000;

/** Who opened a link, and what came with the request. */
export interface LinkVisitor {
  /** The language that was asked for by name. */
  lang: string | undefined;
  acceptLanguage: string | undefined;
  /** As evidence keeps it, given whether the brand keeps whole addresses. */
  facts: (storeFullIp: boolean) => Record<string, unknown>;
}

/** The page behind a link, and what its buttons and mail programs do. Whoever holds the link may withdraw by it. */
@Injectable()
export class PreferencePageService {
  private readonly pages = new PreferencePages();

  constructor(
    private readonly links: UnsubscribeLinksService,
    private readonly grids: MarketingGridService,
    private readonly consents: MarketingConsentsService,
  ) {}

  /** The page as it stands; changes nothing. Every link that is none of ours, or has ended, has one and the same page. */
  async show(token: string, visitor: LinkVisitor): Promise<Page> {
    const link = await this.links.open(token);
    if (!link) return this.badLink(visitor);
    return this.render(link, await this.grids.read(link.brandId, link.playerId), visitor, 'shown');
  }

  /** Does what was asked for; durable when it resolves. Answers the page after it, or null for one-click, whose sender reads none. */
  async act(token: string, readAct: () => LinkAct, visitor: LinkVisitor): Promise<Page | null> {
    const link = await this.links.open(token);
    if (!link) return this.badLink(visitor);
    const act = readAct();
    if (act.act === 'one-click') {
      await this.withdraw(link, visitor, 'one-click', scopeOf(link));
      return null;
    }
    const before = await this.grids.read(link.brandId, link.playerId);
    if (act.act === 'save') return this.save(link, before, act, visitor);
    const isAll = act.act === 'withdraw-all';
    await this.withdraw(link, visitor, 'unsubscribe-page', isAll ? everything : scopeOf(link));
    const after = await this.grids.read(link.brandId, link.playerId);
    const endedChannel = maskOf(link, before.state) === 1;
    return this.render(link, after, visitor, isAll ? 'withdrawn-all' : 'withdrawn', endedChannel);
  }

  private async save(
    link: OpenedLink,
    { language, choices, state }: PlayerGrid,
    form: Extract<LinkAct, { act: 'save' }>,
    visitor: LinkVisitor,
  ): Promise<Page> {
    const wanted = readChoices(choices, form);
    const isQuiet = isSilenced(state);
    const statement = shownStatement(link, form);
    // A withdrawal is always taken.
    const taken = isQuiet || statement.text === '' ? wanted.filter(({ optedIn }) => !optedIn) : wanted;
    const after = await this.grids.record({
      brandId: link.brandId,
      playerId: link.playerId,
      choices: taken,
      statement,
      actor: 'player',
      source: 'unsubscribe-page',
      facts: factsOf(link, visitor),
    });
    const refused = isQuiet ? 'shown' : 'wording';
    const outcome = taken.length === wanted.length ? 'saved' : refused;
    return this.render(link, { ...after, language }, visitor, outcome);
  }

  private async withdraw(
    link: OpenedLink,
    visitor: LinkVisitor,
    source: string,
    changes: { channel: number; target: number }[],
  ): Promise<void> {
    const { brandId, playerId } = link;
    const evidence = JSON.stringify(factsOf(link, visitor));
    await this.consents.record({ brandId, playerId, changes, actor: 'player', source, evidence });
  }

  private render(
    link: OpenedLink,
    grid: PlayerGrid,
    visitor: LinkVisitor,
    outcome: Outcome,
    endedChannel = false,
  ): Page {
    const language = this.languageOf(link, grid.language, visitor);
    return this.pages.render({ link, grid, outcome, endedChannel, language });
  }

  /** What was asked for by name, else the player's own language, else the browser's, else the brand's. */
  private languageOf(
    { brand }: OpenedLink,
    known: string | null,
    { lang, acceptLanguage }: LinkVisitor,
  ): string {
    const browser = readerLanguages(known ?? undefined, acceptLanguage);
    const [asked] = readerLanguages(lang, undefined).wanted;
    const reader: ReaderLanguages = {
      ...browser,
      wanted: asked === undefined ? browser.wanted : [asked, ...browser.wanted],
    };
    return this.pages.chooseLanguage(reader, brand.facts.defaultLanguage);
  }

  private badLink({ lang, acceptLanguage }: LinkVisitor): Page {
    return this.pages.renderBadLink(this.pages.chooseLanguage(readerLanguages(lang, acceptLanguage)));
  }
}

/** The words that the form stood under, in the language they were shown in; without text where they are the brand's no longer. */
function shownStatement(
  { brand }: OpenedLink,
  { statement: version, language }: Extract<LinkAct, { act: 'save' }>,
): ShownStatement {
  const current = brand.statementIn(language);
  const isCurrent = current.version === version && current.language === language;
  return isCurrent ? current : { version, language, text: '' };
}

const everything = Object.values(Channel).map((channel) => ({ channel, target: 0 }));

/** The link's channel, or its product on it: below 0, a target takes products away. */
function scopeOf({ channel, productBit }: OpenedLink): { channel: number; target: number }[] {
  return [{ channel, target: productBit === 0 ? 0 : -productBit }];
}

function factsOf(link: OpenedLink, visitor: LinkVisitor): Record<string, unknown> {
  const issuedOn = new Date(link.issuedOn * msPerDay).toISOString().slice(0, 10);
  return {
    ...visitor.facts(link.brand.storeFullIp),
    link: { issued_on: issuedOn, ...(link.campaign && { campaign: link.campaign }) },
  };
}
