import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiHeader, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requestFacts } from '../auth/evidence.js';
import { Public } from '../common/access.js';
import { PageProblems, PublicFormProblems } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { LimitPerAddress } from '../common/rate-limit.js';
import { sendPrivatePage } from '../pages/send-page.js';
import { readLinkAct } from './preference-form.js';
import { PreferencePageQuery } from './preference-page.dto.js';
import { type LinkVisitor, PreferencePageService } from './preference-page.service.js';

const page = { 'text/html': { schema: { type: 'string' } } };
const done = 'You are unsubscribed.\n';
const formType = /^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i;
const languageHeader = ApiHeader({
  name: 'Accept-Language',
  required: false,
  description: "What the reader can read; `lang` and the player's own language come first.",
  schema: { type: 'string' },
});

/** The page behind the link of a marketing message. The link is the credential, and the only one. */
@ApiTags('Unsubscribe')
@Controller('unsubscribe')
export class PreferencePageController {
  constructor(private readonly pages: PreferencePageService) {}

  /**
   * Show a player what marketing they have agreed to, with a button that withdraws what the link is for. Changes nothing, so that programs
   * that open every link do no harm.
   */
  @Get(':token')
  @Public()
  @LimitPerAddress()
  @languageHeader
  @ApiResponse({ status: 200, description: 'OK', content: page })
  @ApiResponse({ status: 404, description: 'Not Found', content: page })
  @PageProblems()
  async showPreferences(
    @Param('token') token: string,
    @Query() query: PreferencePageQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    sendPrivatePage(reply, await this.pages.show(token, visitorOf(request, query)));
  }

  /**
   * Withdraw what the link is for, by one click (RFC 8058). Mail programs send `List-Unsubscribe=One-Click`, and that is all it takes: no
   * cookie, no second question, and 200 again for a repeat. The buttons of the page send their forms here as well.
   */
  @Post(':token')
  @Public()
  @HttpCode(200)
  @languageHeader
  @ApiConsumes('application/x-www-form-urlencoded', 'multipart/form-data')
  @ApiBody({
    schema: {
      type: 'object',
      properties: { 'List-Unsubscribe': { type: 'string', enum: ['One-Click'] } },
      required: ['List-Unsubscribe'],
    },
  })
  @ApiResponse({
    status: 200,
    description: 'OK',
    content: { 'text/plain': { schema: { type: 'string', example: done } }, ...page },
  })
  @ApiResponse({ status: 404, description: 'Not Found', content: page })
  @PublicFormProblems()
  async withdrawByLink(
    @Param('token') token: string,
    @Query() query: PreferencePageQuery,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const readAct = () => {
      if (!formType.test(request.headers['content-type'] ?? ''))
        throw new AppError('unsupported_body', 'send a form: List-Unsubscribe=One-Click');
      return readLinkAct(body);
    };
    const answer = await this.pages.act(token, readAct, visitorOf(request, query));
    if (answer) sendPrivatePage(reply, answer);
    else
      void reply
        .headers({ 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
        .send(done);
  }
}

function visitorOf(request: FastifyRequest, { lang }: PreferencePageQuery): LinkVisitor {
  return {
    lang: typeof lang === 'string' ? lang : undefined,
    acceptLanguage: request.headers['accept-language'],
    facts: (storeFullIp) => requestFacts(request, storeFullIp),
  };
}
