import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../common/access.js';
import { ApiAnswers, PageProblems } from '../common/api-answers.dto.js';
import { LimitPerAddress } from '../common/rate-limit.js';
import { sendPage } from '../pages/send-page.js';
import { PolicyPageQuery } from './policy-page.dto.js';
import { PolicyPageService } from './policy-page.service.js';

const page = { 'text/html': { schema: { type: 'string' } } };

/** Policies as people read them. */
@ApiTags('Policy consent')
@Controller('policies')
export class PolicyPageController {
  constructor(private readonly pages: PolicyPageService) {}

  /**
   * Show a policy to people, as a page to link to: its current text in the reader's language, its version and since when it is in
   * force, and every earlier version. What is not there is a page as well.
   */
  @Get(':id')
  @Public()
  @LimitPerAddress()
  @ApiHeader({
    name: 'Accept-Language',
    required: false,
    description: 'What the reader can read; `lang` comes first.',
    schema: { type: 'string' },
  })
  @ApiResponse({ status: 200, description: 'OK', content: page })
  @ApiAnswers(304)
  @ApiResponse({ status: 404, description: 'Not Found', content: page })
  @PageProblems()
  async showPolicy(
    @Param('id') id: string,
    @Query() query: PolicyPageQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    sendPage(request, reply, await this.pages.show(id, query, request.headers['accept-language']));
  }
}
