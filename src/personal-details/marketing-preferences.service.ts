import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { requestFacts } from '../auth/evidence.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import type { ShownStatement } from '../brands/statement.js';
import { AppError } from '../common/errors.js';
import type { GridChoice } from '../consents/marketing-grid.js';
import { MarketingGridService } from '../consents/marketing-grid.service.js';
import { findLanguage, parseAcceptLanguage } from '../pages/languages.js';
import type { GatewaySession } from './gateway.guard.js';
import {
  type MarketingPreferencesChangesDto,
  type MarketingPreferencesDto,
  toChoices,
  toMarketingPreferencesDto,
} from './marketing-preferences.dto.js';

/** The form that asks for marketing, product by product and channel by channel, on the player's own site. */
@Injectable()
export class MarketingPreferencesService {
  constructor(private readonly grid: MarketingGridService) {}

  /** The form as it stands, all off by default, with what the player agrees to. */
  async read(
    { brand, playerId }: GatewaySession,
    acceptLanguage: string | undefined,
  ): Promise<MarketingPreferencesDto> {
    const { choices, language } = await this.grid.read(brand.id, playerId);
    return toMarketingPreferencesDto(choices, statementFor(brand, acceptLanguage, language));
  }

  /**
   * Records what the player chose, with the text that was shown. invalid_input for a box that the form does not have, for an opt-in
   * of a player who is excluded or blocked, and for one to another text than the current one: withdrawals are always taken.
   */
  async change(
    { brand, playerId }: GatewaySession,
    body: MarketingPreferencesChangesDto,
    request: FastifyRequest,
  ): Promise<MarketingPreferencesDto> {
    const choices = toChoices(body);
    const before = await this.grid.read(brand.id, playerId);
    const current = statementFor(brand, request.headers['accept-language'], before.language);
    const shown = shownStatement(brand, body, current);
    if (!shown && turnsOn(choices, before.choices)) throw new AppError('invalid_input');
    const after = await this.grid.record({
      brandId: brand.id,
      playerId,
      choices,
      statement: shown ?? { version: body.textVersion ?? '', language: current.language, text: '' },
      actor: 'player',
      source: 'gateway',
      facts: requestFacts(request, brand.storeFullIp),
    });
    return toMarketingPreferencesDto(after.choices, current);
  }
}

/** What is shown: in a language that the browser names, or else in the player's, or else in the brand's. */
function statementFor(
  brand: BrandSettings,
  acceptLanguage: string | undefined,
  playerLanguage: string | null,
): ShownStatement {
  const own = brand.statementIn(playerLanguage ?? brand.facts.defaultLanguage);
  // It comes first, for it is what a reader gets to whom any will do.
  const languages = [own.language, ...Object.keys(brand.facts.statement.texts)];
  const found = findLanguage(languages, parseAcceptLanguage(acceptLanguage));
  return found === null ? own : brand.statementIn(found);
}

/** What the body says was shown; null where that is not the current text. */
function shownStatement(
  brand: BrandSettings,
  { text, textVersion }: MarketingPreferencesChangesDto,
  current: ShownStatement,
): ShownStatement | null {
  if (textVersion !== current.version) return null;
  if (text === undefined || text === current.text) return current;
  const all = Object.keys(brand.facts.statement.texts).map((language) => brand.statementIn(language));
  return all.find((statement) => statement.text === text) ?? null;
}

function turnsOn(choices: readonly GridChoice[], before: readonly GridChoice[]): boolean {
  return choices.some(
    ({ channel, product, optedIn }) =>
      optedIn && !before.some((box) => box.channel === channel && box.product === product && box.optedIn),
  );
}
