import { Body, Controller, Get, Header, HttpCode, Post, Query, Req } from '@nestjs/common';
import { ApiConsumes, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Public } from '../common/access.js';
import { ApiAnswers, OAuthErrors } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { readCredential } from './credentials.js';
import { TokenDto, TokenRequestDto } from './oauth.dto.js';
import { accessTokenSeconds, ServiceClientsService } from './service-clients.service.js';

/** OAuth 2 client credentials, for callers that cannot send a key. */
@ApiTags('Authentication')
@Controller('oauth/token')
export class OAuthController {
  constructor(private readonly clients: ServiceClientsService) {}

  /** Exchange a client's id and key for an access token of two hours. */
  @Public()
  @Post()
  @HttpCode(200)
  @ApiConsumes('application/json', 'application/x-www-form-urlencoded')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, TokenDto)
  @OAuthErrors(400, 401)
  issueToken(@Body() request: TokenRequestDto, @Req() { headers }: FastifyRequest): Promise<TokenDto> {
    return this.issue(request, headers.authorization);
  }

  /** Exchange a client's id and key by a query. Prefer POST: queries end up in other people's logs (never in ours). */
  @Public()
  @Get()
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, TokenDto)
  @OAuthErrors(400, 401)
  issueTokenByQuery(
    @Query() request: TokenRequestDto,
    @Req() { headers }: FastifyRequest,
  ): Promise<TokenDto> {
    return this.issue(request, headers.authorization);
  }

  private async issue(request: TokenRequestDto, authorization?: string): Promise<TokenDto> {
    if (request.grant_type === undefined) throw new AppError('invalid_input', 'grant_type is missing');
    if (request.grant_type !== 'client_credentials') {
      throw new AppError('invalid_input', 'grant_type', [], { oauthCode: 'unsupported_grant_type' });
    }
    const basic = authorization === undefined ? null : readCredential({ authorization });
    const clientId = request.client_id ?? basic?.clientId;
    const secret = request.client_secret ?? basic?.secret;
    if (!clientId || !secret) throw new AppError('invalid_input', 'client_id and client_secret are needed');
    const client = secret.startsWith('pct_') ? null : await this.clients.verify({ clientId, secret });
    if (!client) throw new AppError('unauthorized');
    return {
      access_token: await this.clients.issueToken(client),
      expires_in: accessTokenSeconds,
      token_type: 'Bearer',
    };
  }
}
