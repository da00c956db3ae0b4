import { Body, Header, HttpCode, Post, Put, Query, Req, Res } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BrandSettings } from '../brands/brand-settings.js';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { callerNetwork } from '../common/ip-address.js';
import { LimitPerAddress } from '../common/rate-limit.js';
import { AlternateVerbs } from '../common/route-config.js';
import { ActivationService } from '../players/activation.service.js';
import { ForgottenPasswordsService } from '../players/forgotten-passwords.service.js';
import { PasswordChangeService } from '../players/password-change.service.js';
import { PlayerRequirementsService } from '../players/player-requirements.service.js';
import { Brand, GatewayController, OpenGateway, RequireSession, Session } from './gateway.decorators.js';
import { FieldCodesDto, GatewayErrorDto, GatewayErrors, MessageFormatDto } from './gateway-answers.dto.js';
import type { GatewaySession } from './gateway.guard.js';
import { PasswordLinksService } from './password-links.service.js';
import {
  ActivationSentDto,
  brokenPassword,
  ForgotPasswordDto,
  NewPasswordDto,
  passwordAnswers,
  PasswordChangeDto,
  PasswordSetDto,
  refusal,
  toAddress,
} from './passwords.dto.js';

/** Passwords that were forgotten, and those that are known. */
@GatewayController('admission/:version')
export class PasswordsController {
  constructor(
    private readonly forgotten: ForgottenPasswordsService,
    private readonly links: PasswordLinksService,
    private readonly changes: PasswordChangeService,
    private readonly requirements: PlayerRequirementsService,
  ) {}

  /**
   * Ask for a mail with a link to set a new password. The answer is the same whether or not anybody has the address. Five for an
   * address and 50 from a network in an hour.
   */
  @Post('forgot/password/:brand_id')
  @OpenGateway()
  @LimitPerAddress()
  @Header('cache-control', 'no-store')
  @ApiAnswers(201, MessageFormatDto)
  @GatewayErrors([413, 429], { 400: [GatewayErrorDto, MessageFormatDto] })
  async forgetPassword(
    @Brand() brand: BrandSettings,
    @Body() body: ForgotPasswordDto,
    @Req() { ip }: FastifyRequest,
  ): Promise<MessageFormatDto> {
    await this.forgotten.send(brand, toAddress(body), callerNetwork(ip));
    return passwordAnswers.forgotten;
  }

  /**
   * Set a new password by the link that was mailed. Every session of the player ends. 202 comes with a new one; 200 where something is
   * to be done at log-in first. A link works once; a password that breaks the rules does not use it up.
   */
  @Put('verify/password/:brand_id')
  @OpenGateway()
  @LimitPerAddress()
  @HttpCode(202)
  @Header('cache-control', 'no-store')
  @ApiQuery({ name: 'hash', required: false, schema: { type: 'string' } })
  @ApiAnswers(200, MessageFormatDto)
  @ApiAnswers(202, PasswordSetDto)
  @GatewayErrors([413, 422, 429], { 400: [MessageFormatDto], 422: [FieldCodesDto] })
  async verifyPassword(
    @Brand() brand: BrandSettings,
    @Query('hash') hash: unknown,
    @Body() { new_password: password }: NewPasswordDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MessageFormatDto | PasswordSetDto> {
    const { status, body } = await this.links.set(brand, hash, password);
    void reply.status(status);
    return body;
  }

  /**
   * Change your password. Your other sessions end, and you are told by mail. 303 means that it is changed and that the terms are left to
   * be signed; there is no Location to go to.
   */
  @Put('player/:brand_id/change/password')
  @RequireSession()
  @HttpCode(202)
  @Header('cache-control', 'no-store')
  @ApiAnswers(202, MessageFormatDto)
  @GatewayErrors([303, 401, 413, 422, 429], {
    303: [MessageFormatDto],
    422: [FieldCodesDto, MessageFormatDto],
  })
  async changePassword(
    @Session() { brand, playerId, sessionId }: GatewaySession,
    @Body() { old_password: oldPassword, new_password: newPassword }: PasswordChangeDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MessageFormatDto> {
    const outcome = await this.changes.change(brand, { playerId, sessionId, oldPassword, newPassword });
    if (outcome.kind === 'wrong') throw refusal('wrong_old_password');
    if (outcome.kind === 'broken') throw brokenPassword(outcome.codes);
    const lacksTerms = await this.requirements.lacks(brand.id, playerId, 'TermsOfService');
    if (!lacksTerms) return passwordAnswers.replaced;
    void reply.status(303);
    return passwordAnswers.termsOpen;
  }
}

/** The mail by which a player shows an address to be its own. */
@GatewayController('admission/:version/resend/activation/email/:brand_id')
export class ActivationController {
  constructor(private readonly activation: ActivationService) {}

  /** Ask for the activation mail again. For an address that is verified already nothing is sent. Five in an hour, 50 from a network. */
  @Post()
  @AlternateVerbs('PUT')
  @RequireSession()
  @HttpCode(200)
  @ApiAnswers(200, ActivationSentDto)
  @GatewayErrors([401, 429])
  async resendActivation(
    @Session() { brand, playerId }: GatewaySession,
    @Req() { ip }: FastifyRequest,
  ): Promise<ActivationSentDto> {
    await this.activation.resend(brand, playerId, callerNetwork(ip));
    return { msg: 'Activation Email was sent.' };
  }
}
