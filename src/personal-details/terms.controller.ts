import { Body, Get, Header, Param, Post, Req, Res } from '@nestjs/common';
import { ApiExtraModels, ApiParam, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BrandSettings } from '../brands/brand-settings.js';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { isLanguage } from '../common/is-language.js';
import { LimitPerAddress } from '../common/rate-limit.js';
import { Brand, GatewayController, OpenGateway, RequireSession, Session } from './gateway.decorators.js';
import { GatewayErrors } from './gateway-answers.dto.js';
import type { GatewaySession } from './gateway.guard.js';
import { isTermsType, SignTermsDto, TermsDocumentDto, UnsignedDto } from './terms.dto.js';
import { TermsService } from './terms.service.js';

/** Terms that players sign. */
@GatewayController('player/multi/:version/sign/tnc')
export class SignTermsController {
  constructor(private readonly terms: TermsService) {}

  /**
   * Accept the terms or the privacy policy in force. 303 means that the terms are signed and that the privacy policy is left to be
   * signed; there is no Location to go to.
   */
  @Post()
  @RequireSession('body')
  @ApiExtraModels(UnsignedDto)
  @ApiResponse({
    status: 201,
    description: 'Created',
    content: { 'text/plain': { schema: { type: 'string', enum: ['successfully signed TNC'] } } },
  })
  @ApiResponse({
    status: 303,
    description: 'See Other',
    content: { 'application/json': { schema: { $ref: getSchemaPath(UnsignedDto) } } },
  })
  @GatewayErrors([401, 413])
  async signTerms(
    @Session() session: GatewaySession,
    @Body() body: SignTermsDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | UnsignedDto> {
    const isComplete = await this.terms.sign(session, body, request);
    if (isComplete) {
      void reply.type('text/plain; charset=utf-8');
      return 'successfully signed TNC';
    }
    void reply.status(303);
    return { 'sign: ': ['privacy_policy'] };
  }
}

/** What there is to sign. */
@GatewayController('tnc/:version/document/revision/lastPublished/:brand_id/:language/:type')
export class TermsDocumentController {
  constructor(private readonly terms: TermsService) {}

  /** Read the terms or the privacy policy in force. Where the language is missing, the text comes in one that is there. */
  @Get()
  @OpenGateway()
  @LimitPerAddress()
  @Header('cache-control', 'no-cache')
  @ApiParam({ name: 'language', schema: { type: 'string' } })
  @ApiParam({ name: 'type', schema: { type: 'string', enum: ['tnc', 'privacy'] } })
  @ApiAnswers(200, TermsDocumentDto)
  @GatewayErrors([404, 429])
  async readTerms(
    @Brand() brand: BrandSettings,
    @Param('language') language: string,
    @Param('type') type: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TermsDocumentDto> {
    if (!isLanguage(language) || !isTermsType(type)) throw new AppError('invalid_input');
    const document = await this.terms.readDocument(brand, type, language);
    void reply.header('content-language', document.language);
    return document;
  }
}
