import { Get, Header } from '@nestjs/common';
import { AppError } from '../common/errors.js';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { PlayerDetailsService } from '../players/player-details.service.js';
import { DetailsDto, toDetailsDto } from './details.dto.js';
import { GatewayController, RequireSession, Session } from './gateway.decorators.js';
import { GatewayErrors } from './gateway-answers.dto.js';
import type { GatewaySession } from './gateway.guard.js';

/** A player's own details. */
@GatewayController('player-personal-details/player/details/:version/:brand_id')
export class DetailsController {
  constructor(private readonly details: PlayerDetailsService) {}

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
}
