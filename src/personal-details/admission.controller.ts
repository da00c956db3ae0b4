import { Body, Header, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SessionsService } from '../auth/sessions.service.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { callerNetwork } from '../common/ip-address.js';
import { LimitPerAddress } from '../common/rate-limit.js';
import { LoginService } from '../players/login.service.js';
import {
  ChallengeDto,
  LoggedInDto,
  LoginDto,
  OpenRequirementDto,
  ResultDto,
  toLoginAnswer,
} from './admission.dto.js';
import { Brand, GatewayController, OpenGateway, RequireSession, Session } from './gateway.decorators.js';
import { GatewayErrors, GatewayResultDto } from './gateway-answers.dto.js';
import type { GatewaySession } from './gateway.guard.js';

/** The way in, and the way out. */
@GatewayController('')
export class AdmissionController {
  constructor(
    private readonly login: LoginService,
    private readonly sessions: SessionsService,
  ) {}

  /**
   * Log in. 303 is a session, too: one that has something open, which is done with the token it gives. An unknown player, a
   * blocked one and a wrong password are answered alike; after 10 failed tries of a name, or 100 of anybody, a network has to wait.
   */
  @Post('login/:version/:brand_id/player')
  @OpenGateway()
  @LimitPerAddress()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, LoggedInDto)
  @GatewayErrors([303, 401, 403, 429], {
    303: [OpenRequirementDto],
    401: [GatewayResultDto],
    403: [ChallengeDto],
  })
  async logIn(
    @Brand() brand: BrandSettings,
    @Body() { user_name: username, email, password }: LoginDto,
    @Req() { ip }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<LoggedInDto | OpenRequirementDto | ChallengeDto> {
    const attempt = { username, email, password, network: callerNetwork(ip) };
    const outcome = await this.login.logIn(brand, attempt);
    if (!outcome)
      throw new AppError('unauthorized', undefined, [], { answer: { result: 'wrong_credentials' } });
    const { status, body } = toLoginAnswer(outcome);
    void reply.status(status);
    return body;
  }

  /** Log out: the session ends, here and everywhere. */
  @Post('logout/:version/:brand_id/player')
  @RequireSession()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, ResultDto)
  @GatewayErrors([401])
  async logOut(@Session() { brand, sessionId }: GatewaySession): Promise<ResultDto> {
    await this.sessions.close(brand.id, sessionId);
    return { result: 'successful logout' };
  }
}
