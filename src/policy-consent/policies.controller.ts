import { Body, Controller, Get, Header, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { ApiAnswers, ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { UuidPipe } from '../common/id-pipes.js';
import { prefersJson } from '../common/prefers-json.js';
import { AddRouteConfig } from '../common/route-config.js';
import { PoliciesService } from '../consents/policies/policies.service.js';
import { PolicyAcceptanceService } from '../consents/policies/policy-acceptance.service.js';
import { PolicyTextWorker } from '../consents/policies/policy-text-worker.js';
import {
  AcceptanceDto,
  CreatePolicyDto,
  DiffQuery,
  DraftVersionDto,
  PolicyDto,
  PolicyVersionDto,
  PolicyWithVersionsDto,
  TextChangeDto,
  toAcceptanceDto,
  toDraftedVersion,
  toPolicyDto,
  toPolicyVersionDto,
  toPolicyWithVersionsDto,
  toTextChangeDto,
} from './policies.dto.js';

const maxBodyBytes = 5_000_000;
/** The texts are safe as they are; a browser that is shown them alone does nothing else all the same. */
const contentSecurityPolicy =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

/** Writes policies and publishes them. */
@ApiTags('Policy consent')
@ApiKeyAuth()
@Controller('api/policies')
export class PoliciesController {
  constructor(
    private readonly policies: PoliciesService,
    private readonly texts: PolicyTextWorker,
    private readonly acceptance: PolicyAcceptanceService,
  ) {}

  /** Create a policy. Nobody sees it before a version is published. */
  @Post()
  @RequireScope('policies:manage')
  @ApiAnswers(201, PolicyDto)
  @Problems(400, 413)
  async createPolicy(
    @Client() { brandId }: ClientPrincipal,
    @Body() { Name, Type, DefaultLanguage, DomainId }: CreatePolicyDto,
  ): Promise<PolicyDto> {
    const policy = { name: Name, type: Type, defaultLanguage: DefaultLanguage, domainId: DomainId ?? null };
    return toPolicyDto(await this.policies.create(brandId, policy));
  }

  /** List the brand's policies, oldest first. */
  @Get()
  @RequireScope('policies:manage')
  @ApiAnswers(200, PolicyDto, { isArray: true })
  @Problems()
  async listPolicies(@Client() { brandId }: ClientPrincipal): Promise<PolicyDto[]> {
    return (await this.policies.list(brandId)).map(toPolicyDto);
  }

  /** Read a policy with its versions, drafts included. */
  @Get(':id')
  @RequireScope('policies:manage')
  @ApiAnswers(200, PolicyWithVersionsDto)
  @Problems(404)
  async readManagedPolicy(
    @Client() { brandId }: ClientPrincipal,
    @Param('id', UuidPipe) id: string,
  ): Promise<PolicyWithVersionsDto> {
    return toPolicyWithVersionsDto(await this.policies.get(brandId, id));
  }

  /** Draft a version, of up to 5 MB. A draft of the same version is replaced; a published version never changes (409). */
  @Post(':id/versions')
  @RequireScope('policies:manage')
  @AddRouteConfig({ maxBodyBytes })
  @ApiAnswers(201, PolicyVersionDto)
  @Problems(400, 404, 409, 413)
  async draftPolicyVersion(
    @Client() { brandId }: ClientPrincipal,
    @Param('id', UuidPipe) id: string,
    @Body() body: DraftVersionDto,
  ): Promise<PolicyVersionDto> {
    return toPolicyVersionDto(await this.policies.draft(brandId, id, toDraftedVersion(body)), body.Version);
  }

  /** Publish a version: current from now on, or from its EffectiveFrom. If it is material, everybody is asked again from then on. */
  @Post(':id/versions/:version/publish')
  @RequireScope('policies:manage')
  @HttpCode(200)
  @ApiAnswers(200, PolicyVersionDto)
  @Problems(404, 409)
  async publishPolicyVersion(
    @Client() { brandId }: ClientPrincipal,
    @Param('id', UuidPipe) id: string,
    @Param('version') version: string,
  ): Promise<PolicyVersionDto> {
    return toPolicyVersionDto(await this.policies.publish(brandId, id, version), version);
  }

  /**
   * Read what changed from one version to another. As HTML it is the other's text with what is new in `<ins>` and what is gone in
   * `<del>`; `Accept: application/json` asks for a list of passages instead. Drafts can be compared, too.
   */
  @Get(':id/versions/:version/diff/:other')
  @RequireScope('policies:manage')
  @ApiExtraModels(TextChangeDto)
  @ApiResponse({
    status: 200,
    description: 'OK',
    content: {
      'text/html': { schema: { type: 'string' } },
      'application/json': { schema: { type: 'array', items: { $ref: getSchemaPath(TextChangeDto) } } },
    },
  })
  @Problems(400, 404)
  async readPolicyDiff(
    @Client() { brandId }: ClientPrincipal,
    @Param('id', UuidPipe) id: string,
    @Param('version') version: string,
    @Param('other') other: string,
    @Query() { Language }: DiffQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { language, from, to } = await this.policies.getTextPair(brandId, id, [version, other], Language);
    void reply.headers({ vary: 'Accept', 'cache-control': 'no-store', 'content-language': language });
    if (prefersJson(request.headers.accept)) {
      void reply
        .type('application/json; charset=utf-8')
        .send((await this.texts.diffTexts(from, to)).map(toTextChangeDto));
      return;
    }
    void reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', contentSecurityPolicy)
      .send(await this.texts.diffHtml(from, to));
  }

  /** Count who accepted which version. */
  @Get(':id/acceptance')
  @RequireScope('policies:manage')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, AcceptanceDto, { isArray: true })
  @Problems(404)
  async readPolicyAcceptance(
    @Client() { brandId }: ClientPrincipal,
    @Param('id', UuidPipe) id: string,
  ): Promise<AcceptanceDto[]> {
    return (await this.acceptance.count(brandId, id)).map(toAcceptanceDto);
  }
}
