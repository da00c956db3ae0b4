import { Get, HttpCode, Post, Query, Req, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BrandSettings } from '../brands/brand-settings.js';
import { LimitPerAddress } from '../common/rate-limit.js';
import { sendPrivatePage } from '../pages/send-page.js';
import { type EmailLinkAct, EmailVerificationService } from '../players/email-verification.service.js';
import { Brand, GatewayController, OpenGateway } from './gateway.decorators.js';
import { LinkPageFilter, wantsPage } from './link-page.filter.js';
import { SettlesLink, ShowsLink, TakesLink } from './link-pages.dto.js';
import { LinkPages, toReader } from './link-pages.js';
import { refusal } from './passwords.dto.js';

const outcomes = { verify: 'verified', cancel: 'cancelled' } as const;
/** For programs: it is one message, whichever of the two the link was for. */
const settled = 'email_verified';

/** What mailed links about e-mail addresses lead to. Opening one changes nothing, since mail scanners do; its button does. */
@GatewayController('admission/:version')
@UseFilters(LinkPageFilter)
export class EmailLinksController {
  constructor(
    private readonly emails: EmailVerificationService,
    private readonly pages: LinkPages,
  ) {}

  /** Show what the link that confirms an e-mail address will do. Changes nothing. */
  @Get('verify/email/:brand_id')
  @OpenGateway()
  @LimitPerAddress()
  @TakesLink()
  @ShowsLink()
  showVerification(
    @Brand() brand: BrandSettings,
    @Query('hash') hash: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.show(brand, 'verify', hash, { request, reply });
  }

  /** Confirm an e-mail address by the link that was mailed to it: that of a registration, or of a change. */
  @Post('verify/email/:brand_id')
  @OpenGateway()
  @LimitPerAddress()
  @HttpCode(200)
  @TakesLink()
  @SettlesLink()
  verifyEmail(
    @Brand() brand: BrandSettings,
    @Query('hash') hash: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.act(brand, 'verify', hash, { request, reply });
  }

  /** Show what the link that cancels a change of an e-mail address will do. Changes nothing. */
  @Get('cancel/email/:brand_id')
  @OpenGateway()
  @LimitPerAddress()
  @TakesLink()
  @ShowsLink()
  showCancellation(
    @Brand() brand: BrandSettings,
    @Query('hash') hash: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.show(brand, 'cancel', hash, { request, reply });
  }

  /** Cancel a change of an e-mail address, by the link that was mailed to the one that was to be replaced. */
  @Post('cancel/email/:brand_id')
  @OpenGateway()
  @LimitPerAddress()
  @HttpCode(200)
  @TakesLink()
  @SettlesLink()
  cancelEmail(
    @Brand() brand: BrandSettings,
    @Query('hash') hash: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.act(brand, 'cancel', hash, { request, reply });
  }

  private async show(
    brand: BrandSettings,
    act: EmailLinkAct,
    hash: unknown,
    { request, reply }: Exchange,
  ): Promise<void> {
    const link = await this.emails.find(brand, act, hash);
    if (!link) throw refusal('general_failure');
    const reader = toReader(brand, link.language, request.headers['accept-language']);
    sendPrivatePage(reply, this.pages.renderConfirmation(link, reader));
  }

  private async act(
    brand: BrandSettings,
    act: EmailLinkAct,
    hash: unknown,
    { request, reply }: Exchange,
  ): Promise<void> {
    const link = await this.emails.act(brand, act, hash);
    if (!link) throw refusal('general_failure');
    const reader = toReader(brand, link.language, request.headers['accept-language']);
    if (wantsPage(request)) sendPrivatePage(reply, this.pages.renderDone(outcomes[act], reader));
    else void reply.header('cache-control', 'no-store').send({ message_format: settled });
  }
}

interface Exchange {
  request: FastifyRequest;
  reply: FastifyReply;
}
