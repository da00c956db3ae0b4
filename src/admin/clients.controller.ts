import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { ServiceClientsService } from '../auth/service-clients.service.js';
import { ApiAnswers, ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { ClientDto, ClientKeyDto, NewClientDto, toClientDto } from './clients.dto.js';

const clientId = /^[A-Za-z0-9_-]{1,100}$/;

/** The brand's service clients and their keys. */
@ApiTags('Administration')
@ApiKeyAuth()
@Controller('api/clients')
export class ClientsController {
  constructor(private readonly clients: ServiceClientsService) {}

  /** Create a client. The key in the answer is shown this once. */
  @Post()
  @RequireScope('admin')
  @ApiAnswers(201, ClientKeyDto)
  @Problems(400, 413)
  createClient(
    @Client() { brandId }: ClientPrincipal,
    @Body() { name, scopes }: NewClientDto,
  ): Promise<ClientKeyDto> {
    return this.clients.create(brandId, name, scopes);
  }

  /** List the brand's clients. */
  @Get()
  @RequireScope('admin')
  @ApiAnswers(200, ClientDto, { isArray: true })
  @Problems()
  async listClients(@Client() { brandId }: ClientPrincipal): Promise<ClientDto[]> {
    return (await this.clients.list(brandId)).map(toClientDto);
  }

  /** Revoke a client: at once on this instance, within 5 s on others. */
  @Delete(':id')
  @RequireScope('admin')
  @HttpCode(204)
  @ApiAnswers(204)
  @Problems(404)
  revokeClient(@Client() { brandId }: ClientPrincipal, @Param('id') id: string): Promise<void> {
    if (!clientId.test(id)) throw new AppError('not_found', 'there is no such client');
    return this.clients.revoke(brandId, id);
  }
}
