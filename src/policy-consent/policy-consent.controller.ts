import { Body, Controller, Get, Header, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Caller, Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal, Principal } from '../auth/principal.js';
import { PublicApi } from '../common/access.js';
import { ApiAnswers, ApiKeyAuth, Problems, PublicProblems } from '../common/api-answers.dto.js';
import { boundsOf } from '../common/date-bounds.js';
import { AppError, invalidField } from '../common/errors.js';
import { nextLink } from '../common/next-link.js';
import { LimitPerAddress } from '../common/rate-limit.js';
import { PolicyCatalogue } from '../consents/policies/policy-catalogue.js';
import { PolicyListService } from '../consents/policies/policy-list.service.js';
import { parseClientId } from '../consents/subjects.service.js';
import { HotPolicyTexts, sendText } from './hot-policy-texts.js';
import {
  ListedPolicyConsentDto,
  MobilePolicyRecordDto,
  PolicyConsentsQuery,
  PolicyGivenDto,
  PolicyGivenQuery,
  PolicyRecordDto,
  PolicyRecordQuery,
  PolicyTextDto,
  PolicyTextQuery,
  RecordedPolicyConsentDto,
  RecordPolicyConsentDto,
  toListedPolicyConsentDto,
} from './policy-consent.dto.js';
import { PolicyConsentService } from './policy-consent.service.js';

const defaultLimit = 100;

/** Which text, which version, who agreed. */
@ApiTags('Policy consent')
@Controller('api/policyconsent')
export class PolicyConsentController {
  constructor(
    private readonly consents: PolicyConsentService,
    private readonly records: PolicyListService,
    private readonly policies: PolicyCatalogue,
    private readonly hotTexts: HotPolicyTexts,
  ) {}

  /** Read the policy's current text, to show it. Send the ETag as If-None-Match: 304 says that it is still the same. */
  @Get('policy')
  @PublicApi()
  @LimitPerAddress()
  @ApiAnswers(200, PolicyTextDto)
  @ApiAnswers(304)
  @PublicProblems(400, 404)
  async readPolicy(
    @Caller() caller: Principal | null,
    @Query() { PolicyId, LanguageCode }: PolicyTextQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const policy = await this.consents.getPolicy(caller, PolicyId);
    const text = await this.policies.getText(policy, this.policies.getCurrent(policy), LanguageCode);
    this.hotTexts.note(request, policy.id, LanguageCode);
    sendText(request, reply, text);
  }

  /**
   * Record a consent to a policy, or a withdrawal. Name the version that was read: an old one is refused, so that nobody agrees to
   * what they did not see. With any of an app's fields (ClientSessionId … MobileApplicationId) a credential is needed.
   */
  @Post()
  @PublicApi()
  @LimitPerAddress()
  @ApiHeader({ name: 'Idempotency-Key', required: false, schema: { type: 'string', maxLength: 255 } })
  @ApiAnswers(201, RecordedPolicyConsentDto)
  @PublicProblems(400, 403, 404, 409, 413, 422)
  async recordPolicyConsent(
    @Caller() caller: Principal | null,
    @Body() body: RecordPolicyConsentDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RecordedPolicyConsentDto> {
    const { answer, replayed } = await this.consents.record(caller, body, request);
    if (replayed) void reply.header('idempotency-replayed', 'true');
    return answer;
  }

  /** Check a consent: does what this subject said last count? */
  @Get('consent-given')
  @PublicApi()
  @LimitPerAddress()
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, PolicyGivenDto)
  @PublicProblems(400, 404)
  readPolicyConsentGiven(
    @Caller() caller: Principal | null,
    @Query() query: PolicyGivenQuery,
  ): Promise<PolicyGivenDto> {
    return this.consents.readGiven(caller, query);
  }

  /** With ClientId, read an app's record; without it, list all consents by filters, newest first, by default of the last 7 days. */
  @Get()
  @ApiKeyAuth()
  @RequireScope('policy:read')
  @Header('cache-control', 'no-store')
  @ApiExtraModels(MobilePolicyRecordDto, ListedPolicyConsentDto)
  @ApiResponse({
    status: 200,
    description: 'OK',
    schema: {
      oneOf: [
        { type: 'array', items: { $ref: getSchemaPath(ListedPolicyConsentDto) } },
        { $ref: getSchemaPath(MobilePolicyRecordDto) },
      ],
    },
  })
  @Problems(400, 404)
  async listPolicyConsents(
    @Client() client: ClientPrincipal,
    @Query() query: PolicyConsentsQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MobilePolicyRecordDto | ListedPolicyConsentDto[]> {
    if (query.ClientId !== undefined) return this.consents.readMobile(client, query);
    const { limit = defaultLimit, cursor } = query;
    const filters = await this.consents.toFilters(client, query);
    const page = { ...boundsOf(query), limit, ...(cursor !== undefined && { cursor }) };
    const { records, next } = await this.records.list(client.brandId, filters, page);
    if (next !== null) void reply.header('link', nextLink(request.url.split('?', 1)[0] ?? '', query, next));
    return records.map(toListedPolicyConsentDto);
  }

  /** Read the newest record of a subject and a policy. */
  @Get(':clientId')
  @PublicApi()
  @LimitPerAddress()
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, PolicyRecordDto)
  @PublicProblems(400, 404)
  readPolicyConsent(
    @Caller() caller: Principal | null,
    @Param('clientId') text: string,
    @Query() query: PolicyRecordQuery,
  ): Promise<PolicyRecordDto> {
    const clientId = parseClientId(text);
    if (!clientId) throw new AppError('not_found', 'nothing is recorded for this ClientId and PolicyId');
    if (query.ClientId !== undefined && !clientId.equals(Buffer.from(query.ClientId, 'hex')))
      throw invalidField(
        'ClientId',
        'ClientId is given twice, in the path and beside it, with different values',
      );
    return this.consents.read(caller, clientId, query);
  }
}
