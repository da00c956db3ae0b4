import { Get, Header, Param, Req, Res } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BrandSettings } from '../brands/brand-settings.js';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { Config } from '../config/config.js';
import { OnlineStatusService } from '../players/online-status.service.js';
import {
  Brand,
  GatewayController,
  OpenByPath,
  OptionalSession,
  RequireSession,
  Session,
} from './gateway.decorators.js';
import { GatewayErrorDto, GatewayErrors, GatewayResultDto } from './gateway-answers.dto.js';
import type { GatewaySession } from './gateway.guard.js';
import {
  InGameRealityCheckDto,
  InGameStatusDto,
  OnlineStatusDto,
  RealityCheckDto,
  toInGameRealityCheckDto,
  toInGameStatusDto,
  toOnlineStatusDto,
  toRealityCheckDto,
} from './online-status.dto.js';

/** Players who are online, and how long they have been. */
@GatewayController('online-player/:version/player/:brand_id/online')
export class OnlineStatusController {
  constructor(
    private readonly online: OnlineStatusService,
    private readonly config: Config,
  ) {}

  /**
   * Read your figures. 401 with a `result` says what you have to do first; 303, once in each period of your choice, how long you have
   * played and with what result: the next call answers as ever.
   */
  @Get('status')
  @RequireSession()
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, OnlineStatusDto)
  @GatewayErrors([303, 401], { 303: [RealityCheckDto], 401: [GatewayErrorDto, GatewayResultDto] })
  async readOnlineStatus(
    @Session() { brand, playerId, sessionId }: GatewaySession,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OnlineStatusDto | RealityCheckDto> {
    const online = await this.online.read(brand, playerId, sessionId, showsAnswer(request));
    if (!online.isCheckDue) return toOnlineStatusDto(brand, online, this.config.PATH_PREFIX);
    void reply.status(303);
    return toRealityCheckDto(brand, online);
  }

  /** Read the figures of whoever plays a game. Its id is enough; a session that comes with it must be of that player. */
  @Get('ingame/status/:game_session_id')
  @OpenByPath()
  @Header('cache-control', 'no-store')
  @ApiParam({ name: 'game_session_id', schema: { type: 'string' } })
  @ApiAnswers(200, InGameStatusDto)
  @GatewayErrors([303, 401], { 303: [InGameRealityCheckDto], 401: [GatewayErrorDto, GatewayResultDto] })
  async readInGameStatus(
    @Brand() brand: BrandSettings,
    @OptionalSession() session: GatewaySession | null,
    @Param('game_session_id') gameSessionId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<InGameStatusDto | InGameRealityCheckDto> {
    const caller = session?.playerId ?? null;
    const online = await this.online.readInGame(brand, gameSessionId, caller, showsAnswer(request));
    if (!online.isCheckDue) return toInGameStatusDto(brand, online);
    void reply.status(303);
    return toInGameRealityCheckDto(brand, online);
  }
}

/** HEAD has no body: nobody has been told anything by it. */
function showsAnswer({ method }: FastifyRequest): boolean {
  return method !== 'HEAD';
}
