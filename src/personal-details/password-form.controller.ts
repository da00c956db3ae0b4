import { Body, Get, HttpCode, Post, Query, Req, Res, UseFilters } from '@nestjs/common';
import { ApiBody, ApiConsumes } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BrandSettings } from '../brands/brand-settings.js';
import { LimitPerAddress } from '../common/rate-limit.js';
import type { Page } from '../pages/page-templates.js';
import { sendPrivatePage } from '../pages/send-page.js';
import { PasswordResetService } from '../players/password-reset.service.js';
import { Brand, GatewayController, OpenGateway } from './gateway.decorators.js';
import { LinkPageFilter, wantsPage } from './link-page.filter.js';
import { SetsPassword, ShowsLink, TakesLink } from './link-pages.dto.js';
import { LinkPages, toReader } from './link-pages.js';
import { PasswordLinksService } from './password-links.service.js';
import { NewPasswordDto, type PasswordForm, readPasswordForm, refusal } from './passwords.dto.js';

/** The form that the link of a reset mail leads to. Opening it changes nothing. */
@GatewayController('admission/:version/verify/password/:brand_id')
@UseFilters(LinkPageFilter)
export class PasswordFormController {
  constructor(
    private readonly resets: PasswordResetService,
    private readonly links: PasswordLinksService,
    private readonly pages: LinkPages,
  ) {}

  /** Show the form for a new password. Changes nothing. */
  @Get()
  @OpenGateway()
  @LimitPerAddress()
  @TakesLink()
  @ShowsLink()
  async showPasswordForm(
    @Brand() brand: BrandSettings,
    @Query('hash') hash: unknown,
    @Req() { headers }: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const link = await this.resets.find(brand, hash);
    if (!link) throw refusal('general_failure');
    const reader = toReader(brand, link.language, headers['accept-language']);
    sendPrivatePage(reply, this.pages.renderPasswordForm(reader));
  }

  /** Set a new password by the form, which is answered by a page and opens no session; JSON is answered as PUT answers it. */
  @Post()
  @OpenGateway()
  @LimitPerAddress()
  @HttpCode(202)
  @TakesLink()
  @ApiConsumes('application/json', 'application/x-www-form-urlencoded')
  @ApiBody({ type: NewPasswordDto })
  @SetsPassword()
  async setPassword(
    @Brand() brand: BrandSettings,
    @Query('hash') hash: unknown,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const form = readPasswordForm(body);
    if (wantsPage(request)) {
      sendPrivatePage(reply, await this.setByForm(brand, hash, form, request));
      return;
    }
    const answer = await this.links.set(brand, hash, form.password);
    void reply.status(answer.status).header('cache-control', 'no-store').send(answer.body);
  }

  private async setByForm(
    brand: BrandSettings,
    hash: unknown,
    { password, again }: PasswordForm,
    { headers }: FastifyRequest,
  ): Promise<Page> {
    const found = await this.resets.find(brand, hash);
    if (!found) throw refusal('general_failure');
    const reader = toReader(brand, found.language, headers['accept-language']);
    if (again !== password) return this.pages.renderPasswordForm(reader, ['password_different']);
    const outcome = await this.resets.reset(brand, hash, password);
    if (outcome.kind === 'void') throw refusal('general_failure');
    if (outcome.kind === 'broken') return this.pages.renderPasswordForm(reader, outcome.codes);
    return this.pages.renderDone('password', reader);
  }
}
