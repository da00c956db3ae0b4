import { Body, Get, Header, Headers, Put, Req } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { GatewayController, RequireSession, Session } from './gateway.decorators.js';
import { GatewayErrors } from './gateway-answers.dto.js';
import type { GatewaySession } from './gateway.guard.js';
import { MarketingPreferencesChangesDto, MarketingPreferencesDto } from './marketing-preferences.dto.js';
import { MarketingPreferencesService } from './marketing-preferences.service.js';

/** What a player wants to be sent. */
@GatewayController('player-personal-details/:version/marketing-preferences/:brand_id')
export class MarketingPreferencesController {
  constructor(private readonly preferences: MarketingPreferencesService) {}

  /** Read your marketing preferences: every product on every channel, all off by default, and the text to show with them. */
  @Get()
  @RequireSession()
  @Header('cache-control', 'no-store')
  @ApiHeader({ name: 'Accept-Language', required: false, schema: { type: 'string' } })
  @ApiAnswers(200, MarketingPreferencesDto)
  @GatewayErrors([401])
  readMarketingPreferences(
    @Session() session: GatewaySession,
    @Headers('accept-language') acceptLanguage: string | undefined,
  ): Promise<MarketingPreferencesDto> {
    return this.preferences.read(session, acceptLanguage);
  }

  /**
   * Change your marketing preferences. Send the boxes as the player left them, with the version of the text that was shown, which
   * is kept as evidence; an opt-in under another version is refused: show the form anew. After it log-in asks no more.
   */
  @Put()
  @RequireSession()
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, MarketingPreferencesDto)
  @GatewayErrors([401, 413])
  changeMarketingPreferences(
    @Session() session: GatewaySession,
    @Body() body: MarketingPreferencesChangesDto,
    @Req() request: FastifyRequest,
  ): Promise<MarketingPreferencesDto> {
    return this.preferences.change(session, body, request);
  }
}
