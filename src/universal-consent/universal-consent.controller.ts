import { Body, Controller, Get, Header, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Caller, Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal, Principal } from '../auth/principal.js';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { PublicApi } from '../common/access.js';
import { ApiAnswers, ApiKeyAuth, Problems, PublicProblems } from '../common/api-answers.dto.js';
import { LimitPerAddress } from '../common/rate-limit.js';
import { boundsOf } from '../common/date-bounds.js';
import { nextLink } from '../common/next-link.js';
import { UniversalListService } from '../consents/universal/universal-list.service.js';
import { filtersOf } from './list-query.js';
import {
  ChangeConsentDto,
  ConsentGivenDto,
  ConsentGivenQuery,
  ListConsentsQuery,
  ListedConsentDto,
  RecordConsentDto,
  RecordedConsentDto,
  RecordQuery,
  toListedDto,
  UniversalConsentDto,
} from './universal-consent.dto.js';
import { type Replayable, UniversalConsentService } from './universal-consent.service.js';

const defaultLimit = 100;
const IdempotencyKey = () =>
  ApiHeader({ name: 'Idempotency-Key', required: false, schema: { type: 'string', maxLength: 255 } });

/** Consent of anyone to anything. A ClientId stands for whoever consents: nobody can guess one, and whoever has one may use it. */
@ApiTags('Universal consent')
@Controller('api/universalconsent')
export class UniversalConsentController {
  constructor(
    private readonly consents: UniversalConsentService,
    private readonly records: UniversalListService,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /**
   * Record a consent. A second one of the same subject and reference updates the record; every one is kept in the history.
   * A CustomUserId is taken for the player of that id.
   */
  @Post()
  @ApiKeyAuth()
  @RequireScope('universal:write')
  @IdempotencyKey()
  @ApiAnswers(201, RecordedConsentDto)
  @Problems(400, 409, 413, 422)
  async recordUniversalConsent(
    @Client() client: ClientPrincipal,
    @Body() body: RecordConsentDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RecordedConsentDto> {
    return answer(reply, await this.consents.record(client, body, request));
  }

  /**
   * Record a consent from a web page or an app, by the id of an integration instead of a credential. A CustomUserId is the
   * caller's claim: it leads to a ClientId of its own, never to the player or to what a service client has recorded.
   */
  @Post('integration/:integrationId')
  @PublicApi()
  @LimitPerAddress()
  @IdempotencyKey()
  @ApiAnswers(201, RecordedConsentDto)
  @PublicProblems(400, 403, 404, 409, 413, 422)
  async recordFromIntegration(
    @Caller() caller: Principal | null,
    @Param('integrationId') integrationId: string,
    @Body() body: RecordConsentDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RecordedConsentDto> {
    return answer(reply, await this.consents.recordFromIntegration(caller, integrationId, body, request));
  }

  /** Change a consent, or its metadata, of a reference that is recorded. What changes nothing is no event. */
  @Patch()
  @PublicApi()
  @LimitPerAddress()
  @IdempotencyKey()
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, UniversalConsentDto)
  @PublicProblems(400, 404, 409, 413, 422)
  async changeUniversalConsent(
    @Caller() caller: Principal | null,
    @Body() body: ChangeConsentDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UniversalConsentDto> {
    return answer(reply, await this.consents.change(caller, body, request));
  }

  /** Check a consent: has this subject consented to this reference? */
  @Get('consent-given')
  @PublicApi()
  @LimitPerAddress()
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, ConsentGivenDto)
  @PublicProblems(400, 404)
  readConsentGiven(
    @Caller() caller: Principal | null,
    @Query() query: ConsentGivenQuery,
  ): Promise<ConsentGivenDto> {
    return this.consents.readLevel(caller, query);
  }

  /**
   * List consents by filters, newest first; by default those of the last 7 days. The next page is in the Link header; a page may
   * hold fewer records than `limit` while there is one.
   */
  @Get()
  @ApiKeyAuth()
  @RequireScope('universal:read')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, ListedConsentDto, { isArray: true })
  @Problems(400)
  async listUniversalConsents(
    @Client() { brandId }: ClientPrincipal,
    @Query() query: ListConsentsQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ListedConsentDto[]> {
    const { limit = defaultLimit, cursor } = query;
    const brand = await this.catalogue.get(brandId);
    const { records, next } = await this.records.list(brandId, {
      filters: filtersOf(query, brand.storeFullIp),
      ...boundsOf(query),
      limit,
      ...(cursor !== undefined && { cursor }),
    });
    if (next !== null) void reply.header('link', nextLink(request.url.split('?', 1)[0] ?? '', query, next));
    return records.map(toListedDto);
  }

  /** Read a record: of the reference, or the most recently updated. */
  @Get(':clientId')
  @PublicApi()
  @LimitPerAddress()
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, UniversalConsentDto)
  @PublicProblems(400, 404)
  readUniversalConsent(
    @Caller() caller: Principal | null,
    @Param('clientId') clientId: string,
    @Query() { Reference }: RecordQuery,
  ): Promise<UniversalConsentDto> {
    return this.consents.read(caller, clientId, Reference);
  }
}

function answer<Answer>(reply: FastifyReply, { answer: body, replayed }: Replayable<Answer>): Answer {
  if (replayed) void reply.header('idempotency-replayed', 'true');
  return body;
}
