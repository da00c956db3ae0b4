import { Get, Header, Param } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { WageringService } from '../players/wagering.service.js';
import { GatewayController, RequireSession, Session } from './gateway.decorators.js';
import { GatewayErrors } from './gateway-answers.dto.js';
import type { GatewaySession } from './gateway.guard.js';
import { RunningWageringDto, toWageringDto, WageringDto } from './wagering.dto.js';

/** Bonuses that players have played through. */
@GatewayController('bonus/:version/wagering-complete/:brand_id/:player_id/:unique_ref_id')
export class WageringController {
  constructor(private readonly wagering: WageringService) {}

  /**
   * Read of a bonus whose wagering you have completed: the path that the online status tells. 412 while there is something left to
   * wager, 404 where there is not.
   */
  @Get()
  @RequireSession()
  @Header('cache-control', 'no-store')
  @ApiParam({ name: 'player_id', schema: { type: 'string' } })
  @ApiParam({ name: 'unique_ref_id', schema: { type: 'string' } })
  @ApiAnswers(200, WageringDto)
  @GatewayErrors([401, 404, 412], { 412: [RunningWageringDto] })
  async readWagering(
    @Session() { brand, playerId }: GatewaySession,
    @Param('player_id') askedFor: string,
    @Param('unique_ref_id') reference: string,
  ): Promise<WageringDto> {
    if (askedFor !== playerId) throw new AppError('unauthorized');
    const completed = await this.wagering.find(brand.id, playerId, reference);
    if (completed) return toWageringDto(brand, completed);
    const answer: RunningWageringDto = { status: 'In progress', data: [] };
    throw new AppError('precondition_failed', undefined, [], { answer });
  }
}
