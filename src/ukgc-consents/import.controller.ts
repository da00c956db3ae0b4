import { Controller, HttpCode, Post, Query, Req } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { ApiAnswers, ApiKeyAuth, CrmErrors } from '../common/api-answers.dto.js';
import { ConsentImportService } from '../consents/import/consent-import.service.js';
import { ImportQuery, ImportResultDto, toImportResultDto } from './import.dto.js';

const example = `player_id,channel,opted_in,products,occurred_at,source
2001,email,true,casino|sports,2026-01-31T12:00:00Z,migration
2001,sms,false,,2026-01-31T12:00:00Z,migration
`;

/** Consents by the file. */
@ApiTags('UKGC consents')
@ApiKeyAuth()
@Controller('userconsents/import')
export class ImportController {
  constructor(private readonly imports: ConsentImportService) {}

  /**
   * Import consents of any number, one change a row. The body is streamed: CSV with a first line of column names, or NDJSON
   * with the same keys. A row is applied only if its `occurred_at` is not older than what is recorded; rows that are not
   * valid are rejected and the others apply. The same file may be sent again without effect.
   */
  @Post()
  @RequireScope('consents:import')
  @HttpCode(200)
  @ApiConsumes('text/csv', 'application/x-ndjson')
  @ApiBody({ schema: { type: 'string', example } })
  @ApiAnswers(200, ImportResultDto)
  @CrmErrors(400, 409)
  async importConsents(
    @Client() { brandId, clientId }: ClientPrincipal,
    @Query() { format, dryRun }: ImportQuery,
    @Req() request: FastifyRequest,
  ): Promise<ImportResultDto> {
    const body = request.body as Readable;
    const actor = `client:${clientId}`;
    return toImportResultDto(
      await this.imports.run(body, { brandId, actor, format, dryRun: dryRun ?? false }),
    );
  }
}
