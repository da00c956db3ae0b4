import { Body, Header, HttpCode, Post, Put, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { callerNetwork } from '../common/ip-address.js';
import { MobileVerificationService } from '../players/mobile-verification.service.js';
import { CodeTokenOf, GatewayController, RequireCodeToken } from './gateway.decorators.js';
import { GatewayErrors } from './gateway-answers.dto.js';
import type { GatewayCodeToken } from './gateway.guard.js';
import {
  FailedCodeDto,
  SendCodeDto,
  SentCodeDto,
  toFailedCodeDto,
  toSentCodeDto,
  toValidCodeDto,
  ValidateCodeDto,
  ValidCodeDto,
} from './mobile-codes.dto.js';

/** Codes from players' phones: for log-ins that need one, and for new numbers. */
@GatewayController('player-data')
export class MobileCodesController {
  constructor(private readonly verification: MobileVerificationService) {}

  /**
   * Send a code. `2fa-auth-token` is what a log-in answered, or a change of the phone number, which wants the session, too; the
   * number must be the token's. Another code can be asked for after a minute, five for a player or a number and 50 from a network in an hour.
   */
  @Post(':version/send/code/:brand_id')
  @RequireCodeToken()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, SentCodeDto)
  @GatewayErrors([401, 422, 429], { 422: [FailedCodeDto] })
  async sendCode(
    @CodeTokenOf() held: GatewayCodeToken,
    @Body() { mobile_number: mobileNumber }: SendCodeDto,
    @Req() { ip }: FastifyRequest,
  ): Promise<SentCodeDto> {
    const sent = await this.verification.send(held.brand, held, mobileNumber, callerNetwork(ip));
    if (sent.kind === 'sent') return toSentCodeDto(held.token);
    throw sent.kind === 'wait'
      ? failed('Wait before you ask for another code', sent.seconds)
      : failed('Invalid mobile number');
  }

  /**
   * Show the code. The right one saves its number, or opens a session for the log-in (`token`); it works once, for ten minutes, and
   * five wrong ones end it.
   */
  @Put(':version/validate/code/:brand_id')
  @RequireCodeToken()
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, ValidCodeDto)
  @GatewayErrors([401, 422, 429], { 422: [FailedCodeDto] })
  async validateCode(
    @CodeTokenOf() held: GatewayCodeToken,
    @Body() { sms_code: code }: ValidateCodeDto,
    @Req() { ip }: FastifyRequest,
  ): Promise<ValidCodeDto> {
    const shown = await this.verification.validate(held.brand, held, code, callerNetwork(ip));
    if (shown.kind !== 'right') throw failed(shown.kind === 'wrong' ? 'Invalid' : 'Expired');
    const session = shown.sessionToken ?? held.sessionToken ?? '';
    return toValidCodeDto(held, session, shown.mobileNumber, shown.codes);
  }
}

function failed(description: string, remainingTime?: number): AppError {
  return new AppError('unprocessable', undefined, [], {
    answer: toFailedCodeDto(description, remainingTime),
  });
}
