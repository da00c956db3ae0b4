import { Body, HttpCode, Post } from '@nestjs/common';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { EmailChangeService } from '../players/email-change.service.js';
import { EmailChangeDto, toEmailChange } from './email-change.dto.js';
import { GatewayController, RequireSession, Session } from './gateway.decorators.js';
import { FieldCodesDto, GatewayErrors } from './gateway-answers.dto.js';
import type { GatewaySession } from './gateway.guard.js';

/** A player's own e-mail address. */
@GatewayController('player-personal-details/player/details/emailUpdate/:version/:brand_id')
export class EmailChangeController {
  constructor(private readonly changes: EmailChangeService) {}

  /**
   * Ask for another e-mail address. It counts once it is confirmed by the link that goes to it; the old one gets a link that cancels
   * the change. Another change voids both.
   */
  @Post()
  @RequireSession()
  @HttpCode(204)
  @ApiAnswers(204)
  @GatewayErrors([401, 404, 413, 422, 429], { 422: [FieldCodesDto] })
  async changeEmail(
    @Session() { brand, playerId }: GatewaySession,
    @Body() body: EmailChangeDto,
  ): Promise<void> {
    const broken = await this.changes.begin(brand, playerId, toEmailChange(body)).catch(explain);
    if (broken.length === 0) return;
    const result = broken.map((errorCode) => ({ field: 'email', errorCode }));
    throw new AppError('unprocessable', undefined, [], { answer: { result } });
  }
}

function explain(error: unknown): never {
  if (!(error instanceof AppError) || error.code !== 'not_found') throw error;
  throw new AppError('not_found', undefined, [], { answer: { errMsg: 'Player Personal Email not found' } });
}
