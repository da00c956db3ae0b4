import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { IntegrationsService } from '../brands/integrations.service.js';
import { ApiAnswers, ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { IntegrationDto, IntegrationIdDto, NewIntegrationDto, toIntegrationDto } from './integrations.dto.js';

/** The brand's integrations: sites and apps that send consents under an id, without a credential. */
@ApiTags('Administration')
@ApiKeyAuth()
@Controller('api/integrations')
export class IntegrationsController {
  constructor(private readonly integrations: IntegrationsService) {}

  /**
   * Create an integration. Its id is no secret: whoever knows it can send consents to the brand. `Origins` limits which
   * pages may use it in a browser (none: any), and their host must be among the brand's `hosts` as well.
   */
  @Post()
  @RequireScope('admin')
  @ApiAnswers(201, IntegrationIdDto)
  @Problems(400, 413)
  async createIntegration(
    @Client() { brandId }: ClientPrincipal,
    @Body() { Name, Origins = [] }: NewIntegrationDto,
  ): Promise<IntegrationIdDto> {
    const { id } = await this.integrations.create(brandId, Name, Origins);
    return { Id: id };
  }

  /** List the brand's integrations. */
  @Get()
  @RequireScope('admin')
  @ApiAnswers(200, IntegrationDto, { isArray: true })
  @Problems()
  async listIntegrations(@Client() { brandId }: ClientPrincipal): Promise<IntegrationDto[]> {
    return (await this.integrations.list(brandId)).map(toIntegrationDto);
  }

  /** Revoke an integration: at once on this instance, within 5 s on others. */
  @Delete(':id')
  @RequireScope('admin')
  @HttpCode(204)
  @ApiAnswers(204)
  @Problems(404)
  revokeIntegration(@Client() { brandId }: ClientPrincipal, @Param('id') id: string): Promise<void> {
    return this.integrations.revoke(brandId, id);
  }
}
