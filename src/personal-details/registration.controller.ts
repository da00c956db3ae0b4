import { Body, Header, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { requestEvidence } from '../auth/evidence.js';
import { FingerprintService } from '../auth/fingerprint.service.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { LimitPerAddress } from '../common/rate-limit.js';
import type { FieldCode } from '../players/registration-rules.js';
import { RegistrationDetailsService } from '../players/registration-details.service.js';
import { RegistrationService } from '../players/registration.service.js';
import { Brand, GatewayController, OpenGateway } from './gateway.decorators.js';
import { FieldCodesDto, GatewayErrorDto, GatewayErrors } from './gateway-answers.dto.js';
import { printPlayerId } from './player-number.js';
import {
  formField,
  RegisteredDto,
  RegistrationDetailsDto,
  RegistrationDto,
  RegistrationResultDto,
  toNewPlayer,
  toRegistrationDetails,
  toRegistrationResult,
} from './registration.dto.js';

/** New players. */
@GatewayController('')
export class RegistrationController {
  constructor(
    private readonly registration: RegistrationService,
    private readonly details: RegistrationDetailsService,
    private readonly fingerprints: FingerprintService,
  ) {}

  /** Register: the first step. The player gets its first session; until the second step is done, registration is incomplete. */
  @Post('reg-step-one/:version/:brand_id')
  @OpenGateway()
  @LimitPerAddress()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, RegisteredDto)
  @GatewayErrors([422, 429], { 422: [FieldCodesDto] })
  async register(
    @Brand() brand: BrandSettings,
    @Body() body: RegistrationDto,
    @Req() request: FastifyRequest,
  ): Promise<RegisteredDto> {
    const fingerprint = this.fingerprints.read(request, brand.storeFullIp);
    const registered = await this.registration.register(brand, toNewPlayer(body), fingerprint);
    if ('broken' in registered) throw unprocessable(registered.broken);
    const { token, playerId } = registered;
    return { auth_token: token, result: 'OK', player_id: printPlayerId(playerId) };
  }

  /** Complete a registration: the second step. Its session goes in the body, under `auth_token`. */
  @Post('reg-step-two/:version/:brand_id')
  @OpenGateway()
  @LimitPerAddress()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, RegistrationResultDto)
  @GatewayErrors([401, 422, 429], {
    400: [GatewayErrorDto, RegistrationResultDto],
    401: [RegistrationResultDto],
    422: [FieldCodesDto],
  })
  async completeRegistration(
    @Brand() brand: BrandSettings,
    @Body() body: RegistrationDetailsDto,
    @Req() request: FastifyRequest,
  ): Promise<RegistrationResultDto> {
    const playerId = await this.details.findPlayer(brand, body.auth_token);
    if (playerId === null) {
      throw new AppError('unauthorized', undefined, [], { answer: toRegistrationResult('malformed_token') });
    }
    const details = toRegistrationDetails(body);
    if (!details) {
      throw new AppError('invalid_input', undefined, [], {
        answer: toRegistrationResult('malformed_request'),
      });
    }
    const evidence = requestEvidence(request, brand.storeFullIp);
    const broken = await this.details.complete(brand, playerId, details, evidence);
    if (broken.length > 0) {
      throw unprocessable(
        broken.map(({ field, errorCode }) => ({ field: formField(field, body), errorCode })),
      );
    }
    return toRegistrationResult('OK');
  }
}

function unprocessable(result: FieldCode[]): AppError {
  return new AppError('unprocessable', undefined, [], { answer: { result } });
}
