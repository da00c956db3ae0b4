import { Controller, Get, Header, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { ApiAnswers, ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { PlayerIdPipe } from '../common/player-id.js';
import { PlayerChangesService } from '../players/player-changes.service.js';
import { PlayerExportService } from '../players/player-export.service.js';
import { PlayerExportDto, toPlayerExportDto } from './player-export.dto.js';
import { PlayerChangesPageDto, PlayerChangesQuery, toPlayerChangesPageDto } from './player-records.dto.js';

const defaultLimit = 100;

/** What is kept of players, for their support. */
@ApiTags('Internal')
@ApiKeyAuth()
@Controller('internal/players/:id')
export class PlayerRecordsController {
  constructor(
    private readonly changes: PlayerChangesService,
    private readonly exports: PlayerExportService,
  ) {}

  /** List what was changed of a player, newest first: which field, from what to what, by whom, and why. */
  @Get('changes')
  @RequireScope('players:manage')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, PlayerChangesPageDto)
  @Problems(400, 404)
  async listPlayerChanges(
    @Client() { brandId }: ClientPrincipal,
    @Param('id', PlayerIdPipe) id: string,
    @Query() { limit = defaultLimit, cursor }: PlayerChangesQuery,
  ): Promise<PlayerChangesPageDto> {
    return toPlayerChangesPageDto(await this.changes.list(brandId, id, limit, cursor));
  }

  /** Export everything that is kept of a player, as it is at one instant. */
  @Get('export')
  @RequireScope('players:manage')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, PlayerExportDto)
  @Problems(400, 404)
  async exportPlayer(
    @Client() { brandId }: ClientPrincipal,
    @Param('id', PlayerIdPipe) id: string,
  ): Promise<PlayerExportDto> {
    return toPlayerExportDto(id, await this.exports.read(brandId, id));
  }
}
