import { Get, Header } from '@nestjs/common';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { PlayerInfoService } from '../players/player-info.service.js';
import { PlayerRequirementsService } from '../players/player-requirements.service.js';
import { GatewayController, RequireSession, Session } from './gateway.decorators.js';
import { GatewayErrorDto, GatewayErrors, GatewayResultDto } from './gateway-answers.dto.js';
import type { GatewaySession } from './gateway.guard.js';
import { PlayerInfoDto, toPlayerInfoDto } from './player-info.dto.js';

/** Players who are online. */
@GatewayController('online-player/:version/:brand_id/player/info')
export class PlayerInfoController {
  constructor(
    private readonly players: PlayerInfoService,
    private readonly requirements: PlayerRequirementsService,
  ) {}

  /** Read who is logged in. 401 with a `result` says what the player has to do first; the session stays. */
  @Get()
  @RequireSession()
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, PlayerInfoDto)
  @GatewayErrors([401], { 401: [GatewayErrorDto, GatewayResultDto] })
  async readPlayerInfo(@Session() { brand, playerId }: GatewaySession): Promise<PlayerInfoDto> {
    const [row, [code]] = await Promise.all([
      this.players.find(brand.id, playerId),
      this.requirements.findCodes(brand, playerId),
    ]);
    if (!row) throw new AppError('unauthorized');
    if (code) throw new AppError('unauthorized', undefined, [], { answer: { result: code } });
    return toPlayerInfoDto(brand, row);
  }
}
