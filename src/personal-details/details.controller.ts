import { Body, Get, Header, HttpCode, Put, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { requestEvidence } from '../auth/evidence.js';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { callerNetwork } from '../common/ip-address.js';
import { AlternateVerbs } from '../common/route-config.js';
import { DetailsChangesService } from '../players/details-changes.service.js';
import { PlayerDetailsService } from '../players/player-details.service.js';
import {
  DetailsChangeDto,
  NumberToVerifyDto,
  toDetailsInput,
  toNumberToVerifyDto,
  toOptOuts,
} from './details-change.dto.js';
import { DetailsDto, toDetailsDto } from './details.dto.js';
import { GatewayController, RequireSession, Session } from './gateway.decorators.js';
import { GatewayErrors } from './gateway-answers.dto.js';
import type { GatewaySession } from './gateway.guard.js';

/** A player's own details. */
@GatewayController('player-personal-details/player/details/:version/:brand_id')
export class DetailsController {
  constructor(
    private readonly details: PlayerDetailsService,
    private readonly changes: DetailsChangesService,
  ) {}

  /** Read your details. */
  @Get()
  @RequireSession()
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, DetailsDto)
  @GatewayErrors([401])
  async readDetails(@Session() { brand, playerId }: GatewaySession): Promise<DetailsDto> {
    const row = await this.details.find(brand.id, playerId);
    if (!row) throw new AppError('unauthorized');
    return toDetailsDto(brand, row);
  }

  /**
   * Change your details. What is left out stays; all of it is changed, or nothing. Opt-outs are consents: the CRM hears of
   * them. 403 where a new phone number must be verified first: a code goes to it, and nothing is changed.
   */
  @Put()
  @AlternateVerbs('POST', 'PATCH')
  @HttpCode(204)
  @RequireSession()
  @ApiAnswers(204)
  @GatewayErrors([401, 403, 404, 413, 429], { 403: [NumberToVerifyDto] })
  async changeDetails(
    @Session() { brand, playerId }: GatewaySession,
    @Body() body: DetailsChangeDto,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    const { comment, operator } = body;
    const toVerify = await this.changes
      .change(
        brand.id,
        {
          playerId,
          details: toDetailsInput(body),
          optOuts: toOptOuts(body),
          by: { actor: 'player', ...(comment && { comment }), ...(operator && { operator }) },
          source: 'gateway',
          evidence: requestEvidence(request, brand.facts.storeFullIp),
        },
        callerNetwork(request.ip),
      )
      .catch(explain);
    if (toVerify) throw new AppError('forbidden', undefined, [], { answer: toNumberToVerifyDto(toVerify) });
  }
}

function explain(error: unknown): never {
  if (!(error instanceof AppError) || error.code !== 'not_found') throw error;
  throw new AppError('not_found', undefined, [], {
    answer: { errMsg: 'Player Personal Details not found' },
  });
}
